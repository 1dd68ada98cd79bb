//! Tests of the watcher: what it does about each look at the file, as a table of a whole life.

use super::*;

fn vips(texts: &[&str]) -> BTreeSet<IpAddr> {
    texts.iter().map(|text| text.parse().expect("a test's address is an address")).collect()
}

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

#[test]
fn a_life() {
    let one = vips(&["203.0.113.10"]);
    let two = vips(&["203.0.113.10", "2001:db8::1"]);
    let bad = Fault::whole("vips".to_owned(), "is empty".to_owned());
    let worse = Fault::whole("vips".to_owned(), "cannot be read".to_owned());
    let mut watcher = Watcher::new(one.clone(), at(0));
    // when, what the file says, what is to be done, and how applying goes
    let life = [
        (0, Ok(one.clone()), Step::Apply(one.clone()), Some(true)),
        (1, Ok(one.clone()), Step::Wait, None),
        (2, Ok(two.clone()), Step::Apply(two.clone()), Some(true)),
        // a bad file is told once, and again if it is bad in another way
        (3, Err(bad.clone()), Step::Refuse(bad.clone()), None),
        (4, Err(bad.clone()), Step::Wait, None),
        (5, Err(worse.clone()), Step::Refuse(worse), None),
        // what is in the kernel is repaired meanwhile
        (32, Err(bad.clone()), Step::Refuse(bad.clone()), None),
        (33, Err(bad), Step::Apply(two.clone()), Some(true)),
        (34, Ok(two.clone()), Step::Wait, None),
        (35, Ok(one.clone()), Step::Apply(one.clone()), Some(false)),
        (36, Ok(one.clone()), Step::Wait, None),
        // a failure is tried again soon
        (40, Ok(one.clone()), Step::Apply(one), Some(true)),
    ];
    for (seconds, read, step, applied) in life {
        assert_eq!(watcher.handle_file(at(seconds), read), step, "at {seconds} s");
        if let Some(succeeded) = applied {
            watcher.handle_applied(at(seconds), succeeded);
        }
    }
}
