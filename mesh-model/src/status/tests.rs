//! Tests of the status: every reason, ages, and the counters beside a roll-up counted anew.

use proptest::prelude::*;

use super::*;
use crate::api::{CertificateState, ConditionStatus};

mod report;
mod restarts;
mod wanted;

fn all() -> Wanted {
    Wanted {
        generation: 1,
        vip: true,
        names: ["checkout.example.com".parse().unwrap()].into(),
        certificate: true,
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn wall(second: u64) -> WallTime {
    WallTime::from_unix_seconds(1_764_000_000) + Duration::from_secs(second)
}

const LIMIT: Duration = Duration::from_secs(60);

fn store() -> StatusStore {
    StatusStore::new(all(), LIMIT)
}

fn well() -> TargetFindings {
    TargetFindings {
        vip: vec!["203.0.113.10".parse().unwrap()],
        vip_owner: None,
        fqdn: vec!["checkout.example.com".parse().unwrap()],
        certificate: Some(CertificateStatus {
            state: CertificateState::Issued,
            serial: Some("0a".into()),
            not_after: Some(wall(86_400)),
        }),
        route: RouteStatus { applied: Some("r1".into()), live: Some("r1".into()) },
        failure: None,
        observed_generation: 1,
    }
}

/// `Ready=True Certificate=True ...`, with reasons.
fn said(conditions: &[Condition]) -> String {
    let one =
        |condition: &Condition| format!("{}={:?}/{}", condition.kind, condition.status, condition.reason);
    conditions.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_each_part_says() {
    let certificate = |state| Some(CertificateStatus { state, serial: None, not_after: None });
    let route = |applied: Option<&str>, live: Option<&str>| RouteStatus {
        applied: applied.map(str::to_owned),
        live: live.map(str::to_owned),
    };
    let cases = [
        (
            well(),
            "Ready=True/AllParts Certificate=True/Issued Name=True/Published Route=True/Live Vip=True/Allocated",
        ),
        (
            TargetFindings { certificate: certificate(CertificateState::Renewing), ..well() },
            "Certificate=True/Renewing",
        ),
        (
            TargetFindings { certificate: certificate(CertificateState::Pending), ..well() },
            "Certificate=False/Pending",
        ),
        (
            TargetFindings { certificate: certificate(CertificateState::Failed), ..well() },
            "Certificate=False/Failed",
        ),
        (
            TargetFindings { certificate: certificate(CertificateState::Expired), ..well() },
            "Certificate=False/Expired",
        ),
        (TargetFindings { certificate: None, ..well() }, "Ready=False/PartsMissing Certificate=False/None"),
        (TargetFindings { fqdn: Vec::new(), ..well() }, "Name=False/NotPublished"),
        // as many as are wanted, and not the one that is
        (
            TargetFindings { fqdn: vec!["old.example.com".parse().unwrap()], ..well() },
            "Ready=False/PartsMissing Certificate=True/Issued Name=False/NotPublished",
        ),
        (TargetFindings { route: route(None, None), ..well() }, "Route=False/NotApplied"),
        (TargetFindings { route: route(Some("r2"), Some("r1")), ..well() }, "Route=False/Propagating"),
        (TargetFindings { route: route(Some("r2"), None), ..well() }, "Route=False/Propagating"),
        (TargetFindings { vip: Vec::new(), ..well() }, "Vip=False/None"),
        (TargetFindings { vip_owner: Some("shop/web".into()), ..well() }, "Vip=False/Conflict"),
    ];
    for (report, expected) in cases {
        let write = store().update(&name("a"), report, Time::ZERO, wall(0)).unwrap();
        let found = said(&write.target.unwrap().conditions);
        assert!(found.contains(expected), "{found}: {expected}");
    }
}

#[test]
fn what_says_nothing_new_is_not_written_and_the_time_of_change_stays() {
    let mut store = store();
    let first = store.update(&name("a"), well(), Time::ZERO, wall(0)).unwrap();
    assert_eq!(said(&first.conditions.unwrap())[..20], *"Ready=True/AllTarget");
    assert_eq!(store.update(&name("a"), well(), Time::from_secs(5), wall(5)), None);
    let renewed = TargetFindings { observed_generation: 2, ..well() };
    let write = store.update(&name("a"), renewed, Time::from_secs(9), wall(9)).unwrap();
    let target = write.target.unwrap();
    assert_eq!(target.conditions[0].last_transition_time, wall(0), "it was ready before");
    assert_eq!((target.conditions[0].observed_generation, target.fresh_at), (Some(2), Some(wall(9))));
}

#[test]
fn old_news_is_no_news_and_the_age_counts_from_the_last_word() {
    let mut store = store();
    store.update(&name("a"), well(), Time::ZERO, wall(0));
    store.update(&name("b"), well(), Time::from_secs(10), wall(10));
    store.update(&name("a"), well(), Time::from_secs(20), wall(20));
    assert_eq!(store.expire(Time::from_secs(70), wall(70)), [], "sixty seconds are not more than sixty");
    assert_eq!(store.poll_timeout(), Some(Time::from_nanos(70_000_000_001)));
    let writes = store.expire(Time::from_secs(71), wall(71));
    let target = writes[0].target.as_ref().unwrap();
    assert_eq!((writes.len(), target.name.as_str(), target.fresh_at), (1, "b", Some(wall(10))));
    assert!(target.conditions.iter().all(|condition| condition.status == ConditionStatus::Unknown));
    assert!(!target.vip.is_empty(), "what it said last is shown, as what it said last");
    let roll_up = &store.roll_up()[0];
    assert_eq!(
        (roll_up.status, roll_up.message.as_str()),
        (ConditionStatus::Unknown, "1 of 2 targets were not heard of: b")
    );
    assert_eq!(store.expire(Time::from_secs(72), wall(72)), [], "once");
    assert!(
        store.update(&name("b"), well(), Time::from_secs(73), wall(73)).is_some(),
        "the same words are news again"
    );
    assert_eq!(store.roll_up()[0].status, ConditionStatus::True);
}

#[test]
fn whoever_was_never_heard_of_is_unknown_and_whoever_left_is_not_counted() {
    let mut store = store();
    store.update(&name("a"), well(), Time::ZERO, wall(0));
    store.expect(&name("b"), wall(0)).unwrap();
    assert_eq!(store.expect(&name("a"), wall(1)), None, "it was heard of");
    assert_eq!(store.roll_up()[0].status, ConditionStatus::Unknown);
    let write = store.remove(&name("b"), wall(2)).unwrap();
    assert_eq!((write.target, store.roll_up()[0].status), (None, ConditionStatus::True));
    assert_eq!(store.remove(&name("b"), wall(2)), None);
    let status = store.status(Some("r1".into()), 1);
    assert_eq!((status.targets.len(), status.conditions.len()), (1, 5));
}

#[test]
fn a_restart_writes_only_what_is_new_and_takes_silence_for_none_after_the_limit() {
    let mut store = store();
    store.update(&name("a"), well(), Time::ZERO, wall(0));
    store.update(&name("b"), TargetFindings { vip: Vec::new(), ..well() }, Time::ZERO, wall(0));
    store.expect(&name("c"), wall(0));
    let shown = serde_json::to_string(&store.status(Some("r1".into()), 1)).unwrap();
    let shown: AccessPointStatus = serde_json::from_str(&shown).unwrap();
    let start = Time::from_secs(5); // on another clock
    let (mut after, writes) = StatusStore::restore(all(), LIMIT, &shown, start, wall(500), None);
    assert_eq!((after.roll_up(), writes), (store.roll_up(), vec![]));
    assert_eq!(after.update(&name("a"), well(), Time::from_secs(9), wall(504)), None, "as it is shown");
    assert_eq!(after.expect(&name("c"), wall(504)), None);
    assert_eq!(after.expire(Time::from_secs(65), wall(560)), []);
    let writes = after.expire(Time::from_secs(66), wall(561));
    assert_eq!(writes.len(), 1, "b, which was not heard of since; c was unknown before");
    let write = after.update(
        &name("a"),
        TargetFindings { fqdn: Vec::new(), ..well() },
        Time::from_secs(67),
        wall(562),
    );
    let target = write.unwrap().target.unwrap();
    let since: Vec<WallTime> =
        target.conditions.iter().map(|condition| condition.last_transition_time).collect();
    assert_eq!(since, [562, 0, 562, 0, 0].map(wall), "what did not change is as old as before the restart");
    let mut foreign = shown;
    foreign.targets[0].conditions.pop();
    let (mut other, _) = StatusStore::restore(all(), LIMIT, &foreign, start, wall(500), None);
    assert!(
        other.update(&name("a"), well(), Time::from_secs(9), wall(504)).is_some(),
        "it is not as we show it"
    );
}

/// Who looks for the cause of a conflict reads whose the address is, also after a restart.
#[test]
fn the_owner_of_an_address_is_shown_and_survives_a_restart() {
    let mut store = store();
    let foreign = TargetFindings { vip_owner: Some("shop/web".into()), ..well() };
    let write = store.update(&name("a"), foreign.clone(), Time::ZERO, wall(0)).unwrap();
    assert_eq!(write.target.unwrap().vip_owner.as_deref(), Some("shop/web"));
    let shown = serde_json::to_value(store.status(None, 1)).unwrap();
    assert_eq!(shown["targets"][0]["vipOwner"], "shop/web");
    let shown: AccessPointStatus = serde_json::from_value(shown).unwrap();
    let (mut after, _) = StatusStore::restore(all(), LIMIT, &shown, Time::ZERO, wall(9), None);
    assert_eq!(after.update(&name("a"), foreign, Time::ZERO, wall(9)), None, "as it is shown");
    let own = after.update(&name("a"), well(), Time::ZERO, wall(9)).unwrap().target.unwrap();
    assert_eq!(serde_json::to_value(own).unwrap().get("vipOwner"), None, "its own");
}

proptest! {
    /// Counters kept from change to change say what counting anew says.
    #[test]
    fn counters_are_what_counting_anew_gives(steps in prop::collection::vec((0..6_usize, 0..5_usize, 0..40_u64), 0..60)) {
        let mut store = store();
        let mut second = 0;
        for (target, what, pause) in steps {
            second += pause;
            let (now, target) = (Time::from_secs(second), name(&format!("t{target}")));
            match what {
                0 => drop(store.remove(&target, wall(second))),
                1 => drop(store.expire(now, wall(second))),
                2 => drop(store.update(&target, TargetFindings { vip: Vec::new(), ..well() }, now, wall(second))),
                3 => drop(store.update(&target, TargetFindings { observed_generation: second, ..well() }, now, wall(second))),
                _ => drop(store.expect(&target, wall(second))),
            }
            let all = store.targets.by_name();
            let mut fresh = Counts::default();
            for (slot, (_, entry)) in all.iter().enumerate() {
                fresh.add(&entry.conditions, slot);
            }
            prop_assert_eq!(store.counts.unwell(), fresh.unwell());
            let generations = all.iter().filter_map(|(_, entry)| entry.conditions[0].observed_generation);
            let oldest = generations.min().unwrap_or(1);
            for (aspect, condition) in store.roll_up().iter().enumerate() {
                let says = |status| all.iter().filter(move |(_, entry)| entry.conditions[aspect].status == status);
                let status = [ConditionStatus::False, ConditionStatus::Unknown].into_iter();
                let status = status.into_iter().find(|status| says(*status).next().is_some());
                let expected = status.unwrap_or(if all.is_empty() { ConditionStatus::Unknown } else { ConditionStatus::True });
                prop_assert_eq!((condition.status, condition.observed_generation), (expected, Some(oldest)));
                let Some(status) = status else { continue };
                // how many, and one of them
                let head = format!("{} of {} targets ", says(status).count(), all.len());
                prop_assert!(condition.message.starts_with(&head), "{} and {head}", condition.message);
                let named = condition.message.rsplit_once(": ").unwrap().1.trim_end_matches(", ...");
                prop_assert!(says(status).any(|(name, _)| name.as_str() == named), "{}", condition.message);
            }
            // who was heard of is found at the age limit, the longest ago first
            let limit = Duration::from_secs(60);
            let due = store.poll_timeout().map(|due| due - Time::ZERO);
            prop_assert!(due.is_none_or(|due| due <= (now - Time::ZERO) + limit + Duration::from_nanos(1)));
            let known = all.iter().filter(|(_, entry)| entry.conditions[0].status != ConditionStatus::Unknown).count();
            prop_assert_eq!(store.clone().expire(now + limit * 2, wall(second)).len(), known);
        }
    }
}
