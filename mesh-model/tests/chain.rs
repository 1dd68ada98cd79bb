//! The whole chain by pure values, over the fleet of `examples/checkout`: placement, rendering, rollout, federation,
//! certificates, service controller, addresses, load balancing, names, withdrawal, status. A target is lost and comes back, a
//! revision is made meanwhile, a workload leaves; invariants are asserted at every step. API servers, the name
//! provider and load balancers are `BTreeMap`s here.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

#[path = "chain/world.rs"]
mod world;

use std::time::Duration;

use mesh_model::names::DrainState;
use mesh_model::rollout::ApprovalRefusal;
use world::World;

const TARGETS: [&str; 5] = ["phx-a-1", "phx-c-2", "rno-b-1", "slc-a-1", "slc-b-2"];

/// Lets the rollout's clock run until nothing more is written, and lets a second person approve where it waits.
fn settle(world: &mut World) {
    for _ in 0..12 {
        world.approve();
        world.pass();
        world.pass(); // who was given something by what the first found out gets it before time passes
        world.advance(Duration::from_secs(11 * 60));
    }
    assert_quiet(world);
}

/// A second pass writes nothing anywhere.
fn assert_quiet(world: &mut World) {
    world.writes.clear();
    world.pass();
    assert_eq!(world.writes, Vec::<String>::new());
}

#[test]
fn every_target_serves_and_a_second_pass_writes_nothing() {
    let mut world = World::new();
    world.pass();
    assert_eq!(world.targets_with_objects(), ["slc-a-1"], "the canary alone");
    assert_eq!(world.answers().len(), 1, "and it is in the name only once its pods take new flows");
    settle(&mut world);
    assert_eq!(world.targets_with_objects(), TARGETS);
    assert_eq!(world.answers().len(), 5);
    for target in TARGETS {
        let lines = world.load_balancing(target);
        assert_eq!(lines.len(), 2, "{target}: {lines:?}");
        assert!(
            lines[0].ends_with(":80 10.0.0.1 10.0.0.2") && lines[1].ends_with(":443 10.0.0.1 10.0.0.2"),
            "{lines:?}"
        );
    }
    assert_eq!(world.ready(), "True AllTargets");
}

#[test]
fn a_target_that_is_lost_keeps_everything_and_comes_back_without_a_write() {
    let mut world = World::new();
    settle(&mut world);
    let before = world.kept();
    world.unreachable.insert("phx-a-1".parse().unwrap());
    for _ in 0..20 {
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    assert!(world.kept() == before, "objects, addresses, load balancing and names");
    let outside: Vec<&String> = world.writes.iter().filter(|write| !write.starts_with("status")).collect();
    assert_eq!(outside, Vec::<&String>::new());
    assert_eq!(world.ready(), "Unknown NoNews", "what was not heard of reads so");
    world.unreachable.clear();
    world.pass();
    assert!(world.kept() == before, "{:?}", world.writes);
    assert_eq!(world.ready(), "True AllTargets");
    assert_quiet(&mut world);
}

#[test]
fn a_new_host_that_fails_holds_nobody_and_is_used_once_its_certificate_is_served() {
    let mut world = World::new();
    settle(&mut world);
    assert_eq!(world.covered(), ["payments/checkout checkout.example.com"]);
    world.refused = ["pay.example.com".parse().unwrap()].into();
    world.edit("hosts: [checkout.example.com]", "hosts: [checkout.example.com, pay.example.com]");
    for _ in 0..5 {
        world.approve();
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    // the revision is used without the host that failed, and says so
    for target in TARGETS {
        assert_eq!(world.ended(target), ["checkout.example.com"], "{target}");
    }
    assert!(world.writes.iter().any(|write| write == "update Gateway on slc-a-1"), "{:?}", world.writes);
    assert_eq!(world.ready(), "False TargetsNotReady");
    world.refused.clear();
    world.writes.clear();
    world.advance(Duration::from_secs(6 * 3_600));
    for _ in 0..5 {
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    let place = |what: &str| world.writes.iter().position(|write| write == what);
    let (secret, gateway) = (place("secret payments/checkout"), place("update Gateway on slc-a-1"));
    assert!(secret.is_some() && secret < gateway, "{:?}", world.writes);
    settle(&mut world);
    assert_eq!(
        world.covered(),
        ["payments/checkout checkout.example.com", "payments/checkout pay.example.com"]
    );
    for target in TARGETS {
        assert_eq!(world.ended(target), ["checkout.example.com", "pay.example.com"], "{target}");
    }
    assert_eq!(world.ready(), "True AllTargets");
}

#[test]
fn a_revision_waits_for_a_canary_that_is_lost_and_gives_nobody_anything_before() {
    let mut world = World::new();
    settle(&mut world);
    let before = world.kept();
    world.unreachable.insert("slc-a-1".parse().unwrap());
    world.edit("timeout: 5s", "timeout: 4s");
    world.writes.clear();
    for _ in 0..5 {
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    assert!(world.kept() == before, "{:?}", world.writes);
    world.unreachable.clear();
    world.writes.clear();
    world.pass();
    let served: Vec<&String> = world.writes.iter().filter(|write| write.starts_with("update")).collect();
    assert_eq!(served, ["update VirtualService on slc-a-1"], "the canary, and nobody else");
    settle(&mut world);
    for target in TARGETS {
        assert_eq!(world.timeout(target), "4s", "{target}");
    }
    assert_eq!(world.answers().len(), 5);
}

#[test]
fn a_canary_at_which_a_gate_says_no_returns_and_nobody_else_is_given_it() {
    let mut world = World::new();
    settle(&mut world);
    world.edit("timeout: 5s", "timeout: 4s");
    world.pass();
    assert_eq!(world.timeout("slc-a-1"), "4s");
    world.failing.insert("slc-a-1".parse().unwrap());
    for _ in 0..3 {
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    for target in TARGETS {
        assert_eq!(world.timeout(target), "5s", "{target}");
    }
    assert_eq!(world.ready(), "False TargetsNotReady", "and who reads the status sees where");
    world.failing.clear();
    settle(&mut world);
    assert_eq!((world.timeout("slc-a-1").as_str(), world.ready().as_str()), ("5s", "True AllTargets"));
}

#[test]
fn a_workload_that_leaves_is_left_name_first_and_address_last() {
    let mut world = World::new();
    settle(&mut world);
    let address = world.address("rno-b-1");
    assert!(world.answers().contains(&address));
    world.workload_leaves("rno-b-1");
    world.writes.clear();
    let mut seen = Vec::new();
    for _ in 0..60 {
        world.pass();
        let state = world.drain_of("rno-b-1");
        if seen.last() != Some(&state) {
            seen.push(state);
        }
        let is_led_to = world.answers().contains(&address);
        let has_objects = world.targets_with_objects().contains(&"rno-b-1".to_owned());
        let serves = !world.load_balancing("rno-b-1").is_empty();
        assert!(!is_led_to || (serves && has_objects), "a name leads to who serves: {state:?}");
        assert!(!serves || has_objects, "who is announced has its gateway: {state:?}");
        world.advance(Duration::from_secs(1));
    }
    assert_eq!(seen, [Some(DrainState::Waiting), Some(DrainState::Gone), None]);
    let order: Vec<&str> = world.writes.iter().map(|write| write.split(' ').next().unwrap()).collect();
    let first = |what: &str| {
        order.iter().position(|one| *one == what).unwrap_or_else(|| panic!("no {what}: {order:?}"))
    };
    assert!(
        first("name") < first("withdraw")
            && first("withdraw") < first("balance")
            && first("balance") < first("delete"),
        "{order:?}"
    );
    let withdrawn = world.withdrawn_after.unwrap();
    assert!(withdrawn >= Duration::from_secs(30), "the name's time to live was waited for: {withdrawn:?}");
    let deleted: Vec<&str> = world.writes.iter().filter_map(|write| write.strip_prefix("delete ")).collect();
    assert_eq!(
        (deleted.first().copied(), deleted.last().copied()),
        (Some("VirtualService on rno-b-1"), Some("AuthorizationPolicy on rno-b-1")),
        "what protects goes last"
    );
    assert_eq!(world.answers().len(), 4);
    assert_eq!(world.targets_with_objects(), ["phx-a-1", "phx-c-2", "slc-a-1", "slc-b-2"]);
    settle(&mut world);
}

#[test]
fn steering_comes_and_goes_without_a_stage_and_no_route_leads_nowhere() {
    let mut world = World::new();
    settle(&mut world);
    let steering =
        "  traffic: { local: 99%, remote: 1%, failover: true, regions: [us-west, us-south, us-north] }\n";
    for (from, to) in [(steering, ""), ("  rollout:\n", &format!("{steering}  rollout:\n"))] {
        world.edit(from, to);
        world.writes.clear();
        world.pass(); // which asserts at every write that routes lead to subsets that are there
        let touched = world.writes.iter().filter(|write| write.starts_with("update VirtualService")).count();
        assert_eq!(touched, 5, "all at once: {:?}", world.writes);
        world.pass(); // what was held back goes now
        assert_quiet(&mut world);
    }
}

#[test]
fn steering_does_not_wait_for_templates_that_do() {
    let mut world = World::new();
    settle(&mut world);
    world.edit("timeout: 5s", "timeout: 4s");
    world.pass(); // the canary is given it, and soaks
    let timeouts = |world: &World| TARGETS.map(|target| world.timeout(target));
    assert_eq!(timeouts(&world), ["5s", "5s", "5s", "4s", "5s"]);
    world.edit("local: 99%, remote: 1%", "local: 60%, remote: 40%");
    world.writes.clear();
    world.pass();
    let touched = world.writes.iter().filter(|write| write.starts_with("update VirtualService")).count();
    assert_eq!(touched, 5, "all at once: {:?}", world.writes);
    assert_eq!(timeouts(&world), ["5s", "5s", "5s", "4s", "5s"], "and nobody is given what is not verified");
}

#[test]
fn a_drained_zone_is_left_by_one_edit_and_comes_back_as_it_was() {
    let mut world = World::new();
    settle(&mut world);
    let (before, address) = (world.kept(), world.address("slc-a-1"));
    world.drain("slc-a", true);
    world.writes.clear();
    world.pass();
    assert!(!world.answers().contains(&address), "the name goes at once, without a stage");
    assert_eq!(world.selector("slc-a-1")["overspill.dev/drained"], "true", "and no proxy has its pods");
    assert_eq!(world.selector("slc-b-2").get("overspill.dev/drained"), None);
    assert!(!world.load_balancing("slc-a-1").is_empty(), "whoever remembers the name is still answered");
    for _ in 0..60 {
        world.advance(Duration::from_secs(1));
        world.pass();
    }
    assert!(world.load_balancing("slc-a-1").is_empty(), "then the address is no longer announced");
    assert!(world.withdrawn_after.unwrap() >= Duration::from_secs(30));
    assert!(world.targets_with_objects().contains(&"slc-a-1".to_owned()), "what it is to serve stays there");
    assert_eq!(
        (world.answers().len(), world.address("slc-a-1")),
        (4, address),
        "and nobody else has its address"
    );
    assert_quiet(&mut world);
    world.drain("slc-a", false);
    settle(&mut world);
    assert_eq!(world.kept(), before, "not a byte is another");
}

#[test]
fn an_approval_is_of_what_the_edit_alters_on_the_targets_that_there_are() {
    let mut world = World::new();
    settle(&mut world);
    world.edit("timeout: 2s", "timeout: 3s");
    world.pass();
    let seen = world.shown().unwrap();
    for _ in 0..3 {
        world.advance(Duration::from_secs(11 * 60));
        world.pass();
    }
    world.workload_leaves("rno-b-1");
    for _ in 0..40 {
        world.pass();
        world.advance(Duration::from_secs(60));
    }
    let shown = world.shown().unwrap();
    assert_ne!(shown, seen, "one target fewer");
    assert_eq!(world.approve_of(seen), Err(ApprovalRefusal::OtherHash { given: seen, wanted: shown }));
    assert_eq!(world.approve_of(shown), Ok(()));
}
