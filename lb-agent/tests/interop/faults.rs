//! Peers that send garbage, fall silent, or do not know the password.

mod raw;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{SOON, Speaker, file, peer};
use crate::{with_each, with_some};

#[test]
fn without_the_password_there_is_no_session() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let _router = Router::start(brand, &link, Settings { password: true, ..Settings::default() });
        let peers = [peer(", password: simsim, connectRetry: 300ms").replace(", connectRetry: 500ms", "")];
        let mut speaker = Speaker::start(&link, &file(&peers, ""), &["--listen", "10.9.0.2:179"]);
        std::thread::sleep(Duration::from_secs(2));
        assert!(!speaker.process.said().iter().any(|line| line.contains("OpenSent")), "a wrong one");
    });
}

#[test]
fn a_router_that_falls_silent_is_dead_after_the_hold_time() {
    with_each(|brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings { route: true, ..Settings::default() });
        let mut speaker = Speaker::start(&link, &file(&[peer(", holdTime: 3s")], ""), &["203.0.113.1"]);
        speaker.wait_until_up(ROUTER);
        speaker.wait_for_number("routes_received", 1);
        router.wait_for(&["203.0.113.1/32"]);
        router.signal(Signal::SIGSTOP);
        let stopped = Instant::now();
        let (line, at) = speaker.process.expect("down", Duration::from_secs(8));
        router.signal(Signal::SIGCONT);
        assert!(line.contains("silent for the hold time"), "{line}");
        let took = at - stopped;
        // a KEEPALIVE may have come just before it stopped, or nearly a second earlier
        let bounds = Duration::from_millis(1_900)..Duration::from_millis(3_800);
        assert!(bounds.contains(&took), "{brand:?}: {took:?}");
        speaker.wait_until_up(ROUTER);
        router.wait_for(&["203.0.113.1/32"]);
    });
}

#[test]
fn a_speaker_that_falls_silent_is_dead_for_each_router() {
    with_each(|brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let mut speaker = Speaker::start(&link, &file(&[peer(", holdTime: 3s")], ""), &["203.0.113.1"]);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&["203.0.113.1/32"]);
        speaker.process.signal(Signal::SIGSTOP);
        router.wait_for(&[]);
        speaker.process.forget();
        speaker.process.signal(Signal::SIGCONT);
        let (line, _) = speaker.process.expect("down", SOON);
        // the router's word or our own clock, whichever is looked at first
        assert!(line.to_lowercase().contains("hold time"), "{brand:?}: {line}");
        speaker.wait_until_up(ROUTER);
        router.wait_for(&["203.0.113.1/32"]);
    });
}
