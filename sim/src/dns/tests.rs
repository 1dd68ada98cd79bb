//! Resolver caches against the closed form.

use super::*;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn one_question_at_a_time() {
    let mut cache = ResolverCache::new(ResolverPolicy::default());
    assert_eq!(cache.handle_query(Time::ZERO), Lookup::Ask);
    assert_eq!(cache.handle_query(Time::ZERO), Lookup::Wait);
    assert_eq!(cache.handle_failure(Time::ZERO), None);
    assert_eq!(cache.handle_query(Time::ZERO), Lookup::Ask);
    cache.handle_answer(Time::from_secs(1), 'a', seconds(10));
    assert_eq!(cache.expires(), Some(Time::from_secs(11)));
    assert_eq!(cache.handle_query(Time::from_nanos(10_999_999_999)), Lookup::Answer(&'a'));
    assert_eq!(cache.handle_query(Time::from_secs(11)), Lookup::Ask);
    assert_eq!(cache.handle_query(Time::from_secs(12)), Lookup::Wait);
}

#[test]
fn the_time_to_live_is_bent_to_the_policy() {
    let policy = ResolverPolicy { ttl_min: seconds(5), ttl_max: seconds(60), stale: Duration::ZERO };
    for (told, kept) in [(0, 5), (5, 5), (30, 30), (60, 60), (3600, 60)] {
        let mut cache = ResolverCache::new(policy);
        cache.handle_answer(Time::from_secs(100), (), seconds(told));
        assert_eq!(cache.expires(), Some(Time::from_secs(100 + kept)), "{told} s");
    }
}

#[test]
fn a_stale_answer_serves_for_a_while() {
    let policy = ResolverPolicy { stale: seconds(20), ..ResolverPolicy::default() };
    let mut cache = ResolverCache::new(policy);
    cache.handle_answer(Time::ZERO, 'a', seconds(10));
    assert_eq!(cache.handle_query(Time::from_secs(15)), Lookup::Ask);
    assert_eq!(cache.handle_failure(Time::from_secs(16)), Some(&'a'));
    assert_eq!(cache.handle_query(Time::from_secs(30)), Lookup::Ask);
    assert_eq!(cache.handle_failure(Time::from_secs(30)), None);
}
