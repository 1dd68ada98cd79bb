//! The section's defaults, its refusals with their fields, and that it is written back as it was.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use super::*;
use crate::bgp::{
    Asn, Community, Excess, Families, Family, GracefulRestart, PeerConfig, PrefixLimit, Reach, SpeakerConfig,
    Timers,
};

/// A section of ours with this of its one peer.
fn with_peer(fields: &str) -> Result<SpeakerConfig, BgpError> {
    let text =
        format!("{{ as: 64512, routerId: 10.0.0.11, peers: [{{ address: 10.0.0.1, as: 64500{fields} }}] }}");
    SpeakerConfig::try_from(serde_saphyr::from_str::<BgpFile>(&text).unwrap())
}

fn peer(fields: &str) -> PeerConfig {
    with_peer(fields).unwrap().peers.remove(0)
}

#[test]
fn a_peer_needs_only_an_address_and_a_number() {
    assert_eq!(peer(""), PeerConfig::new([10, 0, 0, 1].into(), Asn(64_500)));
}

#[test]
fn all_fields_count() {
    let peer = peer(
        ", interface: eth0, port: 1179, localAddress: 10.0.0.11, passive: true, password: secret, multihop: 3,
           ttlSecurity: true, bfd: fast, holdTime: 30s, keepalive: 10s, connectRetry: 1s, idleHoldMax: 10s,
           families: [ipv6], extendedMessages: true, maxPrefixes: 10, maxPrefixesRestart: 1m,
           gracefulRestart: { restarting: true, restartTime: 1m, helper: false, staleTime: 2m, notification: false },
           nextHop: 10.0.0.12, nextHop6: \"2001:db8::12\", communities: [\"64512:1\", \"64512:1:2\", no-export],
           med: 5, prepend: 2, gracefulShutdown: true",
    );
    assert_eq!((peer.port, peer.interface.as_deref(), peer.passive), (1_179, Some("eth0"), true));
    assert_eq!(peer.password.map(|password| String::from(password.reveal())).as_deref(), Some("secret"));
    assert_eq!((peer.reach, peer.bfd.as_deref()), (Reach::Secured(3), Some("fast")));
    assert_eq!(
        peer.timers,
        Timers {
            hold: Duration::from_secs(30),
            keepalive: Some(Duration::from_secs(10)),
            connect_retry: Duration::from_secs(1),
            idle_hold_max: Duration::from_secs(10),
            ..Timers::default()
        }
    );
    assert_eq!(peer.families, Families::from_iter([Family::Ipv6]));
    let restart_after = Some(Duration::from_secs(60));
    assert_eq!(peer.prefix_limit, PrefixLimit { max: 10, excess: Excess::Teardown { restart_after } });
    assert_eq!(
        peer.graceful_restart,
        GracefulRestart {
            restarting: true,
            restart_time: Duration::from_secs(60),
            helper: false,
            stale_time: Duration::from_secs(120),
            notification: false,
        }
    );
    let export = peer.export;
    assert_eq!(export.communities, [Community::new(64_512, 1), Community::NO_EXPORT]);
    assert_eq!(export.large_communities.len(), 1);
    assert_eq!((export.med, export.prepend, export.graceful_shutdown), (Some(5), 2, true));
    assert_eq!(export.next_hop_v4.map(|hop| hop.to_string()).as_deref(), Some("10.0.0.12"));
    assert_eq!(export.next_hop_v6.map(|hop| hop.to_string()).as_deref(), Some("2001:db8::12"));
}

#[test]
fn how_far_away_a_peer_may_be() {
    for (fields, expected) in [
        ("", Reach::Link),
        (", multihop: 2", Reach::Hops(2)),
        (", ttlSecurity: true", Reach::Secured(1)),
        (", multihop: 255, ttlSecurity: false", Reach::Hops(255)),
    ] {
        assert_eq!(peer(fields).reach, expected, "{fields}");
    }
}

#[test]
fn bfd_is_wanted_or_not_or_by_name() {
    for (fields, expected) in
        [("", None), (", bfd: false", None), (", bfd: true", Some("default")), (", bfd: edge", Some("edge"))]
    {
        assert_eq!(peer(fields).bfd.as_deref(), expected, "{fields}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    for (fields, expected) in [
        (
            ", holdTime: 2s",
            "peers[0].holdTime: 2s is not possible; write 3s to 65535s in whole seconds, or 0s for never",
        ),
        (
            ", holdTime: 3500ms",
            "peers[0].holdTime: 3500ms is not possible; write 3s to 65535s in whole seconds, or 0s for never",
        ),
        (
            ", holdTime: 9s, keepalive: 4s",
            "peers[0].keepalive: 4s is more than a third of the hold time; write 3s or less, or leave it out",
        ),
        (
            ", holdTime: 0s, keepalive: 4s",
            "peers[0].keepalive: without a hold time there are no signs of life; remove it, or write a holdTime",
        ),
        (", keepalive: 1ms", "peers[0].keepalive: 1ms is not possible; write 100ms to 3s"),
        (", connectRetry: 0s", "peers[0].connectRetry: 0s is not possible; write 100ms to 1h"),
        (", idleHoldMax: 2d", "peers[0].idleHoldMax: 48h is not possible; write 1s to 24h"),
        (", multihop: 0", "peers[0].multihop: 0 is not possible; write 1 to 255"),
        (", multihop: 256", "peers[0].multihop: 256 is not possible; write 1 to 255"),
        (", port: 0", "peers[0].port: 0 is not possible; write 1 to 65535"),
        (", password: \"\"", "peers[0].password: a password must have 1 to 80 bytes, none of them zero"),
        (
            ", bfd: \"\"",
            "peers[0].bfd: no name of a profile; write true, false or a name of the section `bfd`",
        ),
        (", families: []", "peers[0].families: no family; write [ipv4], [ipv6] or both"),
        (", localPreference: 5", "peers[0].localPreference: means nothing to an external peer; remove it"),
        (", prepend: 33", "peers[0].prepend: 33 is not possible; write 0 to 32"),
        (", maxPrefixes: 0", "peers[0].maxPrefixes: 0 is not possible; write 1 to 4294967295"),
        (
            ", maxPrefixesRestart: 1m",
            "peers[0].maxPrefixesRestart: means nothing without maxPrefixes; write that too, or remove it",
        ),
        (
            ", gracefulRestart: { restartTime: 4096s }",
            "peers[0].gracefulRestart.restartTime: 4096s is not possible; write 1s to 4095s",
        ),
        (
            ", gracefulRestart: { restartTime: 1500ms }",
            "peers[0].gracefulRestart.restartTime: 1500ms is not in whole seconds; write whole seconds",
        ),
        (
            ", localAddress: \"2001:db8::1\"",
            "peers[0].localAddress: 2001:db8::1 is not of the family of the peer's address; write one that is, or leave it out",
        ),
        (
            ", localAddress: 10.0.0.1",
            "peers[0].address: 10.0.0.1 is our own end of the session; write the peer's address",
        ),
        (
            ", localAddress: 224.0.0.1",
            "peers[0].localAddress: 224.0.0.1 is no address of a host; write the one that the session has at this end",
        ),
        (
            ", interface: \"a b\"",
            "peers[0].interface: no name of an interface; write 1 to 15 characters without / and blanks, such as eth0",
        ),
    ] {
        assert_eq!(with_peer(fields).map_err(|error| error.to_string()), Err(expected.into()), "{fields}");
    }
    let many: String = (0..65).map(|number| format!("\"1:{number}\",")).collect();
    assert_eq!(
        with_peer(&format!(", communities: [{many}]")).unwrap_err().problem,
        BgpProblem::Communities { count: 65, max: 64 }
    );
}

#[test]
fn what_peers_are_together_is_checked_too() {
    for (text, expected) in [
        (
            "{ as: 0, routerId: 10.0.0.11, peers: [] }",
            "as: 0 is reserved; write the number of an autonomous system (64512 to 65534 are private)",
        ),
        (
            "{ as: 1, routerId: 0.0.0.0, peers: [] }",
            "routerId: 0.0.0.0 is no identifier; write an IPv4 address of this node",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: 10.0.0.1, as: 23456 }] }",
            "peers[0].as: 23456 is reserved; write the number of an autonomous system (64512 to 65534 are private)",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: 10.0.0.1, as: 2 }, { address: 10.0.0.1, as: 3 }] }",
            "peers[1].address: 10.0.0.1 is already peers[0]; remove one of the two (only link-local addresses differ by interface)",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: 10.0.0.1, as: 2, interface: a }, { address: 10.0.0.1, as: 3, interface: b }] }",
            "peers[1].address: 10.0.0.1 is already peers[0]; remove one of the two (only link-local addresses differ by interface)",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: \"fe80::1\", as: 2, interface: a, bfd: true }, { address: \"fe80::1\", as: 2, interface: b, bfd: true }] }",
            "peers[1].bfd: does not tell fe80::1 of peers[0] from this one, whatever the interface; write one password for both, and `bfd` for one of them",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: \"fe80::1\", as: 2, interface: a, password: x }, { address: \"fe80::1\", as: 2, interface: b }] }",
            "peers[1].password: does not tell fe80::1 of peers[0] from this one, whatever the interface; write one password for both, and `bfd` for one of them",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: \"fe80::1\", as: 2 }] }",
            "peers[0].interface: missing; fe80::1 is link-local, so write the interface that it is reached by",
        ),
        (
            "{ as: 1, routerId: 1.1.1.1, peers: [{ address: 10.0.0.1, as: 1, prepend: 1 }] }",
            "peers[0].prepend: means nothing to an internal peer; remove it",
        ),
    ] {
        let file: BgpFile = serde_saphyr::from_str(text).unwrap();
        assert_eq!(SpeakerConfig::try_from(file).map_err(|error| error.to_string()), Err(expected.into()));
    }
    let two = "{ as: 1, routerId: 1.1.1.1, peers: [{ address: \"fe80::1\", interface: eth0, as: 2 }, { address: \"fe80::1\", interface: eth1, as: 2 }] }";
    let file: BgpFile = serde_saphyr::from_str(two).unwrap();
    assert_eq!(SpeakerConfig::try_from(file).unwrap().peers.len(), 2);
}

#[test]
fn texts_that_are_none_say_what_would_be_right() {
    for (fields, expected) in [
        (", communities: [1]", "no community: not a community; write two numbers up to 65535"),
        (", bfd: 3", "true, false or the name of a profile of the section `bfd`"),
        (", holdtime: 9s", "unknown field `holdtime`"),
        (", families: [ip]", "unknown variant `ip`"),
    ] {
        let text = format!("{{ as: 1, routerId: 1.1.1.1, peers: [{{ address: 10.0.0.1, as: 2{fields} }}] }}");
        let error = serde_saphyr::from_str::<BgpFile>(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_section_is_written_back_as_it_was() {
    let text = "{ as: 64512, routerId: 10.0.0.11, gracefulShutdown: true, peers: [{ address: \"2001:db8::1\", as: 4200000001, bfd: true, password: p, communities: [\"64512:1:2\"], gracefulRestart: { restarting: true } }] }";
    let file: BgpFile = serde_saphyr::from_str(text).unwrap();
    let written = serde_saphyr::to_string(&file).unwrap();
    assert_eq!(serde_saphyr::from_str::<BgpFile>(&written).unwrap(), file);
}

#[test]
fn a_password_is_in_no_message() {
    let config = peer(", password: hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    let file: BgpFile = serde_saphyr::from_str(
        "{ as: 1, routerId: 1.1.1.1, peers: [{ address: 10.0.0.1, as: 2, password: hunter2 }] }",
    )
    .unwrap();
    assert!(!format!("{file:?}").contains("hunter2"));
}
