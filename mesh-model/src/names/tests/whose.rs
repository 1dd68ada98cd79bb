//! Whose a name is: nobody gets what another namespace has, unless the provider reserves it for both.

use proptest::prelude::*;

use super::*;

const OWN: &str = "pay/shop@a 10.0.0.1";
const STRANGER: &str = "web/shop@a 10.9.9.9";

fn reserved(namespaces: &[&str]) -> NameProvider {
    let namespaces = namespaces.iter().map(|name| name.parse().unwrap()).collect();
    NameProvider { reservations: BTreeMap::from([(SHOP.parse().unwrap(), namespaces)]), ..provider("100%") }
}

fn for_namespaces(namespaces: &[&str]) -> NameProvider {
    let namespaces = namespaces.iter().map(|name| name.parse().unwrap()).collect();
    NameProvider { namespaces: Some(namespaces), ..provider("100%") }
}

fn labelled(wanted: Wanted, labels: &[(&str, &str)]) -> Wanted {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Wanted { labels, ..wanted }
}

/// What `SHOP` leads to after a plan, and what is told.
fn planned(wanted: &[Wanted], records: &mut Vec<Record>, provider: &NameProvider) -> (String, Vec<String>) {
    let plan = plan(wanted, records, provider, None);
    assert_eq!(plan, by_name(wanted, records, provider));
    make(&plan.changes, records);
    let again = super::plan(wanted, records, provider, None);
    assert_eq!(again.changes, [], "one plan is enough");
    let leads = format!("{} {}", values(records, SHOP, "A"), values(records, SHOP, "CNAME"));
    (leads.trim().to_owned(), errors(&plan))
}

const TAKEN: &str = "shop.example.com: web/shop wants it, and it is pay/shop's, of another namespace; nothing new of web/shop \
                     is published: choose another name, or reserve it for both in NameProvider `corp`";

#[test]
fn nobody_takes_the_name_of_another_namespace() {
    let own = |health| leads(SHOP, vec![is(OWN, health)]);
    let stranger = || Wanted { ttl: Duration::from_secs(1), ..leads(SHOP, vec![member(STRANGER)]) };
    for health in [Health::Healthy, Health::Unhealthy, Health::Unknown] {
        let mut records = settled(vec![own(Health::Healthy)]);
        let before = records.clone();
        let found = planned(&[stranger(), own(health)], &mut records, &provider("100%"));
        assert_eq!(found, ("10.0.0.1".to_owned(), vec![TAKEN.to_owned()]), "{health:?}");
        assert_eq!(records, before, "neither an address nor a shorter time to live");
    }
    // nor with an alias, nor with weights, which would make all of them sets
    let weighted = Wanted { answer: Answer::Weighted(vec![member(STRANGER)]), ..leads(SHOP, vec![]) };
    for other in [alias(SHOP, "web/shop", "evil.example.com"), weighted] {
        let mut records = settled(vec![own(Health::Healthy)]);
        let found = planned(&[other, own(Health::Healthy)], &mut records, &provider("100%"));
        assert_eq!(found, ("10.0.0.1".to_owned(), vec![TAKEN.to_owned()]));
    }
    // nor with addresses what is an alias, which they win over within a namespace
    let published = alias(SHOP, "pay/shop", "www.example.com");
    let mut records = settled(vec![published.clone()]);
    let found = planned(&[stranger(), published], &mut records, &provider("100%"));
    assert_eq!(found, ("www.example.com".to_owned(), vec![TAKEN.to_owned()]));
}

#[test]
fn a_drain_gives_the_name_to_nobody_else() {
    let drained = Member { is_drained: true, ..member(OWN) };
    let mut records = settled(vec![leads(SHOP, vec![member(OWN)])]);
    let wanted = [leads(SHOP, vec![drained]), leads(SHOP, vec![member(STRANGER)])];
    assert_eq!(planned(&wanted, &mut records, &provider("100%")).0, "");
    assert_eq!(records, []);
}

#[test]
fn of_a_name_that_nobody_has_and_several_want_nobody_gets_anything() {
    let wanted = [leads(SHOP, vec![member(OWN)]), leads(SHOP, vec![member(STRANGER)])];
    let (leads, told) = planned(&wanted, &mut Vec::new(), &provider("100%"));
    assert_eq!(leads, "");
    assert_eq!(
        told,
        [
            "shop.example.com: pay/shop and web/shop want it, of several namespaces, and none has it: none gets it; \
          let all but one choose another name, or reserve it for them in NameProvider `corp`"
        ]
    );
}

#[test]
fn who_lets_go_makes_room_and_not_before() {
    let mut records = settled(vec![leads(SHOP, vec![member(OWN)])]);
    let other = [leads(SHOP, vec![member(STRANGER)])];
    let waits = plan(&other, &records, &provider("0"), None);
    assert_eq!((waits.changes.len(), waits.held_back.len()), (0, 1), "not beside what is still there");
    assert_eq!(planned(&other, &mut records, &provider("1")), ("10.9.9.9".to_owned(), vec![]));
}

#[test]
fn a_reservation_shares_a_name_or_keeps_it_for_one() {
    let wanted = [leads(SHOP, vec![member(OWN)]), leads(SHOP, vec![member(STRANGER)])];
    let both = reserved(&["pay", "web"]);
    assert_eq!(planned(&wanted, &mut Vec::new(), &both), ("10.0.0.1 10.9.9.9".to_owned(), vec![]));
    let refused = "shop.example.com: NameProvider `corp` is not for web/shop, by its namespaces, labels or reservations; \
                   nothing new of it is published: give it the provider's labels, or name another";
    let found = planned(&wanted, &mut Vec::new(), &reserved(&["pay"]));
    assert_eq!(found, ("10.0.0.1".to_owned(), vec![refused.to_owned()]));
    // one that has it goes if it is reserved for another who wants it, and that is a deletion
    let mut records = settled(vec![leads(SHOP, vec![member(STRANGER)])]);
    let held = NameProvider { max_deletions: Amount::Count(0), ..reserved(&["pay"]) };
    let waits = plan(&wanted, &records, &held, None);
    assert_eq!((waits.changes.len(), waits.held_back.len(), waits.errors.len()), (0, 1, 1));
    let found = planned(&wanted, &mut records, &reserved(&["pay"]));
    assert_eq!(found, ("10.0.0.1".to_owned(), vec![refused.to_owned()]));
}

/// Who was let in once, or shared a name before somebody asked for agreement, is told and loses nothing by it.
#[test]
fn what_is_published_stays_when_the_provider_lets_its_owner_in_no_longer() {
    let wanted = vec![leads(SHOP, vec![member(OWN)]), leads(SHOP, vec![member(STRANGER)])];
    let mut records = Vec::new();
    make(&plan(&wanted, &[], &reserved(&["pay", "web"]), None).changes, &mut records);
    let before = records.clone();
    let moved = [
        leads(SHOP, vec![member(OWN), member("pay/shop@b 10.0.0.2")]),
        leads(SHOP, vec![member("web/shop@a 10.9.9.8"), member("web/shop@b 10.9.9.7")]),
    ];
    let found = planned(&moved, &mut records, &provider("100%"));
    assert_eq!(
        found,
        ("10.0.0.1 10.0.0.2 10.9.9.9".to_owned(), vec![TAKEN.to_owned()]),
        "nothing new of web"
    );
    let (leads, told) = planned(&wanted, &mut before.clone(), &for_namespaces(&["else"]));
    assert_eq!((leads.as_str(), told.len()), ("10.0.0.1 10.9.9.9", 2));
    // and an operator's word holds for them, too
    let drained =
        [wanted[0].clone(), super::leads(SHOP, vec![Member { is_drained: true, ..member(STRANGER) }])];
    assert_eq!(planned(&drained, &mut before.clone(), &provider("100%")).0, "10.0.0.1");
}

#[test]
fn a_provider_is_for_namespaces_and_labels() {
    let edge = NameProvider { selector: Selector::of(&[("tier", "edge")]), ..provider("100%") };
    let wanted = || leads(SHOP, vec![member(OWN)]);
    let inside = labelled(wanted(), &[("tier", "edge")]);
    assert_eq!(planned(&[inside], &mut Vec::new(), &edge), ("10.0.0.1".to_owned(), vec![]));
    let (nothing, told) = planned(&[wanted()], &mut Vec::new(), &edge);
    assert!(nothing.is_empty() && told[0].contains("is not for pay/shop"), "{told:?}");
    assert_eq!(planned(&[wanted()], &mut Vec::new(), &for_namespaces(&["pay"])).0, "10.0.0.1");
    assert_eq!(planned(&[wanted()], &mut Vec::new(), &for_namespaces(&["web"])).0, "");
}

/// Names, aliases and members of two namespaces.
fn anything() -> impl Strategy<Value = Vec<Wanted>> {
    let one = (0..2_u8, 0..2_u8, 0..3_u8, 0..3_u8, any::<bool>(), 0..2_u8);
    let one = one.prop_map(|(namespace, name, last, health, is_drained, target)| {
        let owner = format!("{}/x@t{target}", ["pay", "web"][usize::from(namespace)]);
        let name = ["a.example.com", "b.example.com"][usize::from(name)];
        let health = [Health::Healthy, Health::Unhealthy, Health::Unknown][usize::from(health)];
        match last {
            0 => alias(name, &owner, "c.example.com"),
            _ => {
                leads(name, vec![Member { health, is_drained, ..member(&format!("{owner} 10.0.0.{last}")) }])
            }
        }
    });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Whatever several namespaces want one after the other, and however much waits, a name leads to one of them.
    #[test]
    fn a_name_leads_to_one_namespace(steps in prop::collection::vec((anything(), 0..3_u32), 1..5)) {
        let mut records = Vec::new();
        for (wanted, max) in steps {
            let plan = plan(&wanted, &records, &provider(&max.to_string()), None);
            make(&plan.changes, &mut records);
            for name in ["a.example.com", "b.example.com"] {
                let marks = records.iter().filter(|record| {
                    record.kind == RecordKind::Txt && record.name.as_str().ends_with(name)
                });
                let namespaces: std::collections::BTreeSet<Name> = marks
                    .flat_map(|record| &record.values)
                    .map(|value| value.parse::<Mark>().unwrap().owner.owner.namespace)
                    .collect();
                prop_assert!(namespaces.len() < 2, "{} is of {:?}", name, namespaces);
            }
        }
    }
}
