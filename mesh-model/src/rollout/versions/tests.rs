//! Tests of versions: any course of edits beside a list of all that was ever written.

use proptest::prelude::*;

use super::*;
use crate::rollout::{Progress, Proposal, TargetState};

/// The access point with a template and a generation, which is no part of a revision.
fn written(port: u16, generation: u64) -> AccessPoint {
    let object: crate::api::FederatedAccessPoint = serde_saphyr::from_str(&format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint,
            metadata: {{ name: web, namespace: shop, generation: {generation} }},
            spec: {{ placement: {{ selector: {{}} }}, templates: [
              {{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ ports: [{{ port: {port} }}] }} }}] }} }}"
    ))
    .unwrap();
    AccessPoint::try_from(object).unwrap()
}

fn target(given: Revision, applied: Revision) -> TargetState {
    let (given, applied) = (Some(given), Some(applied));
    TargetState { stage: 0, given, applied, progress: Progress::Held, awaits: BTreeSet::new() }
}

#[test]
fn what_is_no_revision_is_the_last_edits_for_all() {
    let mut versions = Versions::new(written(80, 1));
    versions.handle_edit(written(443, 2));
    assert_eq!(versions.latest(), &written(443, 2));
    assert_eq!(
        versions.get(Revision::of_access_point(&written(80, 1))),
        Some(&written(80, 2)),
        "its templates, and the rest as it is now"
    );
    let earlier = versions.iter().map(|(_, version)| version.clone()).collect::<Vec<_>>();
    assert_eq!(Versions::restore(earlier, written(443, 2)), versions, "as before a restart");
    assert_eq!(
        Versions::restore([written(80, 1), written(443, 1)], written(443, 2)),
        versions,
        "whatever was kept, what is written now holds"
    );
    versions.handle_edit(written(80, 3));
    assert_eq!((versions.latest(), versions.iter().count()), (&written(80, 3), 2), "back to the first");
}

proptest! {
    /// Who has, is given, proposed or returned to a revision is rendered with its templates; nothing else is kept.
    #[test]
    fn any_course(edits in prop::collection::vec((0..5_usize, any::<bool>(), prop::collection::vec((0..5_usize, 0..5_usize), 0..3), 0..5_usize), 1..20)) {
        let all: Vec<AccessPoint> = (1..6).map(|port| written(port, 0)).collect();
        let revisions: Vec<Revision> = all.iter().map(Revision::of_access_point).collect();
        let as_of = |number: usize, generation: u64| AccessPoint { generation, ..all[number].clone() };
        let mut versions = Versions::new(as_of(0, 0));
        let mut kept = BTreeSet::from([0]);
        for ((latest, forgets, targets, completed), generation) in edits.into_iter().zip(1..) {
            versions.handle_edit(as_of(latest, generation));
            kept.insert(latest);
            if forgets {
                let revision = revisions[latest];
                let named = |at: usize| format!("t{at}").parse().unwrap();
                let state = |(at, (given, applied)): (usize, &(usize, usize))| (named(at), target(revisions[*given], revisions[*applied]));
                let state = RolloutState {
                    completed: Some(revisions[completed]),
                    proposal: Some(Proposal { revision, difference: revision, author: "ann".parse().unwrap() }),
                    targets: targets.iter().enumerate().map(state).collect(),
                    ..RolloutState::default()
                };
                versions.forget_unused(&state);
                kept.retain(|one| *one == latest || *one == completed || targets.iter().any(|(given, applied)| one == given || one == applied));
            }
            for (number, revision) in revisions.iter().enumerate() {
                let expected = kept.contains(&number).then(|| as_of(number, generation));
                prop_assert_eq!(versions.get(*revision), expected.as_ref(), "{} after {}", number, generation);
            }
        }
    }
}
