//! Graceful restart (RFC 4724) on both sides, and its absence where it was not asked for.

use std::time::{Duration, Instant};

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{SOON, Speaker, file, peer};
use crate::{eventually, with_each, with_some};

const VIPS: [&str; 2] = ["203.0.113.1/32", "2001:db8:f::1/128"];
const ARGUMENTS: [&str; 4] = ["--listen", "10.9.0.2:179", "203.0.113.1", "2001:db8:f::1"];

#[test]
fn routes_stay_while_we_restart_where_that_was_asked_for() {
    with_each(|brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let file = file(&[peer(", gracefulRestart: { restarting: true, restartTime: 60s }")], "");
        let mut speaker = Speaker::start(&link, &file, &ARGUMENTS);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS);

        speaker.process.crash();
        let stay = |until: Instant, when: &str| {
            while Instant::now() < until {
                let prefixes = router.prefixes();
                assert!(VIPS.iter().all(|vip| prefixes.contains(*vip)), "{brand:?} {when} has {prefixes:?}");
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        stay(Instant::now() + Duration::from_millis(1_500), "after the crash");
        let arguments: Vec<&str> = ["--restarted"].into_iter().chain(ARGUMENTS).collect();
        let mut speaker = Speaker::start(&link, &file, &arguments);
        speaker.wait_until_up(ROUTER);
        stay(Instant::now() + Duration::from_millis(1_000), "after the restart");

        // What is not announced again by the next one is forgotten at its end-of-RIB.
        speaker.process.crash();
        let mut speaker = Speaker::start(&link, &file, &arguments[..arguments.len() - 1]);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS[..1]);
        // A farewell is no restart.
        speaker.stop();
        router.wait_for(&[]);
    });
}

#[test]
fn a_crash_withdraws_at_once_where_nothing_was_asked_for() {
    with_each(|brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let mut speaker = Speaker::start(&link, &file(&[peer("")], ""), &ARGUMENTS);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS);
        let began = Instant::now();
        speaker.process.crash();
        router.wait_for(&[]);
        assert!(began.elapsed() < Duration::from_secs(2), "{brand:?} took {:?}", began.elapsed());
    });
}

#[test]
fn a_router_that_restarts_finds_our_routes_and_we_keep_its_own() {
    with_some(&[Brand::Bird, Brand::Frr, Brand::Gobgp], |brand| {
        let link = Link::new();
        let mut router = Router::start(brand, &link, Settings { route: true, ..Settings::default() });
        let mut speaker = Speaker::start(&link, &file(&[peer("")], ""), &ARGUMENTS);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS);
        speaker.wait_for_number("routes_received", 1);

        router.crash();
        speaker.process.expect("down", SOON);
        assert_eq!(speaker.number("routes_stale"), 1, "{brand:?}: kept while it is away");
        router.restart();
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS);
        speaker.wait_for_number("routes_stale", 0);
        speaker.wait_for_number("routes_received", 1);
    });
}

#[test]
fn what_bfd_finds_of_a_router_before_its_restart_leaves_the_session_after_it_alone() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let mut router = Router::start(brand, &link, Settings { bfd: true, ..Settings::default() });
        // Dead after 3 s of silence: the router is back before that.
        let timing = "transmitInterval: 100ms, receiveInterval: 1s, multiplier: 3";
        let mut speaker = Speaker::start(&link, &file(&[peer(", bfd: true")], timing), &ARGUMENTS);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&VIPS);
        router.wait_for_bfd();
        eventually(SOON, "BFD is up here", || {
            speaker.process.said().iter().any(|line| line.contains("-> Up")).then_some(())
        });

        router.crash();
        speaker.process.expect("down", SOON);
        router.restart_without_bfd();
        speaker.wait_until_up(ROUTER);
        speaker.process.expect("Up -> Down (Expired)", SOON);
        std::thread::sleep(Duration::from_secs(1));
        let said = speaker.process.said().to_vec();
        assert_eq!(speaker.number("times_established"), 2, "{said:?}");
        router.wait_for(&VIPS);
    });
}
