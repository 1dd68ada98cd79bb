//! Who sees what in a mesh: `exportTo`, `Sidecar`, `discoverySelectors`, as Istio means them.
//!
//! Each of them only takes away: discovery selectors take whole namespaces, an
//! object's `exportTo` takes viewers, a Sidecar takes what its own workloads do
//! not ask for. Gateways know no Sidecar. From what access points refer to,
//! [`smallest`] computes the least that each may be, and never more than it was.
//! What seeing costs is [`footprint`](crate::footprint)'s.
//!
//! Sources: istio/istio `pkg/config/visibility`, `push_context.go`, `sidecar.go`,
//! `pkg/kube/namespace/filter.go`; istio/api `sidecar.proto`.

mod scopes;
mod sidecar;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::labels::{Labels, Selector};
use crate::name::{Name, ParseNameError};
use crate::units::text_value;

pub use scopes::{Call, ObjectScope, Scopes, Uses, smallest};
pub(crate) use scopes::{destinations, destinations_at, has_gateway, hosts_of};
pub(crate) use sidecar::covers;
pub use sidecar::{ParseSidecarError, Sidecar, ambiguous, sidecar_for};

/// The annotation by which a Kubernetes Service says who sees it.
pub const EXPORT_ANNOTATION: &str = "networking.istio.io/exportTo";
/// The label that every namespace has, with its name.
pub const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// One item of an `exportTo`: `*`, `.`, `~` or a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Export {
    /// Everybody.
    All,
    /// One namespace.
    Namespace(Name),
    /// Nobody.
    Nobody,
    /// The object's own namespace.
    Own,
}

/// A text is no item of an `exportTo`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `*` for all, `.` for the own namespace, `~` for nobody, or a namespace: {0}")]
pub struct ParseExportError(ParseNameError);

impl FromStr for Export {
    type Err = ParseExportError;

    fn from_str(text: &str) -> Result<Self, ParseExportError> {
        match text {
            "*" => Ok(Self::All),
            "." => Ok(Self::Own),
            "~" => Ok(Self::Nobody),
            name => name.parse().map(Self::Namespace).map_err(ParseExportError),
        }
    }
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Namespace(name) => name.fmt(f),
            Self::Nobody => f.write_str("~"),
            Self::Own => f.write_str("."),
        }
    }
}

text_value!(Export, "viewer", r"^([*.~]|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$", "Who sees an object.");

/// Who sees an object; an empty one is what the mesh says, which is everybody by default.
///
/// ```
/// use mesh_model::name::Name;
/// use mesh_model::visibility::ExportTo;
///
/// let [shop, pay]: [Name; 2] = ["shop".parse()?, "pay".parse()?];
/// let export = ExportTo::parse([".", "pay"])?;
/// assert!(export.shows(&shop, &shop) && export.shows(&shop, &pay));
/// assert!(!export.shows(&shop, &"other".parse()?));
/// assert!(ExportTo::default().shows(&shop, &pay));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportTo(BTreeSet<Export>);

impl ExportTo {
    /// From the items of a list.
    ///
    /// # Errors
    ///
    /// One is no item of an `exportTo`.
    pub fn parse<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, ParseExportError> {
        items.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// What an object says, by its field or, for a Service, its annotation.
    ///
    /// # Errors
    ///
    /// An item is none.
    pub fn of(object: &Value) -> Result<Self, ParseExportError> {
        if object.get("kind").and_then(Value::as_str) == Some("Service") {
            let annotations = object.pointer("/metadata/annotations");
            let text = annotations.and_then(|all| all.get(EXPORT_ANNOTATION)).and_then(Value::as_str);
            let items = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
            return Self::parse(items.filter(|item| !item.is_empty()));
        }
        let items = object.pointer("/spec/exportTo").and_then(Value::as_array);
        Self::parse(items.into_iter().flatten().filter_map(Value::as_str))
    }

    /// Whether an object of `owner` is seen from `viewer`.
    #[must_use]
    pub fn shows(&self, owner: &Name, viewer: &Name) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|export| match export {
                Export::All => true,
                Export::Namespace(name) => name == viewer,
                Export::Nobody => false,
                Export::Own => owner == viewer,
            })
    }

    /// Whether some namespace sees both an object of `owner` with this and one of `other` with `theirs`.
    #[must_use]
    pub(crate) fn meets(&self, owner: &Name, theirs: &Self, other: &Name) -> bool {
        let named = self.0.iter().chain(&theirs.0).filter_map(|export| match export {
            Export::Namespace(name) => Some(name),
            Export::All | Export::Nobody | Export::Own => None,
        });
        let mut viewers = [owner, other].into_iter().chain(named);
        viewers.any(|viewer| self.shows(owner, viewer) && theirs.shows(other, viewer))
    }

    /// This, or what the mesh says where it is empty.
    #[must_use]
    pub fn or<'a>(&'a self, mesh: &'a Self) -> &'a Self {
        if self.0.is_empty() { mesh } else { self }
    }

    /// The items in order; none for what the mesh says.
    pub fn iter(&self) -> impl Iterator<Item = &Export> {
        self.0.iter()
    }
}

impl FromIterator<Export> for ExportTo {
    fn from_iter<I: IntoIterator<Item = Export>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

/// Which namespaces the control plane looks at: those that one selector matches, all without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscoverySelectors(pub Vec<Selector>);

impl DiscoverySelectors {
    /// Whether a namespace with these labels is looked at; its name need not be among them.
    #[must_use]
    pub fn admit(&self, namespace: &Name, labels: &Labels) -> bool {
        let label = |key: &str| match labels.get(key) {
            None if key == NAMESPACE_LABEL => Some(namespace.as_str()),
            value => value.map(String::as_str),
        };
        self.0.is_empty() || self.0.iter().any(|selector| selector.matches_by(label))
    }
}

/// Gateways that have the same labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayPods {
    /// Their namespace.
    pub namespace: Name,
    /// The labels of their pods, by which Gateways select them.
    pub labels: Labels,
}

impl GatewayPods {
    /// Whether they serve a Gateway.
    #[must_use]
    pub fn serve(&self, gateway: &Value) -> bool {
        let selector = gateway.pointer("/spec/selector").and_then(Value::as_object);
        let has =
            |(key, value): (&String, &Value)| self.labels.get(key).map(String::as_str) == value.as_str();
        selector.into_iter().flatten().all(has)
    }
}

#[cfg(test)]
mod tests;
