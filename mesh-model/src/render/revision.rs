//! The revision of an access point: the name of what its author wrote.
//!
//! The idea: a rollout is begun by an edit and by nothing else. So a revision is
//! made of what renderings are made of, templates and overrides, and of no
//! target: one that joins, leaves, is drained or gets another label has no part
//! in it. What an edit alters on the targets that there are is that of an
//! [`Edit`](super::Edit), and to the hash of that difference approvals are bound.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Revision;
use crate::access_point::AccessPoint;
use crate::overrides::{Action, Override, Rule};

impl Revision {
    /// The revision of an access point: of its templates, in any order, and its overrides, in theirs.
    ///
    /// Placement, traffic, addresses, names and the rollout's policy are no part of it: they take effect
    /// without stages. An edit that alters nothing on any target that there is makes a revision still, for
    /// the next that joins may be another one; a controller may look whether the
    /// [`Difference`](super::Difference) is empty before it asks anybody.
    ///
    /// ```
    /// use mesh_model::access_point::AccessPoint;
    /// use mesh_model::render::Revision;
    ///
    /// let revision = |placement: &str, port: u16| -> Result<Revision, Box<dyn std::error::Error>> {
    ///     let object: mesh_model::api::FederatedAccessPoint = serde_saphyr::from_str(&format!(
    ///         "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: web, namespace: shop }},
    ///            spec: {{ placement: {placement}, templates: [
    ///              {{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ ports: [{{ port: {port} }}] }} }}] }} }}"
    ///     ))?;
    ///     Ok(Revision::of_access_point(&AccessPoint::try_from(object)?))
    /// };
    /// assert_eq!(revision("{ selector: {} }", 443)?, revision("{ names: [slc-a-1] }", 443)?);
    /// assert_ne!(revision("{ selector: {} }", 443)?, revision("{ selector: {} }", 80)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_access_point(access_point: &AccessPoint) -> Self {
        let templates: BTreeMap<String, &Value> = access_point
            .templates
            .iter()
            .map(|template| (template.id.to_string(), &template.object))
            .collect();
        let overrides: Vec<Value> = access_point.overrides.iter().map(written).collect();
        Self::of_json(&json!({
            "accessPoint": access_point.id.to_string(),
            "templates": templates,
            "overrides": overrides,
        }))
    }
}

/// An override but for its name, which no object has.
fn written(one: &Override) -> Value {
    json!({ "targets": one.targets, "rules": one.rules.iter().map(rule).collect::<Vec<_>>() })
}

fn rule(rule: &Rule) -> Value {
    let action = match &rule.action {
        Action::Annotations(marks) => json!({ "annotations": marks }),
        Action::Delete => json!("delete"),
        Action::Labels(marks) => json!({ "labels": marks }),
        Action::Merge(patch) => json!({ "merge": patch }),
        Action::Patch(operations) => json!({ "patch": operations }),
    };
    json!({ "kind": rule.kind.to_string(), "name": rule.name, "action": action })
}
