//! What a rollout is told: every combination of findings, since when, and any course beside its whole history.

use super::*;
use crate::render::Revision;
use crate::rollout::{TargetHealth, TargetReport};

fn text(number: u8) -> String {
    Revision([number; 32]).to_string()
}

/// A target that has a revision in its API server, another in its proxies, and fails or not.
fn has(applied: Option<String>, live: Option<String>, failure: Option<&str>) -> TargetFindings {
    TargetFindings { route: RouteStatus { applied, live }, failure: failure.map(str::to_owned), ..well() }
}

fn has_all(number: u8) -> TargetFindings {
    has(Some(text(number)), Some(text(number)), None)
}

#[test]
fn what_is_ready_and_what_has_failed() {
    let one = Some(Revision([1; 32]));
    let cases = [
        (has_all(1), one, TargetHealth::Ready),
        (has(Some(text(1)), Some(text(2)), None), one, TargetHealth::NotReady),
        (has(Some(text(1)), None, None), one, TargetHealth::NotReady),
        (has(None, None, None), None, TargetHealth::NotReady),
        (has(None, Some(text(1)), None), None, TargetHealth::NotReady),
        (has(Some("of somebody".into()), Some("of somebody".into()), None), None, TargetHealth::NotReady),
        (has(Some(text(1)), Some(text(1)), Some("no")), one, TargetHealth::Failed),
        (has(Some(text(1)), None, Some("no")), one, TargetHealth::Failed),
        (has(None, None, Some("no")), None, TargetHealth::NotReady),
        // what is no part of a revision holds none up
        (
            TargetFindings { vip: Vec::new(), fqdn: Vec::new(), certificate: None, ..has_all(1) },
            one,
            TargetHealth::Ready,
        ),
    ];
    for (findings, applied, health) in cases {
        let since = Time::from_secs(3);
        let expected = TargetReport { applied, health, since };
        assert_eq!(TargetReport::of(Some(&findings), since), expected, "{findings:?}");
    }
    let unknown = TargetReport { applied: None, health: TargetHealth::Unknown, since: Time::ZERO };
    assert_eq!(TargetReport::of(None, Time::ZERO), unknown);
}

/// Who reads the status reads why, and a restart forgets it no more than what it is of.
#[test]
fn a_failure_is_shown_and_survives_a_restart() {
    let mut store = store();
    let failing = has(Some(text(1)), Some(text(1)), Some("gate errors: more than 1% of requests fail"));
    let write = store.update(&name("a"), failing.clone(), Time::ZERO, wall(0)).unwrap();
    let route = &write.target.unwrap().conditions[3];
    assert_eq!(
        (&*route.kind, route.status, &*route.reason, &*route.message),
        ("Route", ConditionStatus::False, "Failed", "gate errors: more than 1% of requests fail")
    );
    let shown = store.status(None, 1);
    let (mut after, writes) = StatusStore::restore(all(), LIMIT, &shown, Time::from_secs(7), wall(9), None);
    assert_eq!(writes, []);
    let report = after.report(&name("a")).unwrap();
    assert_eq!((report.health, report.since), (TargetHealth::Failed, Time::from_secs(7)));
    assert_eq!(after.update(&name("a"), failing, Time::from_secs(8), wall(10)), None, "as it is shown");
    let write = after.update(&name("a"), has_all(1), Time::from_secs(9), wall(11)).unwrap();
    assert_eq!(write.target.unwrap().conditions[3].reason, "Live");
}

#[test]
fn nobody_is_told_of_whom_is_no_target() {
    let mut store = store();
    assert_eq!(store.report(&name("a")), None);
    store.expect(&name("a"), wall(0));
    assert_eq!(store.report(&name("a")).unwrap().health, TargetHealth::Unknown);
    store.update(&name("a"), has_all(1), Time::ZERO, wall(0));
    let changed = store.handle_wanted(Wanted { generation: 2, ..Wanted::default() }, wall(1));
    assert_eq!((changed.len(), store.report(&name("a")).unwrap().health), (1, TargetHealth::Ready));
    store.remove(&name("a"), wall(1));
    assert_eq!(store.report(&name("a")), None);
}

proptest! {
    /// It is what was said last, since it was first said without anything else or a silence between.
    #[test]
    fn any_course(steps in prop::collection::vec((0..6_u8, 0..50_u64), 1..60)) {
        let findings = |what| match what {
            0 | 1 => has_all(1),
            2 => has_all(2),
            3 => has(Some(text(1)), Some(text(2)), None),
            _ => has(Some(text(1)), Some(text(1)), Some("no")),
        };
        let mut store = store();
        let (mut heard, mut second): (Vec<(u64, u8)>, u64) = (Vec::new(), 0);
        for (what, pause) in steps {
            second += pause;
            let now = Time::from_secs(second);
            store.expire(now, wall(second));
            if what < 5 {
                store.update(&name("a"), findings(what), now, wall(second));
                heard.push((second, what.max(1)));
            }
            let Some((last, said)) = heard.last().copied() else { continue };
            let expected = if second - last > 60 {
                (None, TargetHealth::Unknown, None)
            } else {
                let run = heard.windows(2).rev().find(|pair| pair[0].1 != said || pair[1].0 - pair[0].0 > 60);
                let first = run.map_or(heard[0].0, |pair| pair[1].0);
                let report = TargetReport::of(Some(&findings(said)), now);
                (report.applied, report.health, Some(Time::from_secs(first)))
            };
            let report = store.report(&name("a")).unwrap();
            let since = Some(report.since).filter(|_| report.health != TargetHealth::Unknown);
            prop_assert_eq!((report.applied, report.health, since), expected, "at {} of {:?}", second, heard);
        }
    }
}
