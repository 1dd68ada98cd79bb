//! Conditions, as Kubernetes' API conventions have them.
//!
//! One condition for each aspect; `Unknown` where there is no news, never an
//! old `True`. The time changes only with the status.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::WallTime;

/// One aspect of an object's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The aspect, in CamelCase: `Ready`, `Vip`, `Certificate`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The generation of the spec that this was said of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<u64>,
    /// When the status changed last.
    pub last_transition_time: WallTime,
    /// Why, in one CamelCase word for programs.
    pub reason: Cow<'static, str>,
    /// Why, in a sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConditionStatus {
    /// It does not.
    False,
    /// It does.
    True,
    /// Nobody knows: no news, or news too old.
    Unknown,
}

impl Condition {
    /// What becomes of a condition when `new` is said of the same aspect: the
    /// time of change stays where the status does.
    ///
    /// ```
    /// use mesh_model::api::{Condition, ConditionStatus};
    ///
    /// let ready = |status, at: &str, reason: &'static str| Condition {
    ///     kind: "Ready".into(),
    ///     status,
    ///     observed_generation: Some(1),
    ///     last_transition_time: at.parse().unwrap(),
    ///     reason: reason.into(),
    ///     message: String::new(),
    /// };
    /// let old = ready(ConditionStatus::False, "2026-01-01T00:00:00Z", "NoVip");
    /// let new = old.updated(ready(ConditionStatus::False, "2026-01-02T00:00:00Z", "NoName"));
    /// assert_eq!(new, ready(ConditionStatus::False, "2026-01-01T00:00:00Z", "NoName"));
    /// ```
    #[must_use]
    pub fn updated(&self, new: Self) -> Self {
        let since =
            if self.status == new.status { self.last_transition_time } else { new.last_transition_time };
        Self { last_transition_time: since, ..new }
    }
}
