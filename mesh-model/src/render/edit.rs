//! An edit of an access point, rendered: what a revision alters, and so what is shown to whoever approves of it.
//!
//! The idea: the difference of a revision is defined here and nowhere else, so
//! that the hash that a person sees is the hash that a rollout asks for. It is
//! what the access point as it was complete last is to its targets against what
//! the edited one would be, on the targets where the edited one is placed now.
//! Placement is no part of a revision: whoever joins by the same edit or by
//! another receives the complete version first and so is shown what alters that.

use super::{Difference, Rendering, compare, render};
use crate::access_point::AccessPoint;
use crate::fleet::Target;
use crate::template::Schemas;

/// What targets would have before an edit and after it.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::api::PlacementLevel;
/// use mesh_model::fleet::{Fleet, Target};
/// use mesh_model::render::{Edit, Revision};
/// use mesh_model::template::Schemas;
///
/// # let frame = |kind: &str, rest: &str| format!("{{ apiVersion: overspill.dev/v1alpha1, kind: {kind}, {rest} }}");
/// # let zone = serde_saphyr::from_str(&frame("AvailabilityZone", "metadata: { name: a }, spec: { region: r }"))?;
/// # let cluster = |name| serde_saphyr::from_str(&frame("Cluster", &format!("metadata: {{ name: {name} }}, spec: {{ zone: a }}")));
/// # let fleet = Fleet::new(vec![zone], vec![cluster("a-1")?, cluster("a-2")?])?;
/// # let version = |port: u16| -> Result<AccessPoint, Box<dyn std::error::Error>> {
/// #     let spec = format!("spec: {{ placement: {{ selector: {{}} }}, templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ ports: [{{ port: {port} }}] }} }}] }}");
/// #     let text = frame("FederatedAccessPoint", &format!("metadata: {{ name: web, namespace: shop }}, {spec}"));
/// #     Ok(AccessPoint::try_from(serde_saphyr::from_str::<mesh_model::api::FederatedAccessPoint>(&text)?)?)
/// # };
/// let (complete, edited) = (version(80)?, version(443)?);
/// let targets: Vec<Target<'_>> = fleet.targets(PlacementLevel::Cluster).collect(); // a-1, a-2
/// let schemas = Schemas::embedded();
/// let shown = |targets: &[Target<'_>]| Edit::of(Some(&complete), &edited, targets, &schemas).difference();
/// // whoever joins is no other revision, but it has to be looked at
/// assert_ne!(shown(&targets[..1]).hash, shown(&targets).hash);
/// assert_eq!(shown(&targets).targets.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Edit {
    /// What the targets would have of the access point as it was complete last.
    pub old: Vec<Rendering>,
    /// What they would have of the edited one.
    pub new: Vec<Rendering>,
}

impl Edit {
    /// Renders an access point before an edit, if it was complete once, and after it.
    ///
    /// `targets` are those where the edited one is placed, all that
    /// [`placement::targets`](crate::placement::targets) gives: they are what a
    /// rollout is told of, too. Steering is left out on both sides, for it is no revision.
    #[must_use]
    pub fn of(
        old: Option<&AccessPoint>,
        new: &AccessPoint,
        targets: &[Target<'_>],
        schemas: &Schemas,
    ) -> Self {
        let side = |access_point: &AccessPoint| -> Vec<Rendering> {
            targets.iter().map(|target| render(access_point, target, schemas)).collect()
        };
        Self { old: old.map(side).unwrap_or_default(), new: side(new) }
    }

    /// What differs: the hash of it is what an approval of the revision is bound to while these are the targets.
    #[must_use]
    pub fn difference(&self) -> Difference {
        compare(&self.old, &self.new)
    }
}
