//! Names that are passed over because all is as it should be: beside the plan of each name by itself.

use super::*;

#[test]
fn what_is_passed_over_as_right_is_right_and_one_thing_amiss_is_seen() {
    let wanted = vec![
        leads(SHOP, vec![member("n/x@a 10.0.0.1 2001:db8::1"), member("n/x@b 10.0.0.2 2001:db8::2")]),
        leads("*.shop.example.com", vec![member("n/y@a 10.0.0.3"), member("n/z@a 10.0.0.3")]),
    ];
    let (records, provider) = (settled(wanted.clone()), provider("100%"));
    let passed = crate::names::settled::settled(&wanted, &records, &provider);
    assert_eq!((passed.wanted, passed.records, passed.marks), (vec![true; 2], vec![true; 6], 6));
    let check = |wanted: &[Wanted], records: &[Record]| {
        let plan = plan(wanted, records, &provider, None);
        assert_eq!(plan, by_name(wanted, records, &provider), "{records:?}");
        plan
    };
    assert_eq!(check(&wanted, &records).changes, []);
    type Amiss = fn(&mut Record);
    let amiss: [Amiss; 9] = [
        |record| record.ttl = HumanDuration::from_secs(31),
        |record| record.set_id = Some("n/x@a".to_owned()),
        |record| record.weight = Some(1),
        |record| record.kind = RecordKind::Cname,
        |record| record.values = record.values.iter().map(|value| value.to_uppercase()).collect(),
        |record| record.values = record.values.iter().map(|value| format!("{value} ")).collect(),
        |record| drop(record.values.pop_last()),
        |record| record.values.extend(["10.0.0.9".to_owned()]),
        |record| {
            record.values = record.values.iter().map(|value| value.replace("fleet-1", "fleet-2")).collect()
        },
    ];
    for place in 0..records.len() {
        for (number, amiss) in amiss.iter().enumerate() {
            let mut records = records.clone();
            amiss(&mut records[place]);
            let plan = check(&wanted, &records);
            // of marks only what they say is looked at, and a provider may list values in capital letters
            let is_seen = !plan.changes.is_empty() || !plan.errors.is_empty();
            let is_mark = records[place].kind == RecordKind::Txt;
            assert!(is_seen || (is_mark && number < 3) || number >= 4, "{number} in {:?}", records[place]);
        }
        let mut fewer = records.clone();
        let gone = fewer.remove(place);
        check(&wanted, &fewer);
        let twice: Vec<Record> = records.iter().chain([&gone]).cloned().collect();
        check(&wanted, &twice);
    }
    let twice: Vec<Wanted> = wanted.iter().chain(&wanted).cloned().collect();
    assert_eq!(check(&twice, &records).changes, []);
    assert_eq!(check(&wanted[..1], &records).deletions, 2);
}
