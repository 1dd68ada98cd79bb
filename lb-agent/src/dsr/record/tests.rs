//! Tests of the record: it is read as it was written, and no other alias is taken for one.

use lb_netlink::link::ALIAS_MAX;
use proptest::prelude::*;

use super::*;

fn device() -> DeviceName {
    "tunl0".parse().unwrap()
}

#[test]
fn a_record_is_a_line_that_a_person_can_read() {
    let mut record = Record { down: true, mtu: Some(1480), ..Record::default() };
    record.remember(&sysctl(RP_FILTER, &device()).unwrap(), &1.into());
    record.remember(&sysctl(ALL_RP_FILTER, &device()).unwrap(), &2.into());
    record.remember(&sysctl(ALL_RP_FILTER, &device()).unwrap(), &0.into());
    record.ports.push(gue(6080.try_into().unwrap(), Family::V4));
    let alias = "overspill dsr: down mtu=1480 all.rp_filter=2 rp_filter=1 gue4=6080";
    assert_eq!(record.alias(), alias, "the first value stays");
    assert_eq!(Record::read(alias, &device()), Some(record));
}

#[test]
fn no_other_alias_is_taken_for_one() {
    for alias in [
        "",
        "uplink",
        "overspill",
        "overspill dsr: up",
        "overspill dsr: rp_filter",
        "overspill dsr: x=1",
        "overspill dsr: mtu=x",
    ] {
        assert_eq!(Record::read(alias, &device()), None, "{alias}");
    }
    assert_eq!(Record::read("overspill dsr:", &device()), Some(Record::default()));
}

fn records() -> impl Strategy<Value = Record> {
    let settings = proptest::collection::btree_map(0..WORDS.len(), 0_i64..=8, 0..=WORDS.len());
    let ports = proptest::collection::vec((any::<NonZeroU16>(), any::<bool>()), 0..=2);
    (any::<bool>(), any::<bool>(), proptest::option::of(68_u32..=65_535), settings, ports).prop_map(
        |(made, down, mtu, settings, ports)| Record {
            made,
            down,
            mtu,
            settings: settings
                .into_iter()
                .map(|(word, value)| (sysctl(WORDS[word], &device()).unwrap(), value.into()))
                .collect(),
            ports: ports
                .into_iter()
                .map(|(port, v4)| gue(port, if v4 { Family::V4 } else { Family::V6 }))
                .collect(),
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(record in records()) {
        let alias = record.alias();
        prop_assert!(alias.len() < 200 && 200 < ALIAS_MAX, "{} bytes", alias.len());
        prop_assert_eq!(Record::read(&alias, &device()), Some(record));
    }

    #[test]
    fn any_alias_is_read_or_passed_over(alias in "(overspill dsr:)?[ a-z0-9.=_]{0,40}") {
        if let Some(record) = Record::read(&alias, &device()) {
            prop_assert_eq!(Record::read(&record.alias(), &device()), Some(record));
        }
    }
}
