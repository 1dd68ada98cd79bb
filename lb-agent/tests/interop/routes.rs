//! Announce, withdraw, change and tell again: both families, passwords, a thousand routes.

use crate::link::{Link, NODE6, ROUTER, ROUTER6};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{SOON, Speaker, file, peer};
use crate::{with_each, with_some};

#[test]
fn each_router_has_what_is_announced_and_no_more() {
    with_each(|brand| {
        let link = Link::new();
        let router =
            Router::start(brand, &link, Settings { password: true, secured: true, ..Settings::default() });
        // Each way of coming by a connection once.
        let (more, arguments): (_, &[&str]) = match brand {
            Brand::Bird => (", passive: true", &["--listen", "0.0.0.0:179", "203.0.113.1"]),
            Brand::Frr => ("", &["203.0.113.1"]),
            Brand::Gobgp => ("", &["--listen", "10.9.0.2:179", "203.0.113.1"]),
        };
        let peer = peer(&format!(", password: sesame, ttlSecurity: true, communities: ['64512:7']{more}"));
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

#[test]
fn a_session_over_ipv6_carries_both_families_with_everything_on() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let settings = Settings { password: true, secured: true, bfd: true, over_v6: true, route: true };
        let router = Router::start(brand, &link, settings);
        let peer = format!(
            "{{ address: '{ROUTER6}', as: 64500, localAddress: '{NODE6}', nextHop: 10.9.0.2, \
             connectRetry: 500ms, password: sesame, ttlSecurity: true, bfd: true }}"
        );
        let vips = ["203.0.113.1", "2001:db8:f::1"];
        let arguments = ["--listen", "[::]:179", vips[0], vips[1]];
        let mut speaker = Speaker::start(&link, &file(&[peer], ""), &arguments);
        speaker.wait_until_up(ROUTER6);
        router.wait_for(&["2001:db8:f::1/128", "203.0.113.1/32"]);
        router.wait_for_bfd();
        speaker.wait_for_number("routes_received", 1);
        speaker.stop();
        router.wait_for(&[]);
    });
}
