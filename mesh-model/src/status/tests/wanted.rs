//! What is wanted changes: everybody is judged by it at once, as a store says that never wanted anything else.

use std::collections::BTreeMap;

use super::restarts::Object;
use super::*;

fn nothing(generation: u64) -> Wanted {
    Wanted { generation, ..Wanted::default() }
}

fn certificate(generation: u64) -> Wanted {
    Wanted { certificate: true, ..nothing(generation) }
}

/// What a target has without a certificate.
fn plain(observed_generation: u64) -> TargetFindings {
    TargetFindings { certificate: None, observed_generation, ..well() }
}

fn ready(conditions: &[Condition]) -> (ConditionStatus, Option<u64>) {
    (conditions[0].status, conditions[0].observed_generation)
}

#[test]
fn whoever_lacks_what_is_wanted_now_says_so_at_once_and_nobody_is_of_a_spec_that_nobody_looked_at() {
    let mut store = StatusStore::new(nothing(5), LIMIT);
    store.update(&name("a"), plain(5), Time::ZERO, wall(0));
    store.update(&name("b"), TargetFindings { observed_generation: 5, ..well() }, Time::ZERO, wall(0));
    assert_eq!(store.handle_wanted(nothing(5), wall(1)), []);
    assert_eq!(store.handle_wanted(nothing(6), wall(2)), [], "whether they have what it writes is not known");
    assert_eq!(ready(store.roll_up()), (ConditionStatus::True, Some(5)));
    let writes = store.handle_wanted(certificate(7), wall(3));
    assert_eq!(writes.len(), 2, "b is ready, but for another reason");
    let [first, last] = &writes[..] else { unreachable!("two") };
    let target = first.target.as_ref().unwrap();
    assert_eq!(ready(&target.conditions), (ConditionStatus::False, Some(5)));
    assert_eq!((target.conditions[0].last_transition_time, target.fresh_at), (wall(3), Some(wall(0))));
    assert_eq!(said(&target.conditions).split(' ').nth(1), Some("Certificate=False/None"));
    assert_eq!((&first.conditions, last.conditions.as_deref()), (&None, Some(store.roll_up())), "once, last");
    assert_eq!(ready(store.roll_up()), (ConditionStatus::False, Some(5)));
    let writes = store.handle_wanted(nothing(8), wall(4));
    assert_eq!((writes.len(), ready(store.roll_up())), (2, (ConditionStatus::True, Some(5))));
}

#[test]
fn a_target_that_joins_is_of_the_generation_that_is_wanted() {
    let mut store = StatusStore::new(nothing(5), LIMIT);
    store.update(&name("a"), plain(5), Time::ZERO, wall(0));
    let write = store.expect(&name("b"), wall(1)).unwrap();
    assert_eq!(ready(&write.target.unwrap().conditions), (ConditionStatus::Unknown, Some(5)));
    assert_eq!(ready(store.roll_up()), (ConditionStatus::Unknown, Some(5)));
    let writes = store.handle_wanted(nothing(6), wall(2));
    assert_eq!(writes.len(), 1, "b, of which nothing was found under any other");
    assert_eq!(ready(&writes[0].target.as_ref().unwrap().conditions), (ConditionStatus::Unknown, Some(6)));
    for leaves in ["a", "b"] {
        store.remove(&name(leaves), wall(3));
    }
    assert_eq!(ready(store.roll_up()), (ConditionStatus::Unknown, Some(6)), "of no targets");
    let writes = store.handle_wanted(nothing(7), wall(4));
    assert_eq!((writes.len(), &writes[0].target), (1, &None));
    assert_eq!(ready(writes[0].conditions.as_ref().unwrap()), (ConditionStatus::Unknown, Some(7)));
}

#[test]
fn a_spec_that_was_edited_while_nobody_looked_is_judged_by_at_the_restart() {
    let mut store = StatusStore::new(nothing(5), LIMIT);
    for target in ["a", "b", "silent"] {
        store.update(&name(target), plain(5), Time::ZERO, wall(0));
    }
    store.update(&name("a"), plain(5), Time::from_secs(50), wall(50));
    store.update(&name("b"), plain(5), Time::from_secs(50), wall(50));
    store.expire(Time::from_secs(70), wall(70));
    let shown = store.status(None, 5);
    let (_, writes) = StatusStore::restore(nothing(6), LIMIT, &shown, Time::ZERO, wall(75), None);
    assert_eq!(writes, [], "nothing else is asked for");
    let (after, writes) = StatusStore::restore(certificate(6), LIMIT, &shown, Time::ZERO, wall(75), None);
    let lacking: Vec<&Name> = writes.iter().map(|write| &write.target.as_ref().unwrap().name).collect();
    assert_eq!(lacking, ["a", "b"], "of the third nothing is known, and it says so already");
    assert_eq!(ready(after.roll_up()), (ConditionStatus::False, Some(5)));
}

#[test]
fn an_access_point_asks_for_what_it_writes() {
    let read = |spec: &str| {
        let text = format!(
            "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint,
                metadata: {{ name: web, namespace: shop, generation: 3 }}, spec: {{ placement: {{ selector: {{}} }},
                templates: [{{ apiVersion: v1, kind: Service, metadata: {{ name: web }}, spec: {{ ports: [{{ port: 443 }}] }} }}]
                {spec} }} }}"
        );
        let object: crate::api::FederatedAccessPoint = serde_saphyr::from_str(&text).unwrap();
        Wanted::of(&AccessPoint::try_from(object).unwrap())
    };
    assert_eq!(read(""), nothing(3));
    let all = ", vip: { pool: p }, certificates: { issuer: i },
               names: [{ fqdn: checkout.example.com, ttl: 30s, provider: p }]";
    assert_eq!(read(all), Wanted { generation: 3, ..super::all() });
}

/// What was heard of a target last, if anything, and when.
type Heard = Option<(TargetFindings, u64)>;

/// What a store says that wanted nothing else ever and heard all of it now, without the time of changes.
fn anew(wanted: &Wanted, targets: &BTreeMap<Name, Heard>, second: u64) -> StatusStore {
    let mut fresh = StatusStore::new(wanted.clone(), LIMIT);
    for (name, heard) in targets {
        match heard {
            Some((report, at)) => drop(fresh.update(name, report.clone(), Time::from_secs(*at), wall(*at))),
            None => drop(fresh.expect(name, wall(second))),
        }
    }
    fresh.expire(Time::from_secs(second), wall(second));
    fresh
}

/// What is said of each target and of all of them; of no targets a store that never had one says nothing.
fn conditions(status: &AccessPointStatus) -> Vec<(String, Option<u64>)> {
    let of = |conditions: &[Condition]| (said(conditions), ready(conditions).1);
    let all = (!status.targets.is_empty()).then(|| of(&status.conditions));
    status.targets.iter().map(|target| of(&target.conditions)).chain(all).collect()
}

proptest! {
    /// After any course it says what one says that never wanted anything else, and all of that was written, once.
    #[test]
    fn any_course(steps in prop::collection::vec((0..5_usize, 0..7_u8, 0..40_u64), 1..60)) {
        let mut wanted = nothing(1);
        let mut store = StatusStore::new(wanted.clone(), LIMIT);
        let (mut object, mut targets, mut second) = (Object::default(), BTreeMap::new(), 0);
        for (at, (number, what, pause)) in steps.into_iter().enumerate() {
            second += pause;
            let (now, target) = (Time::from_secs(second), name(&format!("t{number}")));
            object.write(store.expire(now, wall(second)));
            let before = object.status.targets.len();
            object.writes = 0;
            match what {
                0 => {
                    if let Some(write) = store.remove(&target, wall(second)) {
                        object.status.targets.retain(|shown| shown.name != target);
                        object.write([write]);
                    }
                    targets.remove(&target);
                }
                1 => {
                    object.write(store.expect(&target, wall(second)));
                    targets.entry(target).or_insert(None);
                }
                2 | 3 => {
                    let report = if what == 2 { plain(wanted.generation) } else { TargetFindings { observed_generation: wanted.generation, ..well() } };
                    object.write(store.update(&target, report.clone(), now, wall(second)));
                    targets.insert(target, Some((report, second)));
                }
                _ => {
                    let generation = at as u64 + 2;
                    wanted = match what {
                        4 => nothing(generation),
                        5 => certificate(generation),
                        _ => Wanted { generation, ..all() },
                    };
                    let writes = store.handle_wanted(wanted.clone(), wall(second));
                    let touched: BTreeSet<&Name> = writes.iter().filter_map(|write| Some(&write.target.as_ref()?.name)).collect();
                    prop_assert_eq!(touched.len(), writes.len().min(before), "one write for each at most");
                    for write in &writes {
                        let Some(shown) = &write.target else { continue };
                        let old = object.status.targets.iter().find(|other| other.name == shown.name);
                        prop_assert!(old.is_none_or(|old| old.conditions != shown.conditions), "nothing new is not written");
                    }
                    object.write(writes);
                    prop_assert_eq!(store.handle_wanted(wanted.clone(), wall(second)), []);
                }
            }
            let expected = conditions(&anew(&wanted, &targets, second).status(None, 1));
            prop_assert_eq!(&conditions(&store.status(None, 1)), &expected);
            object.status.targets.sort_by(|one, two| one.name.cmp(&two.name));
            prop_assert_eq!(&conditions(&object.status), &expected, "all of it was written");
            prop_assert!(what > 3 || object.writes <= 1);
            if let [first, ..] = &object.status.conditions[..] {
                prop_assert!(!targets.is_empty() || first.observed_generation == Some(wanted.generation));
            }
        }
    }
}
