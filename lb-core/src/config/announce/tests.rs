//! The section's defaults, what each field means, its refusals with their fields, and that it is written back.

use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::bgp::{Community, LargeCommunity};

fn parse(text: &str) -> AnnounceFile {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn nothing_written_is_the_default_of_the_machine() {
    assert_eq!(AnnounceConfig::try_from(AnnounceFile::default()), Ok(AnnounceConfig::default()));
}

#[test]
fn all_fields_count() {
    let text = "
policy: all
drainDelay: 0s
damping: { halfLife: 10s, suppress: 3000, reuse: 1000, maxSuppress: 1m }
communities: ['64512:100', no-export, '4200000000:1:2']
med: 10
aggregates: [{ prefix: 203.0.113.0/24 }, { prefix: '2001:db8:f::/48', only: true }]
vips:
  - { vip: 203.0.113.1, announce: false }
  - { vip: 203.0.113.2, communities: [], med: 20, prepend: 3 }
  - { vip: 203.0.113.3, policy: any }
  - { vip: 203.0.113.4, prepend: 1 }
";
    let route = Route {
        med: Some(10),
        communities: vec![Community::new(64_512, 100), Community::NO_EXPORT],
        large_communities: vec![LargeCommunity { global: 4_200_000_000, first: 1, second: 2 }],
        ..Route::default()
    };
    let vip = |last: u8| IpAddr::from([203, 0, 113, last]);
    let vips = [
        (vip(1), VipConfig { silent: true, ..VipConfig::default() }),
        (
            vip(2),
            VipConfig {
                route: Some(Route { med: Some(20), prepend: 3, ..Route::default() }),
                ..VipConfig::default()
            },
        ),
        (vip(3), VipConfig { policy: Some(Policy::Any), ..VipConfig::default() }),
        (vip(4), VipConfig { route: Some(Route { prepend: 1, ..route.clone() }), ..VipConfig::default() }),
    ];
    let expected = AnnounceConfig {
        policy: Policy::All,
        damping: Some(Damping::new(Duration::from_secs(10), 3_000, 1_000, Duration::from_secs(60)).unwrap()),
        drain_delay: Duration::ZERO,
        route,
        vips: vips.into(),
        aggregates: vec![
            Aggregate { prefix: "203.0.113.0/24".parse().unwrap(), only: false },
            Aggregate { prefix: "2001:db8:f::/48".parse().unwrap(), only: true },
        ],
    };
    assert_eq!(AnnounceConfig::try_from(parse(text)), Ok(expected));
    let off = AnnounceConfig::try_from(parse("damping: { enabled: false }")).unwrap();
    assert_eq!(off.damping, None);
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let cases = [
        ("drainDelay: 2h", "drainDelay: 2h is not possible; write 0s to 1h"),
        ("damping: { halfLife: 10ms }", "damping.halfLife: 10ms is not possible; write 1s to 24h"),
        (
            "damping: { reuse: 2000 }",
            "damping.reuse: not under suppress (2000); the order is 0 < reuse < suppress <= 1000000",
        ),
        (
            "damping: { maxSuppress: 1m }",
            "damping.maxSuppress: a penalty takes 85s from suppress to reuse; write that or more, or a shorter halfLife",
        ),
        (
            "aggregates: [{ prefix: 203.0.113.1/32 }]",
            "aggregates[0].prefix: 203.0.113.1/32 is no aggregate; write a shorter prefix such as 203.0.113.0/24",
        ),
        (
            "aggregates: [{ prefix: 203.0.113.0/24 }, { prefix: 203.0.113.0/24, only: true }]",
            "aggregates[1].prefix: already written at position 0 (from 0); remove one of the two",
        ),
        (
            "vips: [{ vip: 203.0.113.1 }, { vip: 203.0.113.1 }]",
            "vips[1].vip: already written at position 0 (from 0); remove one of the two",
        ),
        (
            "vips: [{ vip: 203.0.113.1, prepend: 33 }]",
            "vips[0].prepend: 33 times is not possible; write 0 to 32",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(AnnounceConfig::try_from(parse(text)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn texts_that_are_none_are_refused_by_what_would_be_right() {
    let cases = [
        ("communities: ['70000:1']", "is no community: not a community; write two numbers up to 65535"),
        ("aggregates: [{ prefix: 203.0.113.0:80 }]", "is no prefix: write an address and its prefix length"),
        ("aggregates: [{ prefix: 203.0.113.1/24 }]", "is no prefix: it has bits beyond its length"),
        ("vips: [{ vip: 203.0.113.0/24 }]", "is no IP address: write an address such as"),
        ("polcy: any", "polcy"),
    ];
    for (text, expected) in cases {
        let message = serde_saphyr::from_str::<AnnounceFile>(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn it_is_written_back_as_it_was() {
    let text = "{ policy: all, damping: { enabled: false }, communities: ['1:2', '1:2:3'], med: 0, \
                aggregates: [{ prefix: 10.0.0.0/8, only: true }], vips: [{ vip: '2001:db8::1', communities: [] }] }";
    for text in ["{}", text] {
        let file = parse(text);
        assert_eq!(parse(&serde_saphyr::to_string(&file).unwrap()), file);
    }
}
