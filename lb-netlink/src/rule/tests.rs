//! Tests of rules: requests against what `ip` sends, reading back, and the plan as a table.

use netlink_packet_core::DefaultNla;
use proptest::prelude::*;

use super::*;
use crate::network::golden;

fn marked(mark: u32) -> Rule {
    Rule { mark: Some(Mark::exact(mark)), ..Rule::to_table(Family::V4, 1000, 1000 + mark) }
}

#[test]
fn rules_are_what_ip_sends() {
    // ip rule add priority 1000 from 10.0.0.0/8 fwmark 0x2a/0xff iif v0 lookup 1042 protocol 79
    let full = "54000000200005067176076b00000000 02000800000000010000000008000600
                e8030000080002000a00000008000a00 2a00000008001000ff00000007000300
                7630000008000f001204000005001500 4f000000";
    let rule = Rule {
        source: Some("10.0.0.0/8".parse().unwrap()),
        mark: Some(Mark { value: 0x2a, mask: 0xff }),
        input: Some("v0".parse().unwrap()),
        ..Rule::to_table(Family::V4, 1000, 1042)
    };
    assert_eq!(golden::only_in_ip(&rule.add_message(), full), Vec::<String>::new());
    assert_eq!(
        rule.to_string(),
        "priority 1000 from 10.0.0.0/8 fwmark 0x2a/0xff iif v0 lookup 1042 protocol 79"
    );
    // ip rule add not priority 1000 to 10.0.0.0/8 prohibit
    let inverted = "2c000000200005067176076b00000000 02080000000000080200000008000600
                    e8030000080001000a000000";
    let rule = Rule {
        destination: Some("10.0.0.0/8".parse().unwrap()),
        inverted: true,
        action: Action::Prohibit,
        origin: Origin::UNKNOWN,
        ..Rule::to_table(Family::V4, 1000, 0)
    };
    assert_eq!(golden::only_in_ip(&rule.add_message(), inverted), Vec::<String>::new());
    assert_eq!(rule.to_string(), "not priority 1000 from all to 10.0.0.0/8 prohibit");
}

/// What is there, what is wanted, and the commands.
type Case<'a> = (&'a str, Vec<Rule>, Vec<Rule>, &'a [&'a str]);

#[test]
fn the_plan_adds_what_is_missing_and_removes_what_is_ours() {
    let foreign = |rule: Rule| Rule { origin: Origin(3), ..rule };
    let says_more = Rule { others: vec![RuleAttribute::Other(DefaultNla::new(99, vec![1]))], ..marked(1) };
    let cases: [Case<'_>; 6] = [
        (
            "missing",
            vec![],
            vec![marked(1)],
            &["ip rule add priority 1000 from all fwmark 0x1 lookup 1001 protocol 79"],
        ),
        ("there", vec![marked(1)], vec![marked(1)], &[]),
        ("somebody else's does it", vec![foreign(marked(1))], vec![marked(1)], &[]),
        (
            "one that says more does not do it",
            vec![foreign(says_more)],
            vec![marked(1)],
            &["ip rule add priority 1000 from all fwmark 0x1 lookup 1001 protocol 79"],
        ),
        (
            "not wanted; somebody else's stays",
            vec![marked(1), foreign(marked(2))],
            vec![],
            &["ip rule del priority 1000 from all fwmark 0x1 lookup 1001 protocol 79"],
        ),
        (
            "there twice",
            vec![marked(1), marked(1)],
            vec![marked(1)],
            &["ip rule del priority 1000 from all fwmark 0x1 lookup 1001 protocol 79"],
        ),
    ];
    for (case, observed, wanted, expected) in cases {
        let commands = plan(&observed, &wanted, |rule| rule.origin == Origin::OVERSPILL);
        let commands: Vec<String> = commands.iter().map(ToString::to_string).collect();
        assert_eq!(commands, expected, "{case}");
    }
}

fn rules() -> impl Strategy<Value = Rule> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let action = prop_oneof![
        any::<u32>().prop_map(Action::Table),
        Just(Action::Blackhole),
        Just(Action::Prohibit),
        Just(Action::Unreachable),
    ];
    let device = || proptest::option::of(prop_oneof![Just("lo"), Just("eth0.100")]);
    let prefix = || proptest::option::of(any::<([u8; 16], u8)>());
    let mark = proptest::option::of(any::<(u32, u32)>());
    (family, any::<(u32, bool, u8)>(), action, device(), device(), prefix(), prefix(), mark).prop_map(
        |(family, (priority, inverted, origin), action, input, output, source, destination, mark)| {
            let net = |(bytes, length): ([u8; 16], u8)| match family {
                Family::V4 => IpNet::new((*bytes.first_chunk::<4>().unwrap()).into(), length % 33).unwrap(),
                Family::V6 => IpNet::new(bytes.into(), length % 129).unwrap(),
            };
            Rule {
                source: source.map(net),
                destination: destination.map(net),
                mark: mark.map(|(value, mask)| Mark { value, mask }),
                input: input.map(|name| name.parse().unwrap()),
                output: output.map(|name| name.parse().unwrap()),
                inverted,
                action,
                origin: Origin(origin),
                ..Rule::to_table(family, priority, 0)
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_added_is_what_is_read(rule in rules()) {
        prop_assert_eq!(Rule::from_messages([&golden::again(&rule.add_message())]), [rule]);
    }

    #[test]
    fn a_plan_is_enough(
        observed in proptest::collection::vec(rules(), 0..4), wanted in proptest::collection::vec(rules(), 0..4),
    ) {
        let owned = |rule: &Rule| rule.origin.0 < 128;
        let mut present = observed.clone();
        for command in plan(&observed, &wanted, owned) {
            match command {
                Command::AddRule(rule) => present.push(rule),
                Command::RemoveRule(rule) => {
                    prop_assert!(owned(&rule));
                    present.remove(present.iter().position(|other| *other == rule).unwrap());
                }
                other => prop_assert!(false, "unexpected {}", other),
            }
        }
        prop_assert_eq!(plan(&present, &wanted, owned), []);
    }
}
