//! Tests of what a peer told: the limit, what becomes stale and when that is given up.

use core::net::Ipv4Addr;

use super::*;
use crate::bgp::message::{MpReach, MpUnreach, PathAttributes, RestartFamily};

fn prefix(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn announcement(prefixes: &[&str]) -> Update {
    Update {
        attributes: PathAttributes {
            next_hop: Some(Ipv4Addr::new(10, 0, 0, 1)),
            ..PathAttributes::default()
        },
        announced: prefixes.iter().map(|text| text.parse().unwrap()).collect(),
        ..Update::default()
    }
}

fn restart(preserved: bool) -> Restart {
    let families = Vec::from([RestartFamily { afi: 1, safi: 1, preserved }]);
    Restart { restarted: true, notification: false, seconds: 120, families }
}

const KEEP: Option<(Families, Duration)> = Some((Families::IPV4, Duration::from_secs(120)));
const LONGEST: Duration = Duration::from_secs(360);

/// Two prefixes of IPv4 that are kept while the peer restarts.
fn restarting() -> Received {
    let mut received = Received::default();
    received.apply(&announcement(&["192.0.2.0/24", "198.51.100.0/24"]), Families::ALL, 10);
    assert_eq!(received.session_down(Time::ZERO, KEEP), []);
    assert_eq!((received.len(), received.stale()), (2, 2));
    received
}

#[test]
fn what_is_over_the_limit_is_counted_and_what_is_known_may_change() {
    let mut received = Received::default();
    let three = announcement(&["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]);
    let changes = received.apply(&three, Families::ALL, 2);
    assert_eq!((changes.announced[0].1.len(), changes.ignored), (2, 1));
    let again = received.apply(&announcement(&["192.0.2.0/24"]), Families::ALL, 2);
    assert_eq!((again.announced.len(), again.ignored, received.len()), (1, 0, 2));
    let none = received.apply(&announcement(&["203.0.113.0/24"]), Families::ALL, 2);
    assert_eq!(none.announced, []);
    assert_eq!(received.ignored(), 2);
}

#[test]
fn routes_of_families_that_were_not_agreed_on_do_not_count() {
    let mut received = Received::default();
    let next_hop = NextHop::V6("2001:db8::1".parse().unwrap());
    let prefixes = Vec::from(["2001:db8:f::/48".parse().unwrap()]);
    let update = Update { mp_announced: Some(MpReach::Ipv6 { next_hop, prefixes }), ..Update::default() };
    assert_eq!(received.apply(&update, Families::IPV4, 10), Changes::default());
    assert_eq!(received.apply(&update, Families::ALL, 10).announced.len(), 1);
}

#[test]
fn a_withdrawal_of_what_was_never_told_is_not_reported() {
    let mut received = Received::default();
    received.apply(&announcement(&["192.0.2.0/24"]), Families::ALL, 10);
    let withdrawn = ["192.0.2.0/24", "198.51.100.0/24"].map(|text| text.parse().unwrap());
    let update = Update {
        withdrawn: withdrawn.to_vec(),
        mp_withdrawn: Some(MpUnreach::Ipv4(withdrawn.to_vec())),
        ..Update::default()
    };
    assert_eq!(received.apply(&update, Families::ALL, 10).withdrawn, [prefix("192.0.2.0/24")]);
}

#[test]
fn without_a_graceful_restart_all_is_gone_at_once() {
    let mut received = restarting();
    assert_eq!(received.session_down(Time::ZERO, None).len(), 2);
    assert_eq!((received.len(), received.poll_timeout()), (0, None));
}

#[test]
fn a_peer_that_does_not_come_back_in_time_loses_its_routes() {
    let mut received = restarting();
    assert_eq!(received.poll_timeout(), Some(Time::from_secs(120)));
    assert_eq!(received.handle_timeout(Time::from_secs(119)), []);
    assert_eq!(received.handle_timeout(Time::from_secs(120)).len(), 2);
    assert_eq!(received.poll_timeout(), None);
}

#[test]
fn what_is_not_told_again_goes_with_the_end_of_rib() {
    let mut received = restarting();
    let now = Time::from_secs(10);
    assert_eq!(received.session_up(now, Some(&restart(true)), LONGEST), []);
    assert_eq!(received.poll_timeout(), Some(now + LONGEST));
    received.apply(&announcement(&["192.0.2.0/24"]), Families::ALL, 10);
    assert_eq!(received.stale(), 1);
    assert_eq!(received.end_of_rib(Family::Ipv6), [], "of the other family");
    assert_eq!(received.end_of_rib(Family::Ipv4), [prefix("198.51.100.0/24")]);
    assert_eq!(received.handle_timeout(now + LONGEST), [], "what was told again stays");
    assert_eq!(received.len(), 1);
}

#[test]
fn without_an_end_of_rib_the_rest_goes_after_the_longest_time() {
    let mut received = restarting();
    received.session_up(Time::ZERO, Some(&restart(true)), LONGEST);
    received.apply(&announcement(&["192.0.2.0/24"]), Families::ALL, 10);
    assert_eq!(received.handle_timeout(Time::ZERO + LONGEST), [prefix("198.51.100.0/24")]);
}

#[test]
fn a_peer_that_lost_its_forwarding_loses_its_routes_as_it_comes_back() {
    for said in [Some(restart(false)), None] {
        let mut received = restarting();
        assert_eq!(received.session_up(Time::ZERO, said.as_ref(), LONGEST).len(), 2);
        assert_eq!(received.poll_timeout(), None);
    }
}

#[test]
fn a_second_restart_before_the_end_of_the_first_keeps_only_what_was_told_since() {
    let mut received = restarting();
    received.session_up(Time::ZERO, Some(&restart(true)), LONGEST);
    received.apply(&announcement(&["192.0.2.0/24"]), Families::ALL, 10);
    assert_eq!(received.session_down(Time::ZERO, KEEP), [prefix("198.51.100.0/24")]);
    assert_eq!((received.len(), received.stale()), (1, 1));
}
