//! BFD with BIRD and FRR: how fast a death is noticed on either side, and that a hand is no death.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{SOON, Speaker, file, peer};
use crate::{eventually, with_some};

const WITH_BFD: [Brand; 2] = [Brand::Bird, Brand::Frr];
/// As the routers are configured: dead within 300 ms.
const TIMING: &str = "transmitInterval: 100ms, receiveInterval: 100ms, multiplier: 3";
/// 300 ms, and what a machine with other things to do adds.
const DETECTION: std::ops::Range<Duration> = Duration::from_millis(190)..Duration::from_millis(900);

/// Both sessions up, and the VIP known.
fn both_up<'a>(brand: Brand, link: &'a Link) -> (Router<'a>, Speaker) {
    let router = Router::start(brand, link, Settings { bfd: true, ..Settings::default() });
    let file = file(&[peer(", bfd: true")], TIMING);
    let mut speaker = Speaker::start(link, &file, &["--listen", "10.9.0.2:179", "203.0.113.1"]);
    speaker.wait_until_up(ROUTER);
    router.wait_for(&["203.0.113.1/32"]);
    router.wait_for_bfd();
    eventually(SOON, "BFD is up here", || {
        speaker.process.said().iter().any(|line| line.contains("-> Up")).then_some(())
    });
    (router, speaker)
}

#[test]
fn a_router_that_hangs_is_dead_in_three_packets_and_comes_back() {
    with_some(&WITH_BFD, |brand| {
        let link = Link::new();
        let (router, mut speaker) = both_up(brand, &link);
        // Past the first seconds, in which both ends still agree on the pace.
        std::thread::sleep(Duration::from_millis(1_500));
        speaker.process.forget();
        router.signal(Signal::SIGSTOP);
        let stopped = Instant::now();
        let (line, _) = speaker.process.expect("down", SOON);
        let took = stopped.elapsed();
        router.signal(Signal::SIGCONT);
        assert!(line.contains("BFD says that the peer is dead"), "{line}");
        assert!(DETECTION.contains(&took), "{brand:?}: {took:?}");
        println!("{brand:?} hangs: BGP down after {took:?}");
        speaker.wait_until_up(ROUTER);
        router.wait_for(&["203.0.113.1/32"]);
        router.wait_for_bfd();
    });
}

#[test]
fn a_speaker_that_hangs_loses_its_routes_in_three_packets() {
    with_some(&WITH_BFD, |brand| {
        let link = Link::new();
        let (router, speaker) = both_up(brand, &link);
        std::thread::sleep(Duration::from_millis(1_500));
        speaker.process.signal(Signal::SIGSTOP);
        let stopped = Instant::now();
        router.wait_for(&[]);
        let took = stopped.elapsed();
        speaker.process.signal(Signal::SIGCONT);
        // asked for every 50 ms, by a program that is started each time
        assert!(took < Duration::from_millis(1_500), "{brand:?}: {took:?}");
        println!("{brand:?} withdraws a node that hangs after {took:?}");
    });
}

#[test]
fn a_hand_there_that_takes_bfd_down_leaves_the_routes_alone() {
    with_some(&[Brand::Frr], |brand| {
        let link = Link::new();
        let (router, mut speaker) = both_up(brand, &link);
        speaker.process.forget();
        router.disable_bfd();
        speaker.process.expect("Up -> Down (Heard(AdminDown))", SOON);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(speaker.number("times_established"), 1);
        router.wait_for(&["203.0.113.1/32"]);
        let fallen =
            speaker.process.said().iter().any(|line| line.starts_with("bgp") && line.contains("down:"));
        assert!(!fallen, "BGP stays up");
    });
}

#[test]
fn a_speaker_that_says_goodbye_is_not_taken_for_dead() {
    with_some(&WITH_BFD, |brand| {
        let link = Link::new();
        let (router, speaker) = both_up(brand, &link);
        speaker.stop();
        router.wait_for(&[]);
        let words = router.bfd();
        let died = ["detection time expired", "Control detection"].iter().any(|text| words.contains(text));
        assert!(!died, "{brand:?}: {words}");
    });
}
