//! What holds whatever happens to a director, in whatever order.
//!
//! The courses are those that testers of other code get. What exactly becomes
//! of each packet is a naive model's matter, in the fuzz target `director_model`;
//! here is what needs no model, for configurations and packets of every kind.

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::assert_foreseen;
use crate::arbitrary::director::{Operation, operations};
use crate::arbitrary::{config, director::packets};
use crate::config::{BackendState, Config};
use crate::director::{BatchPacket, Choice, Director, Explanation, Step, Verdict};
use crate::encapsulation::Decapsulator;
use crate::identity::Endpoint;
use crate::packet;
use crate::table::TableCache;
use crate::{FlowKey, Time};

/// Longer than the longest packet and its tunnel's headers.
const ROOM: usize = 5_000;

/// One node under test and everything that it needs.
struct Node {
    director: Director,
    tables: TableCache,
    now: Time,
    out: Vec<u8>,
    /// Where each flow was placed last.
    placed: BTreeMap<FlowKey, Endpoint>,
}

impl Node {
    fn new(config: Config) -> Self {
        let mut tables = TableCache::default();
        let director = Director::new(config, &mut tables).unwrap();
        let (now, out, placed) = (Time::from_secs(100), vec![0; ROOM], BTreeMap::new());
        Self { director, tables, now, out, placed }
    }

    /// Does one thing and says what became of it, if it was a packet.
    fn play(&mut self, operation: &Operation) -> Option<Verdict> {
        match operation {
            Operation::Packet(packet) => {
                return Some(self.director.handle_packet(self.now, packet, &mut self.out));
            }
            Operation::Pass(time) => self.now += *time,
            Operation::SetBackend { service, endpoint, state, weight } => {
                let configured = self.director.config().services.iter().any(|config| {
                    config.address == *service
                        && config.backends.iter().any(|backend| backend.endpoint == *endpoint)
                });
                let set = self.director.set_backend(*service, *endpoint, *state, *weight, &mut self.tables);
                assert_eq!(set.is_ok(), configured, "{set:?}");
            }
            Operation::SetConfig(config) => {
                self.director.set_config(self.now, (**config).clone(), &mut self.tables).unwrap();
            }
            Operation::Timeout => self.director.handle_timeout(self.now),
        }
        None
    }

    /// What is sent can be opened where it is sent to, and holds the client's packet.
    fn check_sent(&self, sent: &[u8], verdict: Verdict) {
        match verdict {
            Verdict::Forward { backend, length, choice } => {
                let backend = self.director.backend(backend).unwrap();
                assert_ne!(backend.state(), BackendState::Down);
                let fresh = matches!(choice, Choice::New | Choice::PickedUp | Choice::Rechosen);
                let is_kernel = self.director.is_kernel();
                assert!(!fresh || is_kernel || backend.state() == BackendState::Active, "{choice:?}");
                let port = self.out.get(22..24).map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
                let port6 = u16::from_be_bytes([self.out[42], self.out[43]]);
                let gue_port = if self.out[0] >> 4 == 4 { port } else { port6 };
                let opener = Decapsulator { gue_port, ..Decapsulator::default() };
                let arrived = opener.decapsulate(&self.out[..length]).unwrap();
                assert_eq!(arrived.backend(), backend.endpoint().address);
                let sent = packet::parse(sent).unwrap();
                assert_eq!(arrived.inner().len(), sent.bytes().len());
                assert_eq!(arrived.packet().upper_layer(), sent.upper_layer());
            }
            Verdict::Reply { length, .. } => {
                let answer = packet::parse(&self.out[..length]).unwrap();
                assert_eq!(answer.bytes().len(), length);
            }
            Verdict::Pass(_) | Verdict::Drop(_) => {}
        }
    }

    /// A flow with an entry is where it was placed last.
    fn check_placed(&mut self, explained: &Explanation) {
        let flow = explained.steps.iter().find_map(|step| match step {
            Step::Flow { flow, .. } => Some(*flow),
            _ => None,
        });
        let chosen = explained.steps.iter().find_map(|step| match step {
            Step::Chosen { backend, choice, entered } => Some((*backend, *choice, *entered)),
            _ => None,
        });
        let (Some(flow), Some((backend, choice, entered))) = (flow, chosen) else { return };
        if choice == Choice::Existing {
            assert_eq!(self.placed.get(&flow), Some(&backend), "{flow} moved without a cause");
        }
        if entered {
            self.placed.insert(flow, backend);
        }
    }
}

/// A small configuration and a course of operations for it.
fn course() -> impl Strategy<Value = (Config, Vec<Operation>)> {
    config::small().prop_flat_map(|config| (Just(config.clone()), operations(&config, 1..120)))
}

proptest! {
    #[test]
    fn a_node_keeps_its_promises((config, operations) in course()) {
        let mut node = Node::new(config);
        let mut count = 0;
        for operation in &operations {
            let explained = match operation {
                Operation::Packet(packet) => Some(node.director.explain(node.now, packet)),
                _ => None,
            };
            let verdict = node.play(operation);
            if let (Operation::Packet(packet), Some(explained), Some(verdict)) = (operation, explained, verdict) {
                count += 1;
                assert_foreseen(&explained, verdict);
                node.check_sent(packet, verdict);
                node.check_placed(&explained);
            }
            let limits = node.director.connections().limits();
            prop_assert!(node.director.connections().len() <= limits.max as usize);
            prop_assert!(node.director.connections().unproven() <= limits.unproven as usize);
            prop_assert!(node.director.fragments().len() <= node.director.fragments().limit());
        }
        prop_assert_eq!(node.director.counters().total(), count);
    }
}

proptest! {
    // A node without a twin is what the cases above are for.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two nodes that live through the same say the same, byte by byte.
    #[test]
    fn the_same_course_gives_the_same_bytes((config, operations) in course()) {
        let (mut one, mut two) = (Node::new(config.clone()), Node::new(config));
        for operation in &operations {
            prop_assert_eq!(one.play(operation), two.play(operation));
            prop_assert_eq!(&one.out, &two.out);
        }
        prop_assert_eq!(one.director.counters(), two.director.counters());
    }

    /// A batch is as good as its packets one by one.
    #[test]
    fn a_batch_is_its_packets(
        (config, packets) in config::small().prop_flat_map(|config| (Just(config.clone()), packets(&config, 0..60))),
    ) {
        let (mut single, mut batched) = (Node::new(config.clone()), Node::new(config));
        let now = single.now;
        let mut one_by_one = Vec::new();
        for packet in &packets {
            single.out.fill(0);
            let verdict = single.director.handle_packet(now, packet, &mut single.out);
            one_by_one.push((verdict, single.out.clone()));
        }
        let mut outs = vec![vec![0; ROOM]; packets.len()];
        let mut batch: Vec<_> =
            packets.iter().zip(&mut outs).map(|(packet, out)| BatchPacket::new(packet, out)).collect();
        batched.director.handle_packets(now, &mut batch);
        let verdicts: Vec<_> = batch.iter().map(|item| item.verdict).collect();
        for ((verdict, out), ((expected, bytes), packet)) in
            verdicts.iter().zip(&outs).zip(one_by_one.iter().zip(&packets))
        {
            prop_assert_eq!(verdict, expected);
            prop_assert_eq!(out, bytes, "of {:02x?}", packet);
        }
        prop_assert_eq!(single.director.counters(), batched.director.counters());
    }
}
