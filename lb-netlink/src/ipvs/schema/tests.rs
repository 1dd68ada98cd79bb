//! Tests of the table: numbers in order, names of their group, and nothing missing.

use super::super::attribute::{Group, Kind};
use super::{command, daemon, destination, info, service, statistics, statistics64};

#[test]
fn every_row_stands_at_its_number_and_has_its_groups_prefix() {
    let groups: [(&Group, &str, usize); 7] = [
        (&command::GROUP, "IPVS_CMD_ATTR_", 6),
        (&service::GROUP, "IPVS_SVC_ATTR_", 12),
        (&destination::GROUP, "IPVS_DEST_ATTR_", 15),
        (&daemon::GROUP, "IPVS_DAEMON_ATTR_", 8),
        (&statistics::GROUP, "IPVS_STATS_ATTR_", 11),
        (&statistics64::GROUP, "IPVS_STATS_ATTR_", 11),
        (&info::GROUP, "IPVS_INFO_ATTR_", 2),
    ];
    for (group, prefix, length) in groups {
        assert_eq!(group.specs.len(), length, "{}: as many as in the kernel's header", group.name);
        for (number, spec) in (1..).zip(group.specs) {
            assert_eq!(spec.number, number, "{}", spec.name);
            assert!(spec.name.starts_with(prefix), "{} in {}", spec.name, group.name);
            assert_eq!(group.spec(number), Some(*spec));
        }
        assert_eq!(group.spec(0), None);
        assert_eq!(group.spec(u16::try_from(length).unwrap() + 1), None);
    }
}

#[test]
fn the_network_order_is_where_the_kernel_has_it() {
    let all =
        [&service::GROUP, &destination::GROUP, &daemon::GROUP].into_iter().flat_map(|group| group.specs);
    let network: Vec<_> = all.filter(|spec| spec.kind == Kind::U16Network).map(|spec| spec.name).collect();
    assert_eq!(network, ["IPVS_SVC_ATTR_PORT", "IPVS_DEST_ATTR_PORT", "IPVS_DEST_ATTR_TUN_PORT"]);
}

#[test]
fn wide_statistics_are_wide_throughout() {
    for (narrow, wide) in statistics::GROUP.specs.iter().zip(statistics64::GROUP.specs) {
        assert_eq!((narrow.name, narrow.number), (wide.name, wide.number));
        let expected = if narrow.kind == Kind::Padding { Kind::Padding } else { Kind::U64 };
        assert_eq!(wide.kind, expected);
    }
}
