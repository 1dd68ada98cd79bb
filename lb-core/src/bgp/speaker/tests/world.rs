//! Two speakers in one process, joined by connections that the tests can cut.
//!
//! Time stands still while anything is on its way and then jumps to the next
//! deadline, so that a test says what happens and when, and nothing waits.

use std::collections::VecDeque;
use std::vec::Vec;

use core::net::IpAddr;

use crate::Time;
use crate::bgp::{
    Asn, ConnectionId, Down, Established, Event, PeerConfig, PeerId, Speaker, SpeakerConfig, Start, State,
    Transmit,
};

/// Which of the two.
pub(super) type Who = usize;
pub(super) const NODE: Who = 0;
pub(super) const ROUTER: Who = 1;

pub(super) struct World {
    pub(super) now: Time,
    pub(super) speakers: [Speaker; 2],
    pub(super) addresses: [IpAddr; 2],
    pipes: Vec<[End; 2]>,
    /// What each was told, in order.
    pub(super) events: [Vec<Event>; 2],
    /// UPDATEs that each sent, as bytes.
    pub(super) updates: [Vec<Vec<u8>>; 2],
    /// Octets are lost without a word.
    pub(super) cut: bool,
    /// Nobody answers a new connection.
    pub(super) refuses: bool,
    /// Octets of this one stay in its adapter for now.
    pub(super) stuck: Option<Who>,
    held: Vec<(End, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    who: Who,
    peer: PeerId,
    connection: ConnectionId,
}

/// The node's settings for the router, and the router's for the node.
pub(super) fn configs(families_over: [&str; 2]) -> [SpeakerConfig; 2] {
    let [node, router] = families_over.map(|address| address.parse::<IpAddr>().unwrap());
    let config = |asn, id: &str, peer| SpeakerConfig {
        peers: [peer].to_vec(),
        ..SpeakerConfig::new(Asn(asn), id.parse().unwrap())
    };
    [
        config(64_512, "10.0.0.11", PeerConfig::new(router, Asn(64_500))),
        config(64_500, "10.0.0.1", PeerConfig { passive: true, ..PeerConfig::new(node, Asn(64_512)) }),
    ]
}

pub(super) const V4: [&str; 2] = ["10.0.0.11", "10.0.0.1"];
pub(super) const V6: [&str; 2] = ["2001:db8::11", "2001:db8::1"];

impl World {
    /// Both made, none started; the second of `configs` has the address that the first one's peer has.
    pub(super) fn new(configs: [SpeakerConfig; 2]) -> Self {
        let addresses = [configs[ROUTER].peers[0].address, configs[NODE].peers[0].address];
        let [node, router] = configs;
        Self {
            now: Time::ZERO,
            speakers: [Speaker::new(node, Start::Cold, 1), Speaker::new(router, Start::Cold, 2)],
            addresses,
            pipes: Vec::new(),
            events: Default::default(),
            updates: Default::default(),
            cut: false,
            refuses: false,
            stuck: None,
            held: Vec::new(),
        }
    }

    /// Both started and, if they can, established.
    pub(super) fn up(configs: [SpeakerConfig; 2]) -> Self {
        let mut world = Self::new(configs);
        world.start();
        world
    }

    pub(super) fn start(&mut self) {
        for who in [ROUTER, NODE] {
            self.speakers[who].start(self.now);
        }
        self.settle();
    }

    /// Lets time pass, with all that is due in it.
    pub(super) fn pass(&mut self, seconds: u64) {
        let end = self.now + core::time::Duration::from_secs(seconds);
        self.settle();
        while let Some(next) = self.speakers.iter().filter_map(Speaker::poll_timeout).min() {
            if next > end {
                break;
            }
            assert!(next > self.now, "deadlines lie ahead");
            self.now = next;
            for speaker in &mut self.speakers {
                speaker.handle_timeout(next);
            }
            self.settle();
        }
        self.now = end;
        for speaker in &mut self.speakers {
            speaker.handle_timeout(end);
        }
        self.settle();
    }

    /// Carries all that is on its way.
    pub(super) fn settle(&mut self) {
        let mut moves: VecDeque<(Who, PeerId, Transmit)> = VecDeque::new();
        loop {
            if self.stuck.is_none() {
                for (end, bytes) in std::mem::take(&mut self.held) {
                    self.deliver(end, &bytes);
                }
            }
            for who in [NODE, ROUTER] {
                while let Some((peer, transmit)) = self.speakers[who].poll_transmit() {
                    moves.push_back((who, peer, transmit));
                }
                while let Some((_, event)) = self.speakers[who].poll_event() {
                    self.events[who].push(event);
                }
            }
            let Some((who, peer, transmit)) = moves.pop_front() else { return };
            let connection = transmit.connection();
            let end = End { who, peer, connection };
            match transmit {
                Transmit::Connect { .. } => self.connect(end),
                Transmit::Send { bytes, .. } => self.send(end, &bytes),
                Transmit::Close { .. } => self.close(end),
            }
        }
    }

    fn connect(&mut self, end: End) {
        if self.cut {
            return;
        }
        let other = 1 - end.who;
        let config = self.speakers[end.who].peers().find(|(id, _)| *id == end.peer);
        if config.is_none_or(|(_, config)| config.address != self.addresses[other]) {
            return; // nobody is there
        }
        let accepted = self.speakers[other].peer_at(self.addresses[end.who], None).and_then(|peer| {
            let local = self.addresses[other];
            let connection = self.speakers[other].handle_accepted(self.now, peer, local)?;
            Some(End { who: other, peer, connection })
        });
        match accepted.filter(|_| !self.refuses) {
            None => self.speakers[end.who].handle_closed(self.now, end.peer, end.connection),
            Some(accepted) => {
                self.pipes.push([end, accepted]);
                let local = self.addresses[end.who];
                self.speakers[end.who].handle_connected(self.now, end.peer, end.connection, local);
            }
        }
    }

    fn send(&mut self, end: End, bytes: &[u8]) {
        if bytes[18] == 2 {
            self.updates[end.who].push(bytes.to_vec());
        }
        if self.stuck == Some(end.who) {
            return self.held.push((end, bytes.to_vec()));
        }
        self.deliver(end, bytes);
    }

    fn deliver(&mut self, end: End, bytes: &[u8]) {
        self.speakers[end.who].handle_sent(self.now, end.peer, end.connection, bytes.len());
        if let Some(other) = self.other(end).filter(|_| !self.cut) {
            self.speakers[other.who].handle_bytes(self.now, other.peer, other.connection, bytes);
        }
    }

    /// Puts octets of the test's own onto the connection of one.
    pub(super) fn inject(&mut self, to: Who, bytes: &[u8]) {
        let end = self.pipes.iter().flatten().find(|end| end.who == to).copied().expect("connected");
        self.speakers[to].handle_bytes(self.now, end.peer, end.connection, bytes);
        self.settle();
    }

    fn close(&mut self, end: End) {
        let other = self.other(end);
        self.pipes.retain(|pipe| !pipe.contains(&end));
        if let Some(other) = other.filter(|_| !self.cut) {
            self.speakers[other.who].handle_closed(self.now, other.peer, other.connection);
        }
    }

    /// Breaks all connections; both sides notice.
    pub(super) fn break_connections(&mut self) {
        for end in std::mem::take(&mut self.pipes).into_iter().flatten() {
            self.speakers[end.who].handle_closed(self.now, end.peer, end.connection);
        }
        self.settle();
    }

    /// The process of one dies and its connections with it; another takes its place.
    pub(super) fn replace(&mut self, who: Who, speaker: Speaker) {
        self.speakers[who] = speaker;
        for end in std::mem::take(&mut self.pipes).into_iter().flatten().filter(|end| end.who != who) {
            self.speakers[end.who].handle_closed(self.now, end.peer, end.connection);
        }
        self.settle();
    }

    /// The same, and the other side does not notice.
    pub(super) fn replace_unnoticed(&mut self, who: Who, speaker: Speaker) {
        self.speakers[who] = speaker;
        for end in self.pipes.iter_mut().flatten().filter(|end| end.who == who) {
            end.connection = ConnectionId(u64::MAX); // nobody's any more
        }
        self.settle();
    }

    fn other(&self, end: End) -> Option<End> {
        let pipe = self.pipes.iter().find(|pipe| pipe.contains(&end))?;
        pipe.iter().find(|other| **other != end).copied()
    }

    pub(super) fn connections(&self) -> usize {
        self.pipes.len()
    }

    /// The first peer of one.
    pub(super) fn peer(&self, who: Who) -> PeerId {
        self.speakers[who].peers().next().expect("each has a peer").0
    }

    pub(super) fn state(&self, who: Who) -> State {
        self.status(who).state
    }

    pub(super) fn status(&self, who: Who) -> crate::bgp::PeerStatus {
        self.speakers[who].status(self.peer(who)).expect("it is there")
    }

    pub(super) fn agreed(&self, who: Who) -> std::sync::Arc<Established> {
        self.status(who).established.expect("established")
    }

    /// How often one heard that its session was down, and why last.
    pub(super) fn downs(&self, who: Who) -> Vec<Down> {
        let downs = self.events[who].iter().filter_map(|event| match event {
            Event::Down(down) => Some(down.clone()),
            _ => None,
        });
        downs.collect()
    }

    /// The prefixes that one has heard of, by what the other told and took back.
    pub(super) fn heard(&self, who: Who) -> std::collections::BTreeSet<ipnet::IpNet> {
        let mut heard = std::collections::BTreeSet::new();
        for event in &self.events[who] {
            match event {
                Event::Received { prefixes, .. } => heard.extend(prefixes),
                Event::Withdrawn { prefixes } => prefixes.iter().for_each(|prefix| {
                    assert!(heard.remove(prefix), "{prefix} was told");
                }),
                _ => {}
            }
        }
        heard
    }

    pub(super) fn forget(&mut self) {
        self.events = Default::default();
        self.updates = Default::default();
    }
}
