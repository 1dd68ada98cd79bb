//! Tests of what a peer has yet to hear, above all of one that asks for it again and again.

use super::*;

fn prefix(number: u8) -> IpNet {
    IpNet::new(core::net::Ipv4Addr::new(203, 0, 113, number).into(), 32).unwrap()
}

/// Takes all that is to be told: how many prefixes.
fn drain(rib: &mut RibOut) -> usize {
    let mut told = 0;
    loop {
        rib.begin_refresh();
        match rib.next(true) {
            Some(Next::Routes(family, change)) => told += rib.take(family, &change, 100).len(),
            Some(Next::EndOfRib(family)) => rib.end_of_rib_sent(family),
            None => return told,
        }
    }
}

#[test]
fn whoever_asks_often_is_told_once_and_not_before_the_rest() {
    let route = Arc::new(Route::default());
    let mut rib = RibOut::new(Families::IPV4);
    (0..60).for_each(|number| rib.want(prefix(number), Some(&route)));
    assert_eq!(drain(&mut rib), 60);
    rib.want(prefix(60), Some(&route));
    for _ in 0..1_000 {
        rib.refresh(Family::Ipv4);
        assert_eq!(rib.pending(), 1, "asking alone moves nothing");
        rib.begin_refresh();
        assert_eq!(rib.pending(), 1, "what is new goes first");
    }
    assert_eq!(drain(&mut rib), 1 + 61);
    assert_eq!(drain(&mut rib), 0);
    rib.refresh(Family::Ipv6);
    assert_eq!(drain(&mut rib), 0, "nothing was told of that family");
}

#[test]
fn what_is_asked_for_in_the_middle_of_an_answer_is_told_after_it() {
    let route = Arc::new(Route::default());
    let mut rib = RibOut::new(Families::NONE);
    (0..60).for_each(|number| rib.want(prefix(number), Some(&route)));
    drain(&mut rib);
    rib.refresh(Family::Ipv4);
    rib.begin_refresh();
    let first = rib.take(Family::Ipv4, &Change::Announce(Arc::clone(&route)), 100).len();
    rib.refresh(Family::Ipv4);
    rib.want(prefix(59), None);
    assert_eq!(first + drain(&mut rib), 60 + 59, "the withdrawal stands for the route that it took");
    assert_eq!(rib.told(), 59);
}
