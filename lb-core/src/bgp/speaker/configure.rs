//! Another configuration: peers come, go and change, and the others notice nothing.

use alloc::vec::Vec;

use super::peer::{Difference, difference};
use super::{PeerId, Speaker, common};
use crate::Time;
use crate::bgp::config::{PeerConfig, SpeakerConfig};
use crate::bgp::session::{DownReason, Local, Session};

impl Speaker {
    /// Takes another configuration: peers come, go and change without touching the others.
    ///
    /// What a peer is told of routes is changed in its session, and times that are ours alone hold from
    /// the next time on; what sessions agree on (addresses, numbers, password, hold and restart time,
    /// families) ends it and begins a new one.
    pub fn configure(&mut self, now: Time, mut config: SpeakerConfig) {
        let wanted = distinct(core::mem::take(&mut config.peers));
        let old = core::mem::replace(&mut self.config, config);
        let identity_changed = (old.asn, old.router_id) != (self.config.asn, self.config.router_id);
        let shutdown_changed = old.graceful_shutdown != self.config.graceful_shutdown;
        for id in self.peer_ids() {
            if !self
                .peers
                .get(&id)
                .is_some_and(|peer| wanted.iter().any(|config| is_same_peer(config, peer.session.config())))
            {
                self.remove_peer(now, id);
            }
        }
        for config in wanted {
            let known = self.peers().find(|(_, peer)| is_same_peer(peer, &config)).map(|(id, _)| id);
            match known {
                None => self.new_peer(now, config),
                Some(id) => self.change_peer(now, id, config, identity_changed, shutdown_changed),
            }
        }
    }

    fn local(&self) -> Local {
        Local { asn: self.config.asn, router_id: self.config.router_id }
    }

    fn new_peer(&mut self, now: Time, config: PeerConfig) {
        let mut session = Session::new(self.local(), config, self.jitter.draw());
        session.set_own_restart(self.own_restart());
        let id = self.add_peer(session);
        if self.started.is_some() {
            self.start_peer(now, id);
        }
    }

    fn change_peer(&mut self, now: Time, id: PeerId, config: PeerConfig, identity: bool, shutdown: bool) {
        let (local, started) = (self.local(), self.started.is_some());
        let Some(peer) = self.peers.get(&id) else { return };
        let difference =
            if identity { Difference::Session } else { difference(peer.session.config(), &config) };
        let stopped = peer.stopped;
        if difference == Difference::Session {
            self.with(now, id, |peer| peer.session.handle_stop(now, &DownReason::ConfigurationChanged));
        }
        self.with(now, id, |peer| peer.session.reconfigure(local, config));
        if difference == Difference::Session && started && !stopped {
            self.start_peer(now, id);
        }
        if difference == Difference::Routes || shutdown {
            let common = common(&self.config, &self.routes);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.tell_again(common);
            }
        }
    }

    fn remove_peer(&mut self, now: Time, id: PeerId) {
        self.with(now, id, |peer| peer.session.handle_stop(now, &DownReason::Deconfigured));
        let Some(mut peer) = self.peers.remove(&id) else { return };
        let farewells = core::iter::from_fn(|| peer.session.poll_transmit());
        self.farewells.extend(farewells.map(|transmit| (id, transmit)));
    }
}

fn is_same_peer(one: &PeerConfig, other: &PeerConfig) -> bool {
    (one.address, &one.interface) == (other.address, &other.interface)
}

/// The first of those that are the same peer.
fn distinct(peers: Vec<PeerConfig>) -> Vec<PeerConfig> {
    let mut distinct: Vec<PeerConfig> = Vec::with_capacity(peers.len());
    for peer in peers {
        if !distinct.iter().any(|other| is_same_peer(other, &peer)) {
            distinct.push(peer);
        }
    }
    distinct
}
