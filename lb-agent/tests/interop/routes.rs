//! Announce, withdraw, change and tell again: both families, passwords, a thousand routes.

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{SOON, Speaker, file, peer};
use crate::with_each;

#[test]
fn each_router_has_what_is_announced_and_no_more() {
    with_each(|brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings { password: true, ..Settings::default() });
        // Each way of coming by a connection once.
        let (more, arguments): (_, &[&str]) = match brand {
            Brand::Bird => (", passive: true", &["--listen", "0.0.0.0:179", "203.0.113.1"]),
            Brand::Frr => ("", &["203.0.113.1"]),
            Brand::Gobgp => ("", &["--listen", "10.9.0.2:179", "203.0.113.1"]),
        };
        let peer = peer(&format!(", password: sesame, communities: ['64512:7']{more}"));
        let mut speaker = Speaker::start(&link, &file(&[peer], ""), arguments);
        speaker.wait_until_up(ROUTER);
        router.wait_for(&["203.0.113.1/32"]);
        let words = router.words("203.0.113.1/32");
        assert!(words.contains("64512:7") || words.contains("(64512,7)"), "{words}");

        speaker.tell("announce 2001:db8:f::1");
        speaker.tell("announce 203.0.113.128/25");
        router.wait_for(&["2001:db8:f::1/128", "203.0.113.1/32", "203.0.113.128/25"]);
        speaker.tell("withdraw 203.0.113.1");
        speaker.tell("withdraw 203.0.113.128/25");
        router.wait_for(&["2001:db8:f::1/128"]);
        speaker.tell("announce 203.0.113.1");
        speaker.tell("withdraw 2001:db8:f::1");
        router.wait_for(&["203.0.113.1/32"]);

        speaker.tell("shutdown on");
        router.wait_for_graceful_shutdown("203.0.113.1/32", true);
        speaker.tell("shutdown off");
        router.wait_for_graceful_shutdown("203.0.113.1/32", false);

        if brand != Brand::Gobgp {
            let before = speaker.number("updates_sent");
            router.refresh();
            speaker.process.expect("RefreshRequested", SOON);
            assert!(speaker.number("updates_sent") > before, "{brand:?} was told again");
            router.wait_for(&["203.0.113.1/32"]);
        }

        speaker.tell("many 1000");
        let expected = |last: usize| format!("198.18.{}.{}/32", last / 256, last % 256);
        let mut all: Vec<String> = (0..1_000).map(expected).collect();
        all.push("203.0.113.1/32".to_owned());
        router.wait_for(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(speaker.number("times_established"), 1, "one session all the while");

        speaker.stop();
        router.wait_for(&[]);
    });
}
