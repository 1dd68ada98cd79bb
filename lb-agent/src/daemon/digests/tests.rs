//! Tests of the names of tables: they are the node's own, and only what changed is computed again.

use lb_core::Time;
use lb_core::health::Outcome;
use lb_core::node::{Action, Drain, NodeConfig, Snapshot};

use super::*;

const NODE: &str = "
ownedPrefixes: [203.0.113.0/24]
services:
  - { vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh },
      backends: [{ address: 10.1.0.5 }, { address: 10.1.0.6 }] }
  - { vip: 203.0.113.11, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh },
      backends: [{ address: 10.1.0.7 }, { address: 10.1.0.8 }] }
";

/// Lets the node do all that it wants, on a kernel that does as told and with backends that are well.
fn settle(node: &mut Node, now: &mut Time, kernel: &mut Snapshot) {
    for _ in 0..10_000 {
        match node.poll_action() {
            Some(Action::Read) => node.handle_snapshot(*now, kernel.clone()),
            Some(Action::StartProbe(order)) => {
                node.handle_probe_result(*now, order.key, order.probe.id, Outcome::Success);
            }
            Some(Action::Write(writes)) => {
                writes.iter().for_each(|write| kernel.apply(write));
                node.handle_written(*now, writes.len());
            }
            Some(_) => {}
            None if node.is_settled() => return,
            None => {
                *now = node.poll_timeout().expect("a check is due");
                node.handle_timeout(*now);
            }
        }
    }
    panic!("the node does not come to rest");
}

#[test]
fn a_table_is_filled_only_when_its_service_changed() {
    let file: lb_core::config::LbFile = files::Source::new("test", NODE).parse().unwrap();
    let (mut now, mut kernel) = (Time::ZERO, Snapshot::default());
    let mut node = Node::new(now, NodeConfig::try_from(file).unwrap(), 7);
    let mut digests = Digests::default();
    assert_eq!(digests.refresh(&node), 0, "nothing is wanted of a kernel that was not read");
    settle(&mut node, &mut now, &mut kernel);
    assert_eq!(digests.refresh(&node), 2);
    assert_eq!(digests.refresh(&node), 0);

    let services: Vec<_> = node.wanted().map(|wanted| wanted.config.address).collect();
    let names = |digests: &Digests| services.iter().map(|at| digests.get(*at).map(str::to_owned)).collect();
    let before: Vec<Option<String>> = names(&digests);
    node.handle_drain(now, Drain::Backend { address: [10, 1, 0, 5].into(), service: None }, true);
    settle(&mut node, &mut now, &mut kernel);
    assert_eq!(digests.refresh(&node), 1);
    let after: Vec<Option<String>> = names(&digests);
    assert_eq!((before[0] == after[0], before[1] == after[1]), (false, true), "{before:?} {after:?}");
    for (service, name) in services.iter().zip(&after) {
        assert_eq!(*name, node.table_digest(*service).map(|digest| digest.to_string()));
        assert!(name.is_some());
    }
}
