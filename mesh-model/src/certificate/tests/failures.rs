//! Hosts that fail: nobody else is held up, nobody loses the cover that it has before the end is near.

use super::*;

#[test]
fn the_others_go_on_without_a_host_that_fails_and_it_joins_when_it_is_proved() {
    let mut world = World::new();
    world.failing = hosts("c");
    world.want("x: a b c d; y: e");
    assert_eq!(
        world.done(),
        ["order x a+b+c+d", "order y e", "order x a+b+d", "store y", "store x", "push y", "push x"]
    );
    assert_eq!((world.serves("x a"), world.serves("x d"), world.serves("x c")), (Some(2), Some(2), None));
    assert_eq!((world.state("x"), world.failing_of("x")), (Some(Served), hosts("c")));
    // it is tried again, ever more rarely, alone
    let mut gaps = Vec::new();
    for _ in 0..12 {
        let before = world.now;
        let done = loop {
            let next = world.machine.poll_timeout().unwrap();
            world.pass(next - world.now);
            let done = world.done();
            if !done.is_empty() {
                break done;
            }
        };
        assert_eq!(done, ["prove x c"]);
        gaps.push((world.now - before).as_secs());
    }
    assert!((120..=132).contains(&gaps[0]) && (240..=264).contains(&gaps[1]), "{gaps:?}");
    assert!(gaps[..5].iter().sum::<u64>() >= 3_600, "five failures an hour: {gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= 6 * 3_600 + 2_160) && gaps[11] >= 6 * 3_600, "{gaps:?}");
    world.failing.clear();
    world.pass(days(1));
    assert_eq!(world.done(), ["prove x c", "order x a+b+c+d", "store x", "push x"]);
    assert_eq!(
        (world.serves("x a"), world.serves("x c"), world.failing_of("x")),
        (Some(3), Some(3), hosts(""))
    );
}

#[test]
fn all_hosts_that_fail_in_one_order_are_let_alone_at_once() {
    let mut world = World::new();
    world.told = usize::MAX;
    world.failing = hosts("b c e");
    world.want("x: a b c d e");
    assert_eq!(world.done(), ["order x a+b+c+d+e", "order x a+d", "store x", "push x"], "not one for each");
    world.failing = hosts("c");
    world.pass(Duration::from_secs(600));
    assert_eq!((world.serves("x b"), world.serves("x c"), world.serves("x e")), (Some(3), None, Some(3)));
    // all of them: each waits by itself
    let mut world = World::new();
    world.told = usize::MAX;
    world.failing = hosts("a b c");
    world.want("x: a b c");
    assert_eq!((world.state("x"), world.done()), (Some(Failed), vec!["order x a+b+c".to_owned()]));
    let failure = world.machine.certificate(&credential("x")).unwrap().failure().unwrap().to_string();
    assert!(
        failure.starts_with("a.example.com could not be proved to be ours: no such record; b.")
            && failure.ends_with("; check where the names lead, they are tried again"),
        "{failure}"
    );
    world.failing = hosts("a");
    world.pass(Duration::from_secs(140));
    assert_eq!((world.serves("x a"), world.serves("x b"), world.serves("x c")), (None, Some(2), Some(2)));
}

/// A proof alone succeeds and the order with it does not: it is not asked for ever more quickly.
#[test]
fn a_host_that_fails_with_others_only_backs_off() {
    let mut world = World::new();
    world.want("x: a");
    world.done();
    let (x, mut orders) = (credential("x"), 0);
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a b"));
    for _ in 0..1_000 {
        while let Some(transmit) = world.machine.poll_transmit() {
            match transmit {
                Transmit::Order { .. } => {
                    orders += 1;
                    let failed = [(host("b"), "not with others".to_owned())].into();
                    let failure = Err(OrderFailure::Hosts { failed });
                    world.machine.handle_order_result(world.now, world.wall(), &x, failure);
                }
                Transmit::Prove { host, .. } => {
                    world.machine.handle_proof(world.now, world.wall(), &x, &host, Ok(()));
                }
                other => panic!("{other:?}"),
            }
        }
        let next = world.machine.poll_timeout().unwrap();
        if next > Time::ZERO + days(1) {
            break;
        }
        world.now = next;
        world.machine.handle_timeout(world.now, world.wall());
    }
    assert!((8..=12).contains(&orders), "{orders}");
}

#[test]
fn a_host_that_fails_at_renewal_keeps_its_cover_and_the_others_are_renewed_near_the_end() {
    let mut world = World::new();
    world.want("x: a b c");
    world.done();
    world.events();
    let begin = world.secrets[&credential("x")].not_before;
    world.failing = hosts("b");
    world.pass(days(80));
    let done = world.done();
    assert_eq!(done[0], "order x a+b+c", "{done:?}");
    assert!(done[1..].iter().all(|line| line == "prove x b"), "no order would cover all: {done:?}");
    assert!((60..=100).contains(&done.len()), "ever more rarely: {}", done.len());
    assert_eq!(
        (world.serves("x a"), world.serves("x b"), world.state("x")),
        (Some(1), Some(1), Some(Served))
    );
    let told = world.events().into_iter().find_map(|event| match event {
        Event::HeldBack { hosts, until, .. } => Some((hosts, until)),
        _ => None,
    });
    let until = begin + days(81);
    assert_eq!(told, Some((hosts("b"), until)));
    let certificate = world.machine.certificate(&credential("x")).unwrap();
    assert_eq!(certificate.held_back_until(world.wall()), Some(until));
    // the last tenth of its life: the others go on in another secret, and nobody loses anything
    world.pass(days(2));
    let orders: Vec<String> = world.done().into_iter().filter(|line| !line.starts_with("prove")).collect();
    assert_eq!(orders, ["order x-overspill-2 a+c", "store x-overspill-2", "push x-overspill-2"]);
    assert_eq!((world.serves("x a"), world.serves("x b"), world.serves("x c")), (Some(2), Some(1), Some(2)));
    assert_eq!((world.secret("x a"), world.secret("x b")), ("x-overspill-2".into(), "x".into()));
    world.pass(days(6));
    assert_eq!((world.serves("x b"), world.state("x")), (Some(1), Some(Served)), "until its end");
    world.pass(days(3));
    assert_eq!((world.serves("x a"), world.serves("x b"), world.state("x")), (Some(2), None, Some(Expired)));
    world.failing.clear();
    world.pass(days(1));
    let done = world.done();
    assert_eq!(done[done.len() - 4..], ["prove x b", "order x b", "store x", "push x"], "{done:?}");
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(2), Some(3)));
    assert!(!done.iter().any(|line| line.starts_with("revoke")), "all hosts are wanted");
}

#[test]
fn a_host_that_is_proved_in_time_is_renewed_with_the_others() {
    let mut world = World::new();
    world.want("x: a b");
    world.done();
    world.failing = hosts("b");
    world.pass(days(70));
    world.failing.clear();
    world.pass(days(1));
    let done = world.done();
    assert_eq!(done[done.len() - 4..], ["prove x b", "order x a+b", "store x", "push x"], "{done:?}");
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(2), Some(2)));
}

/// One secret holds one certificate: who is served there stays, and who is new lies in another.
#[test]
fn a_new_host_does_not_wait_for_one_that_is_covered_and_fails() {
    let mut world = World::new();
    world.want("x: a b");
    world.done();
    world.failing = hosts("b");
    world.want("x: a b d");
    let first = ["order x a+b+d", "order x-overspill-2 d", "store x-overspill-2", "push x-overspill-2"];
    assert_eq!(world.done(), first, "at once");
    assert_eq!((world.serves("x a"), world.serves("x b"), world.serves("x d")), (Some(1), Some(1), Some(2)));
    world.want("x: a b d e");
    assert_eq!(world.done()[0], "order x-overspill-2 d+e", "b is known to fail");
    // nor does it wait for one that fails there, too, whether covered or not
    world.failing = hosts("b d f");
    world.want("x: a b d e f g");
    let done = world.done();
    assert_eq!(done.last().unwrap(), "push x-overspill-3", "{done:?}");
    assert!(world.serves("x g").is_some() && world.serves("x d") == Some(3) && world.serves("x f").is_none());
    // all are well again: each stays where it is, who is new lies in the first
    world.failing.clear();
    world.pass(days(1));
    assert!(world.serves("x f").is_some());
    let before = ["x a", "x b", "x d", "x g"].map(|text| world.secret(text));
    world.want("x: a b d e f g h");
    world.pass(days(61));
    assert_eq!(["x a", "x b", "x d", "x g"].map(|text| world.secret(text)), before, "nothing is moved");
    assert_eq!(world.secret("x h"), "x");
    // who alone lies in one takes it away with him
    world.done();
    world.want("x: a b d e h");
    world.pass(Duration::from_secs(3_601));
    let done = world.done();
    assert!(done.contains(&"delete x-overspill-3".to_owned()), "{done:?}");
}

/// Only what is stored says after a restart which secret a host lies in.
#[test]
fn secrets_of_one_credential_are_found_again() {
    let mut world = World::new();
    world.want("x: a b; y: z");
    world.failing = hosts("b");
    world.want("x: a b d; y: z");
    world.done();
    world.restart();
    world.want("x: a b d; y: z");
    assert_eq!(world.done(), ["push x", "push x-overspill-2", "push y"]);
    assert_eq!(
        (world.serves("x a"), world.serves("x d"), world.secret("x d")),
        (Some(1), Some(3), "x-overspill-2".into())
    );
    // Gateways that are there name it, and mean the same
    let mut named = wanted("x: a b; x-overspill-2: d; y: z");
    assert_eq!(named.len(), 3);
    world.machine.handle_desired(world.now, world.wall(), &named);
    assert_eq!((world.machine.poll_transmit(), world.serves("x d")), (None, Some(3)));
    // nobody asks for it: it goes as any other
    named.retain(|name, _| *name == credential("y"));
    world.restart();
    world.desire(named);
    world.pass(Duration::from_secs(3_600));
    assert_eq!(
        world.done(),
        [
            "push x",
            "push x-overspill-2",
            "push y",
            "revoke x 1",
            "delete x",
            "revoke x-overspill-2 3",
            "delete x-overspill-2"
        ]
    );
}

/// In the middle of a move both secrets cover who moves: Gateways are led to none that is not served.
#[test]
fn a_restart_while_hosts_go_on_in_another_secret() {
    let mut world = World::new();
    world.want("x: a b c");
    world.failing = hosts("b");
    world.pass(days(81) - Duration::from_secs(1));
    assert_eq!(world.secret("x a"), "x");
    world.now = world.now + Duration::from_secs(2);
    world.machine.handle_timeout(world.now, world.wall());
    let (now, wall, second) = (world.now, world.wall(), credential("x-overspill-2"));
    let Some(Transmit::Order { credential: of, hosts: asked, .. }) = world.machine.poll_transmit() else {
        panic!("they are ordered elsewhere")
    };
    assert_eq!((&of, &asked), (&second, &hosts("a c")));
    let issued = world.sign("corp", asked).unwrap();
    world.machine.handle_order_result(now, wall, &second, Ok(issued.clone()));
    world.machine.handle_stored(now, wall, &second, &issued.serial);
    assert_eq!((world.secret("x a"), world.serves("x a")), ("x".into(), Some(1)), "stored, not served");
    world.secrets.insert(second.clone(), issued);
    world.restart();
    world.machine.handle_desired(now, wall, &wanted("x: a b c"));
    assert_eq!(world.serves("x a"), None, "nobody has said yet what gateways have");
    world.machine.handle_pushed(now, wall, &credential("x"), "1");
    assert_eq!((world.secret("x a"), world.serves("x b")), ("x-overspill-2".into(), Some(1)));
    world.machine.handle_pushed(now, wall, &second, "2");
    assert_eq!((world.serves("x a"), world.serves("x c")), (Some(2), Some(2)));
    world.failing.clear();
    world.settle();
    world.pass(days(1));
    // that the third failed is forgotten, so it goes with them, and there is one secret again
    assert_eq!((world.serves("x b"), world.secret("x b")), (Some(3), "x-overspill-2".into()));
    assert_eq!(world.secrets.into_keys().collect::<Vec<_>>(), [second]);
}

#[test]
fn an_authority_that_is_down_is_no_hosts_fault() {
    let mut world = World::new();
    world.is_down = true;
    world.want("x: a b c");
    world.pass(days(1));
    assert_eq!((world.state("x"), world.failing_of("x")), (Some(Failed), hosts("")));
    let done = world.done();
    assert!(done.iter().all(|line| line == "order x a+b+c") && done.len() < 30, "hourly: {done:?}");
    world.is_down = false;
    world.pass(Duration::from_secs(4_000));
    assert_eq!((world.state("x"), world.serves("x b")), (Some(Served), Some(1)));
    // it may say how long it wants to be left alone
    let (mut world, x) = (World::new(), credential("x"));
    world.machine.handle_desired(world.now, world.wall(), &wanted("x: a"));
    let _ = world.machine.poll_transmit();
    let busy = OrderFailure::Authority { reason: "rate limited".into(), retry_after: Some(days(2)) };
    world.machine.handle_order_result(world.now, world.wall(), &x, Err(busy));
    world.pass(days(2) - Duration::from_secs(1));
    assert_eq!(world.done(), [] as [&str; 0]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.done(), ["order x a", "store x", "push x"]);
}

/// An authority that was down until shortly before the end of an hour's certificate is asked in time.
#[test]
fn what_lives_shortly_is_asked_for_more_often() {
    let mut world = World::new();
    world.lifetime = Duration::from_secs(3_600);
    world.want("x: a");
    world.pass(Duration::from_secs(2_000));
    world.is_down = true;
    world.pass(Duration::from_secs(1_400));
    world.is_down = false;
    world.pass(Duration::from_secs(199));
    assert_eq!(world.serves("x a"), Some(2), "at most three minutes and a tenth between");
}

/// An authority that is down while a failed host is proved does not change what is known of the host.
#[test]
fn a_proof_that_the_authority_did_not_make_says_nothing_of_the_host() {
    let mut world = World::new();
    world.failing = hosts("b");
    world.want("x: a b");
    world.is_down = true;
    world.pass(days(1));
    let certificate = world.machine.certificate(&credential("x")).unwrap();
    let failing: Vec<(String, &str)> =
        certificate.failing().map(|(host, reason)| (host.to_string(), reason)).collect();
    assert_eq!(failing, [("b.example.com".to_owned(), "no such record")]);
    assert_eq!(world.serves("x a"), Some(1));
}

/// Hosts that nobody can have proved are never ordered, and keep the cover that they have.
#[test]
fn a_host_that_is_provable_no_longer_keeps_its_cover() {
    let mut world = World::new();
    world.want("x: a b");
    world.done();
    let mut changed = wanted("x: a b c");
    changed.get_mut(&credential("x")).unwrap().unprovable = hosts("b");
    world.desire(changed);
    let of = |what: &str| format!("{what} x-overspill-2");
    assert_eq!(world.done(), [of("order") + " c", of("store"), of("push")]);
    world.pass(days(80));
    assert_eq!(world.serves("x b"), Some(1));
    assert_eq!(world.done()[0], "order x-overspill-2 c", "renewed");
    world.pass(days(2));
    assert_eq!(world.done(), [of("order") + " a+c", of("store"), of("push")]);
    assert_eq!((world.serves("x a"), world.serves("x b")), (Some(4), Some(1)));
}

/// A thousand hosts that fail leave room for orders, and each is tried.
#[test]
fn proofs_leave_room_for_orders() {
    let mut world = World::new();
    world.told = usize::MAX;
    let names: Vec<String> = (0..40).map(|number| format!("f{number}")).collect();
    world.failing = hosts(&names.join(" "));
    let text: Vec<String> = names.iter().map(|name| format!("{name}: {name}")).collect();
    let text = text.join(";");
    world.want(&text);
    world.done();
    world.now = world.now + Duration::from_secs(200);
    world.machine.handle_timeout(world.now, world.wall());
    world.machine.handle_desired(world.now, world.wall(), &wanted(&format!("{text}; x: a")));
    let asked: Vec<Transmit> = std::iter::from_fn(|| world.machine.poll_transmit()).collect();
    let proofs = asked.iter().filter(|one| matches!(one, Transmit::Prove { .. })).count();
    assert_eq!(proofs, 8, "{asked:?}");
    assert!(asked.iter().any(|one| matches!(one, Transmit::Order { .. })), "{asked:?}");
    world.machine.transmits.extend(asked);
    world.settle();
    let done = world.done();
    assert!(names.iter().all(|name| done.contains(&format!("prove {name} {name}"))), "{done:?}");
}

/// An authority that was away for a day is asked again within two hours of its return, for what there is and for
/// what is new; and no more often than hourly meanwhile.
#[test]
fn an_authority_that_is_away_for_a_day() {
    let mut world = World::new();
    world.lifetime = days(6);
    world.want("x: a");
    world.pass(days(3));
    world.is_down = true;
    world.want("x: a; y: b");
    world.pass(days(2));
    let asked = world.done().iter().filter(|line| line.starts_with("order y")).count();
    assert!((20..=55).contains(&asked), "{asked}");
    assert_eq!((world.serves("x a"), world.serves("y b")), (Some(1), None));
    world.is_down = false;
    world.pass(Duration::from_secs(2 * 3_600));
    assert_eq!(
        (world.serves("x a").is_some_and(|serial| serial > 1), world.serves("y b").is_some()),
        (true, true)
    );
}
