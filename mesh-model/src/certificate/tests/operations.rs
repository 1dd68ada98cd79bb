//! What happens to credentials in operation: they move, are renamed, outgrow a certificate; controllers restart at
//! the wrong moment; answers come late or wrong.

use super::*;

/// Adds an order's result by hand, so that things can happen between.
fn order(world: &mut World) -> (Credential, BTreeSet<Fqdn>) {
    match world.machine.poll_transmit() {
        Some(Transmit::Order { credential, hosts, .. }) => (credential, hosts),
        other => panic!("it is ordered, not {other:?}"),
    }
}

/// The same with this problem: so many names at most, or more issuers.
fn with(text: &str, issuers: &[(&str, AskedIssuer)]) -> BTreeMap<Credential, Wanted> {
    let mut all = wanted(text);
    let issuers: BTreeMap<Name, AskedIssuer> =
        issuers.iter().map(|(name, asked)| (name.parse().unwrap(), *asked)).collect();
    all.values_mut().for_each(|wanted| wanted.issuers = issuers.clone());
    all
}

#[test]
fn what_nobody_wants_is_revoked_and_deleted_after_a_while() {
    let mut world = World::new();
    world.want("x: a; y: b");
    world.done();
    world.want("y: b");
    world.pass(Duration::from_secs(3_599));
    world.want("x: a; y: b");
    assert_eq!(world.done(), [] as [&str; 0], "a half-read list costs nothing");
    world.want("y: b");
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.done(), ["revoke x 1", "delete x"]);
    assert_eq!((world.serves("x a"), world.serves("y b"), world.state("x")), (None, Some(2), None));
    // one of several leaves at the next renewal, and then the old one is revoked
    let mut world = World::new();
    world.want("x: a b");
    world.want("x: b");
    world.pass(days(60));
    let done = world.done();
    assert_eq!(done[3..], ["order x b", "store x", "push x", "revoke x 1"], "{done:?}");
}

/// A renewal in the moment of a half-read list takes nobody's cover.
#[test]
fn a_host_that_is_missing_for_a_moment_stays_in_what_is_renewed() {
    let mut world = World::new();
    world.want("x: a b");
    world.done();
    world.want("x@other: b");
    assert_eq!(world.done(), ["order x a+b", "store x", "push x"]);
    world.want("x@other: a b");
    assert_eq!((world.done(), world.serves("x a")), (Vec::new(), Some(2)));
}

#[test]
fn a_host_that_moves_is_covered_by_both_until_the_first_is_renewed() {
    let mut world = World::new();
    world.want("x: a b; y: c");
    world.done();
    world.want("x: a; y: b c");
    assert_eq!(world.done(), ["order y b+c", "store y", "push y"]);
    assert_eq!((world.serves("x b"), world.serves("y b")), (Some(1), Some(3)), "old Gateways find it still");
    world.pass(days(60));
    let done = world.done();
    assert!(done.contains(&"order x a".to_owned()), "{done:?}");
    assert!(!done.iter().any(|line| line.starts_with("revoke")), "its key is still ours: {done:?}");
}

#[test]
fn a_renamed_credential_is_served_before_the_old_one_goes() {
    let mut world = World::new();
    world.want("old: a b");
    world.done();
    // both are named while the old Gateway is anywhere
    world.want("old: a b; new: a b");
    assert_eq!(world.done(), ["order new a+b", "store new", "push new"]);
    world.want("new: a b");
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.done(), ["delete old"], "and not revoked: its hosts are ours");
    assert_eq!(world.serves("new a"), Some(2));
}

#[test]
fn another_issuer_signs_anew_and_the_old_certificate_is_served_meanwhile() {
    let mut world = World::new();
    world.want("x: a b");
    world.done();
    world.failing = hosts("b");
    world.want("x@other: a b");
    let of = |what: &str| format!("{what} x-overspill-2");
    let elsewhere = [of("order") + " a", of("store"), of("push")];
    assert_eq!(world.done(), ["order x a+b".to_owned()].into_iter().chain(elsewhere).collect::<Vec<_>>());
    world.pass(days(30));
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(2), Some(1)), "it refuses one");
    world.failing.clear();
    world.pass(days(1));
    let done = world.done();
    assert_eq!(done[done.len() - 3..], ["order x b", "store x", "push x"], "no revocation: {done:?}");
    assert_eq!(world.secrets[&credential("x")].issuer, *"other");
    // back-off is of who was asked
    let mut world = World::new();
    world.is_down = true;
    world.want("x: a");
    world.pass(days(1));
    world.is_down = false;
    world.done();
    world.want("x@other: a");
    assert_eq!(world.done(), ["order x a", "store x", "push x"], "at once");
}

/// What the old issuer signs after the change is taken, and replaced.
#[test]
fn an_issuer_that_changes_during_an_order() {
    let (mut world, x) = (World::new(), credential("x"));
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let (_, asked) = order(&mut world);
    world.machine.handle_desired(world.now, world.wall(), &wanted("x@other: a"));
    assert_eq!(world.machine.poll_transmit(), None, "one at a time");
    let issued = world.sign("corp", asked);
    world.machine.handle_order_result(world.now, world.wall(), &x, issued);
    world.settle();
    assert_eq!(world.done(), ["store x", "order x a", "push x", "store x", "push x"]);
    assert_eq!(world.secrets[&x].issuer, *"other");
}

#[test]
fn more_hosts_than_a_certificate_takes_lie_in_several_secrets() {
    let most = |max_names: u16, text: &str| with(text, &[("corp", AskedIssuer::Known { max_names })]);
    let mut world = World::new();
    world.max_names = 5;
    world.desire(most(5, "x: a b c d e; y: a b c d e f g h i j k; z: g"));
    let of = |world: &World, text: &str| (world.secret(text), world.serves(text).is_some());
    assert_eq!(of(&world, "x e"), ("x".into(), true));
    assert_eq!(of(&world, "y e"), ("y".into(), true));
    assert_eq!(of(&world, "y f"), ("y-overspill-2".into(), true));
    assert_eq!(of(&world, "y k"), ("y-overspill-3".into(), true));
    world.done();
    world.desire(most(5, "x: a b c d e h; y: a b c d e f g h i j k; z: g"));
    assert_eq!(world.done(), ["order x-overspill-2 h", "store x-overspill-2", "push x-overspill-2"]);
    world.pass(days(61));
    let orders = world.done().iter().filter(|line| line.starts_with("order")).count();
    assert_eq!(orders, 6, "each renewed once");
    assert_eq!((of(&world, "x h"), of(&world, "y a")), (("x-overspill-2".into(), true), ("y".into(), true)));
    assert_eq!(world.machine.iter().filter_map(|(_, one)| one.problem()).count(), 0);
    // the issuer takes fewer: some go on elsewhere before the rest is renewed without them
    world.max_names = 3;
    world.desire(most(3, "x: a b c d e h; z: g"));
    let done = world.done();
    assert_eq!(done, ["order x-overspill-2 d+e+h", "store x-overspill-2", "push x-overspill-2"]);
    world.pass(days(61));
    let done = world.done();
    assert!(done.contains(&"order x a+b+c".to_owned()), "{done:?}");
    assert!(!done.iter().any(|line| line.starts_with("revoke x")), "{done:?}");
    // and more: nothing is moved
    world.max_names = 100;
    world.desire(most(100, "x: a b c d e h; z: g"));
    world.pass(Duration::from_secs(7_200));
    assert_eq!(world.done(), [] as [&str; 0]);
}

/// The host that left a moment ago keeps its place: who is new lies elsewhere meanwhile.
#[test]
fn a_host_does_not_take_the_place_of_another_in_a_full_certificate() {
    let two = |text: &str| with(text, &[("corp", AskedIssuer::Known { max_names: 2 })]);
    let mut world = World::new();
    world.max_names = 2;
    world.desire(two("x: a b"));
    world.desire(two("x: b c"));
    world.desire(two("x: a b c"));
    assert_eq!((world.serves("x a"), world.serves("x b"), world.serves("x c")), (Some(1), Some(1), Some(2)));
    world.desire(two("x: b c"));
    world.pass(Duration::from_secs(3_600));
    world.desire(two("x: b c d e"));
    assert_eq!((world.secret("x d"), world.secret("x e")), ("x".into(), "x-overspill-2".into()));
}

#[test]
fn an_issuer_that_vanishes_or_is_contradicted_takes_nothing_away() {
    let known = AskedIssuer::Known { max_names: 100 };
    for issuers in [&[("gone", AskedIssuer::Missing)][..], &[("corp", known), ("other", known)]] {
        let mut world = World::new();
        world.want("x: a");
        world.done();
        let asked = with("x: a b; y: c", issuers);
        world.machine.handle_desired(world.now, world.wall(), &asked);
        world.pass(days(40));
        assert_eq!(world.done(), [] as [&str; 0], "nobody joins, nothing is deleted");
        assert_eq!((world.serves("x a"), world.state("y")), (Some(1), Some(Failed)));
        world.pass(days(40));
        assert_eq!(world.done(), ["order x a", "store x", "push x"], "by who signed it");
        assert_eq!(world.secrets[&credential("x")].issuer, *"corp");
        world.want("x: a b; y: c");
        assert_eq!((world.serves("x b"), world.serves("y c")), (Some(4), Some(3)), "and back");
    }
}

#[test]
fn a_restart_writes_nothing() {
    let mut world = World::new();
    world.want("x: a b; y: c");
    world.done();
    world.restart();
    assert_eq!(world.machine.poll_timeout(), None, "nothing before it is known what is wanted");
    world.machine.handle_timeout(world.now, world.wall());
    world.want("x: a b; y: c");
    assert_eq!(world.done(), ["push x", "push y"], "which gateways answer that have it");
    assert_eq!((world.serves("x a"), world.state("x")), (Some(1), Some(Served)));
    assert_eq!(world.events(), [], "and no state has changed");
    world.restart();
    world.want("x: 0 a b; y: c");
    assert_eq!(world.done(), ["push x", "push y", "order x 0+a+b", "store x", "push x"]);
}

/// The secret was written, the gateways were not told: nobody takes the new host for served.
#[test]
fn a_restart_between_store_and_push() {
    let (mut world, x) = (World::new(), credential("x"));
    world.want("x: a");
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
    let (_, asked) = order(&mut world);
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued.clone()));
    world.secrets.insert(x.clone(), issued);
    world.restart();
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
    assert_eq!((world.serves("x b"), world.state("x")), (None, Some(Served)));
    let push = Transmit::Push { credential: x.clone(), serial: "2".into() };
    assert_eq!(world.machine.poll_transmit(), Some(push));
    world.machine.handle_pushed(world.now, world.wall(), &x, "2");
    assert_eq!((world.serves("x b"), world.machine.poll_transmit()), (Some(2), None), "and no order");
}

/// Between an order and its result: the result is of nobody's order.
#[test]
fn a_restart_during_an_order() {
    let (mut world, x) = (World::new(), credential("x"));
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let (_, asked) = order(&mut world);
    world.restart();
    let late = world.sign("corp", asked);
    world.machine.handle_order_result(world.now, world.wall(), &x, late.clone());
    world.want("x: a");
    world.machine.handle_order_result(world.now, world.wall(), &x, late);
    assert_eq!(
        (world.done(), world.serves("x a")),
        (vec!["order x a".to_owned(), "store x".to_owned(), "push x".to_owned()], Some(2))
    );
}

#[test]
fn the_wall_jumps_past_the_end_during_an_order() {
    let (mut world, x) = (World::new(), credential("x"));
    world.want("x: a");
    world.now = world.now + days(60);
    world.machine.handle_timeout(world.now, world.wall());
    let (_, asked) = order(&mut world);
    world.wall += i64::try_from(100 * DAY).unwrap();
    world.now = world.now + Duration::from_secs(3_600);
    world.machine.handle_timeout(world.now, world.wall());
    assert_eq!((world.state("x"), world.serves("x a")), (Some(Expired), None));
    assert_eq!(world.machine.poll_transmit(), None, "it is ordered already");
    let issued = world.sign("corp", asked);
    world.machine.handle_order_result(world.now, world.wall(), &x, issued);
    world.settle();
    assert_eq!((world.state("x"), world.serves("x a")), (Some(Served), Some(2)));
}

#[test]
fn a_result_for_a_credential_that_is_gone_is_revoked_and_not_stored() {
    let (mut world, x) = (World::new(), credential("x"));
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let (_, asked) = order(&mut world);
    world.machine.handle_desired(world.now, world.wall(), &wanted(""));
    world.now = world.now + Duration::from_secs(1_799);
    world.machine.handle_timeout(world.now, world.wall());
    assert!(world.state("x").is_some(), "while an answer is due");
    world.now = world.now + Duration::from_secs(3_600);
    world.machine.handle_timeout(world.now, world.wall());
    assert_eq!((world.machine.poll_transmit(), world.state("x")), (None, None));
    let issued = world.sign("corp", asked);
    world.machine.handle_order_result(world.now, world.wall(), &x, issued.clone());
    world.settle();
    assert_eq!((world.done(), world.state("x")), (vec!["revoke x 1".to_owned()], None));
    world.machine.handle_order_result(world.now, world.wall(), &x, issued);
    assert!(matches!(world.machine.poll_transmit(), Some(Transmit::Revoke { .. })), "as whatever comes late");
    assert_eq!((world.machine.poll_transmit(), world.machine.poll_timeout()), (None, None));
}

#[test]
fn a_result_that_is_not_what_was_ordered_is_refused() {
    let (mut world, x) = (World::new(), credential("x"));
    world.want("x: a");
    world.done();
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
    let mut right = world.sign("corp", hosts("a b")).unwrap();
    let mut wrong = vec![world.sign("corp", hosts("a")), world.sign("other", hosts("a b"))];
    right.not_after = right.not_before;
    wrong.push(Ok(right));
    for result in wrong {
        let (_, asked) = order(&mut world);
        assert_eq!(asked, hosts("a b"));
        world.machine.handle_order_result(world.now, world.wall(), &x, result);
        assert_eq!((world.machine.poll_transmit(), world.serves("x a")), (None, Some(1)));
        let failure = world.machine.certificate(&x).unwrap().failure();
        assert!(matches!(failure, Some(OrderFailure::Authority { .. })), "{failure:?}");
        world.now = world.now + days(1);
        world.machine.handle_timeout(world.now, world.wall());
    }
    // one that names more is taken
    let (_, asked) = order(&mut world);
    let more = world.sign("corp", hosts("a b www"));
    world.machine.handle_order_result(world.now, world.wall(), &x, more);
    world.settle();
    assert_eq!((asked, world.serves("x b")), (hosts("a b"), Some(5)));
}

/// A gateway never says what it serves while certificates come and go: what it may still serve is revoked late.
#[test]
fn what_was_replaced_before_it_was_served_is_revoked_when_its_successor_is() {
    let (mut world, x) = (World::new(), credential("x"));
    world.want("x: a");
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
    for text in ["x: a b", "x: a c"] {
        world.machine.handle_desired(world.now, world.wall(), &wanted(text));
        world.now = world.now + Duration::from_secs(7_200);
        world.machine.handle_timeout(world.now, world.wall());
        let mut asked = None;
        while let Some(transmit) = world.machine.poll_transmit() {
            if let Transmit::Order { hosts, .. } = transmit {
                asked = Some(hosts);
            }
        }
        let issued = world.sign("corp", asked.unwrap()).unwrap();
        world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued.clone()));
        world.machine.handle_stored(world.now, world.wall(), &x, &issued.serial);
    }
    let early: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    assert!(!early.iter().any(|one| matches!(one, Transmit::Revoke { .. })), "{early:?}");
    world.machine.handle_pushed(world.now, world.wall(), &x, "3");
    world.settle();
    assert_eq!(world.done().last().unwrap(), "revoke x 2");
}

/// Two issuers do not wait for each other; and whoever asks may be gone, so that nobody answers ever.
#[test]
fn an_issuer_that_never_answers_holds_up_no_other_and_not_for_ever() {
    let mut world = World::new();
    let slow: Vec<String> = (0..20).map(|number| format!("s{number:02}@slow: s{number:02}")).collect();
    world.machine.handle_desired(world.now, world.wall(), &wanted(&format!("{}; x: a", slow.join(";"))));
    let asked: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    assert_eq!(asked.len(), 17);
    let of_corp = |one: &&Transmit| matches!(one, Transmit::Order { issuer, .. } if *issuer == *"corp");
    assert_eq!(asked.iter().filter(of_corp).count(), 1);
    let half_an_hour = Duration::from_secs(1_800);
    assert_eq!(world.machine.poll_timeout(), Some(Time::ZERO + half_an_hour));
    let _ = world.events();
    world.now = world.now + half_an_hour;
    world.machine.handle_timeout(world.now, world.wall());
    let failed = world.events().into_iter().filter(|event| match event {
        Event::OrderFailed { failure, .. } => {
            let words =
                "the authority gives no certificate now: no answer within 30 minutes; it is asked again";
            assert_eq!(failure.to_string(), words);
            true
        }
        _ => false,
    });
    assert_eq!(failed.count(), 17);
    let next: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    let of = |one: &Transmit| match one {
        Transmit::Order { credential, .. } => credential.name().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        next.iter().map(of).collect::<Vec<_>>(),
        ["s16", "s17", "s18", "s19"],
        "their places are free"
    );
    assert_eq!((world.state("s00"), world.state("s16")), (Some(Failed), Some(Ordering)));
    // and those are asked again when they have waited
    world.machine.transmits.extend(next);
    world.pass(Duration::from_secs(140));
    assert!((0..20).all(|number| world.serves(&format!("s{number:02} s{number:02}")).is_some()));
}

/// A proof that is never answered is no host's fault, and is asked for again.
#[test]
fn a_proof_that_is_never_answered_is_asked_for_again() {
    let mut world = World::new();
    world.failing = hosts("b");
    world.want("x: a b");
    let mut asked = Vec::new();
    for _ in 0..3 {
        while asked.is_empty() {
            world.now = world.machine.poll_timeout().unwrap();
            world.machine.handle_timeout(world.now, world.wall());
            asked = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
        }
        assert!(matches!(asked[..], [Transmit::Prove { .. }]), "{asked:?}");
        asked.clear();
    }
    let certificate = world.machine.certificate(&credential("x")).unwrap();
    let failing: Vec<&str> = certificate.failing().map(|(_, reason)| reason).collect();
    assert_eq!(failing, ["no such record"], "as it was said");
    assert!(world.now >= Time::ZERO + Duration::from_secs(3_600), "{}", world.now);
}

/// What is signed after nobody waited any more: taken if it is what is wanted now; what names a host that nobody
/// wants is revoked; a failure says nothing.
#[test]
fn a_result_that_comes_late() {
    let x = credential("x");
    let late = |text: &str| {
        let mut world = World::new();
        world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
        let (_, asked) = order(&mut world);
        world.now = world.now + Duration::from_secs(1_800);
        world.machine.handle_timeout(world.now, world.wall());
        assert_eq!((world.machine.poll_transmit(), world.state("x")), (None, Some(Failed)));
        world.machine.handle_desired(world.now, world.wall(), &wanted(text));
        (world, asked)
    };
    let (mut world, asked) = late("x: a b");
    let failed = OrderFailure::Hosts { failed: [(host("a"), "no such record".to_owned())].into() };
    world.machine.handle_order_result(world.now, world.wall(), &x, Err(failed));
    assert_eq!(world.failing_of("x"), hosts(""));
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued.clone()));
    world.settle();
    assert_eq!(
        (world.done(), world.serves("x b")),
        (vec!["store x".to_owned(), "push x".to_owned()], Some(1))
    );
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued));
    assert_eq!(world.machine.poll_transmit(), None, "told twice");
    let another = world.sign("corp", hosts("a b")).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(another));
    assert_eq!(
        world.machine.poll_transmit(),
        None,
        "there is one: that ends by itself, and nobody has its key"
    );
    // a host is missing in it: another is asked for in its time
    let (mut world, asked) = late("x: a b c");
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued));
    assert_eq!(world.machine.poll_transmit(), None);
    world.pass(Duration::from_secs(140));
    assert_eq!(world.done(), ["order x a+b+c", "store x", "push x"]);
    // a host of it is wanted no more
    let (mut world, asked) = late("x: a");
    world.machine.handle_desired(world.now, world.wall(), &wanted(""));
    world.now = world.now + Duration::from_secs(3_600);
    world.machine.handle_timeout(world.now, world.wall());
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let _ = order(&mut world);
    let issued = world.sign("other", asked).unwrap();
    world.machine.handle_order_result(world.now, world.wall(), &x, Ok(issued));
    let revoke =
        Transmit::Revoke { credential: x.clone(), issuer: "other".parse().unwrap(), serial: "1".into() };
    assert_eq!(world.machine.poll_transmit(), Some(revoke), "nor is it what was asked of whom");
}
