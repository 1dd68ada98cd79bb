//! The versions of an access point that its targets have or are to have, by revision.
//!
//! The idea: a revision is templates and overrides and nothing else, so nothing else of an earlier version is kept.
//! Where requests go, which addresses and names there are and how a rollout goes take effect at once: they are the
//! last edit's, also on a target that waits for its templates. So what a target is to have now is the version
//! of the revision that the rollout gave it, and never whatever was written last.
//!
//! Which revision that is says the [`rollout`](super), what it comes to on a target [`render`](crate::render).

use std::collections::{BTreeMap, BTreeSet};

use super::RolloutState;
use crate::access_point::AccessPoint;
use crate::render::Revision;

/// The versions of one access point: as many as are proposed, complete, given to a target or said by one.
///
/// ```
/// use mesh_model::access_point::AccessPoint;
/// use mesh_model::render::Revision;
/// use mesh_model::rollout::{RolloutState, Versions};
///
/// # let written = |port: u16, local: u8| -> Result<AccessPoint, Box<dyn std::error::Error>> {
/// #     let object: mesh_model::api::FederatedAccessPoint = serde_saphyr::from_str(&format!(
/// #         "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: web, namespace: shop }},
/// #            spec: {{ placement: {{ selector: {{}} }}, traffic: {{ local: {local}%, remote: {}%, failover: true, regions: [r, s] }},
/// #              templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ ports: [{{ port: {port} }}] }} }}] }} }}",
/// #         100 - local
/// #     ))?;
/// #     Ok(AccessPoint::try_from(object)?)
/// # };
/// let before = written(80, 99)?;
/// let revision = Revision::of_access_point(&before);
/// let mut versions = Versions::new(before.clone());
/// versions.handle_edit(written(443, 50)?); // another port is another revision, another local share is not
/// let kept = versions.get(revision).expect("a target may have it still");
/// assert_eq!(kept.templates, before.templates);
/// assert_eq!(kept.traffic, versions.latest().traffic, "which is steered everywhere at once");
/// versions.forget_unused(&RolloutState::default()); // nobody has it
/// assert_eq!(versions.get(revision), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    by_revision: BTreeMap<Revision, AccessPoint>,
    latest: Revision,
}

impl Versions {
    /// An access point that was never edited.
    #[must_use]
    pub fn new(access_point: AccessPoint) -> Self {
        let latest = Revision::of_access_point(&access_point);
        Self { by_revision: BTreeMap::from([(latest, access_point)]), latest }
    }

    /// Goes on from what was kept: the earlier versions in any order, and the access point as it is written now.
    ///
    /// Whoever restarts in the middle of a rollout needs the complete version, to return to it.
    #[must_use]
    pub fn restore(earlier: impl IntoIterator<Item = AccessPoint>, access_point: AccessPoint) -> Self {
        let mut versions = Self::new(access_point.clone());
        let earlier = earlier.into_iter().map(|version| (Revision::of_access_point(&version), version));
        versions.by_revision.extend(earlier);
        versions.handle_edit(access_point);
        versions
    }

    /// The access point was edited, or is what it was.
    pub fn handle_edit(&mut self, access_point: AccessPoint) {
        for version in self.by_revision.values_mut() {
            // `AccessPoint::differs_at_once` lists what is everybody's at once
            let (templates, overrides) =
                (std::mem::take(&mut version.templates), std::mem::take(&mut version.overrides));
            *version = AccessPoint { templates, overrides, ..access_point.clone() };
        }
        self.latest = Revision::of_access_point(&access_point);
        self.by_revision.insert(self.latest, access_point);
    }

    /// The access point as it was written last: what is proposed.
    #[must_use]
    pub fn latest(&self) -> &AccessPoint {
        &self.by_revision[&self.latest]
    }

    /// The access point as whoever was given a revision is to have it now; `None` if nobody was when
    /// [`forget_unused`](Self::forget_unused) was called last.
    #[must_use]
    pub fn get(&self, revision: Revision) -> Option<&AccessPoint> {
        self.by_revision.get(&revision)
    }

    /// What must be kept beside the rollout's state, by revision.
    pub fn iter(&self) -> impl Iterator<Item = (Revision, &AccessPoint)> {
        self.by_revision.iter().map(|(revision, version)| (*revision, version))
    }

    /// Forgets what no target has or can be given without an edit, so that there are never many.
    ///
    /// Call it when the state is another one: what was forgotten can be rendered no more.
    pub fn forget_unused(&mut self, state: &RolloutState) {
        let proposed = state.proposal.as_ref().map(|proposal| proposal.revision);
        let targets = state.targets.values().flat_map(|target| [target.given, target.applied]);
        let used: BTreeSet<Revision> =
            targets.chain([Some(self.latest), proposed, state.completed]).flatten().collect();
        self.by_revision.retain(|revision, _| used.contains(revision));
    }
}

#[cfg(test)]
mod tests;
