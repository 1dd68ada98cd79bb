//! How targets and objects are chosen, as it is written.
//!
//! The selector is Kubernetes' own: `matchLabels` and `matchExpressions`, all
//! of which must hold; `{}` matches everything. Checked and asked in
//! [`labels`](crate::labels).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// A selector by labels; all parts must hold, and without any it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelectorSpec {
    /// Labels that must be there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements of other forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<RequirementSpec>,
}

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequirementSpec {
    /// The label's key.
    pub key: String,
    /// What is asked.
    pub operator: RequirementOperator,
    /// The values for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What a requirement asks of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RequirementOperator {
    /// The label is not there.
    DoesNotExist,
    /// The label is there.
    Exists,
    /// Its value is one of these.
    In,
    /// Its value is none of these, or it is not there.
    NotIn,
}

/// A choice among targets: every field that is given must hold; with none given, all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetsSpec {
    /// Names of targets: clusters, or zones where the level is `zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<Name>>,
    /// Targets in these zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<Name>>,
    /// Targets in these regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<Name>>,
    /// Targets with these labels: a cluster's, and its zone's where the cluster has no label of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelectorSpec>,
}
