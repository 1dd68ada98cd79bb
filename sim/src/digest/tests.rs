//! Digests: equal for equal logs, different for any other.

use super::*;

fn log(events: impl Iterator<Item = u64>) -> Digest {
    let mut digest = EventDigest::new();
    for event in events {
        digest.record(Time::from_nanos(event), 7, &[event * 3, event]);
    }
    digest.finish()
}

#[test]
fn golden() {
    // Captured from this code on x86-64, debug and release alike; a change breaks every stored digest.
    assert_eq!(
        EventDigest::new().finish().to_string(),
        "cafb6ca77a6b0c427d58ecd579ab17e957a29a599aa0ddd226b4ee71bc0d8b24"
    );
    assert_eq!(log(0..1000).to_string(), "685536bec94c8b9669ee52be24ea4ea9abf3761c2306febc1f0ef5a1985c58e2");
}

#[test]
fn asking_early_changes_nothing() {
    let mut asked = EventDigest::new();
    for event in 0..1000 {
        asked.record(Time::from_nanos(event), 7, &[event * 3, event]);
        let _ = asked.finish();
    }
    assert_eq!(asked.finish(), log(0..1000));
}

#[test]
fn order_and_lengths_count() {
    assert_ne!(log([1, 2].into_iter()), log([2, 1].into_iter()));
    let with_bytes = |parts: &[&[u8]]| {
        let mut digest = EventDigest::new();
        parts.iter().for_each(|part| digest.record_bytes(part));
        digest.finish()
    };
    assert_ne!(with_bytes(&[b"ab", b"c"]), with_bytes(&[b"a", b"bc"]));
    assert_ne!(with_bytes(&[b"a"]), with_bytes(&[b"a\0"]));
}
