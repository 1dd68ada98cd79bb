//! The sockets that last: listeners with their passwords, and those of BFD, as the peers want them.

use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lb_core::Time;
use lb_core::bfd::{Hops, Neighbor};
use lb_core::bgp::{PeerConfig, PeerId, Reach};
use lb_core::config::BfdConfig;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::{Bfd, Engine, Input};
use crate::routing::datagram::{self, Sender};
use crate::routing::{RoutingError, socket};

/// Where peers may connect to.
pub(super) struct Listener {
    /// As configured: the system may have chosen the port.
    address: SocketAddr,
    socket: Arc<TcpListener>,
    task: AbortHandle,
}

impl Drop for Listener {
    /// Closes at once; its task still has the socket for a moment.
    fn drop(&mut self) {
        // fails for a socket that does not listen, and this one does
        let _ = SockRef::from(&*self.socket).shutdown(Shutdown::Both);
        self.task.abort();
    }
}

impl Engine {
    /// Brings the listeners into line; one that cannot be had does not keep the others from it.
    pub(super) fn listen_at(&mut self, addresses: &[SocketAddr]) -> Result<(), RoutingError> {
        self.listeners.retain(|listener| addresses.contains(&listener.address));
        let mut result = Ok(());
        for address in addresses {
            if !self.listeners.iter().any(|listener| listener.address == *address) {
                let listens = self.listen(*address);
                result = result.and(listens);
            }
        }
        result
    }

    fn listen(&mut self, address: SocketAddr) -> Result<(), RoutingError> {
        let socket = socket::listener(address).map_err(|source| RoutingError::Listen { address, source })?;
        let socket = Arc::new(socket);
        let accepting = socket.clone();
        let inputs = self.inputs.0.clone();
        let task = self.services.spawn(async move {
            loop {
                match accepting.accept().await {
                    Ok((stream, remote)) => {
                        if inputs.send(Input::Accepted { stream, remote }).await.is_err() {
                            return;
                        }
                    }
                    // Out of descriptors, or a peer that gave up: the next one may fare better.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        self.listeners.push(Listener { address, socket, task });
        Ok(())
    }

    /// Brings passwords and BFD sessions into line with the speaker's peers.
    pub(super) fn equip(&mut self, bfd: &BfdConfig) -> Result<(), RoutingError> {
        let peers: Vec<(PeerId, PeerConfig)> =
            self.speaker.peers().map(|(id, peer)| (id, peer.clone())).collect();
        let passwords = self.set_passwords(&peers);
        let now = self.now();
        let wanted: Vec<_> =
            peers.iter().filter_map(|(id, peer)| Some((*id, peer, peer.bfd.as_deref()?))).collect();
        let keys: Vec<_> =
            wanted.iter().map(|(_, peer, _)| (peer.address, hops_of(peer, bfd).arrived())).collect();
        let gone: Vec<_> = self.bfd.keys().filter(|key| !keys.contains(key)).copied().collect();
        for (address, arrived) in gone {
            self.sessions.remove(now, address, arrived);
        }
        let mut result = passwords;
        for (id, peer, profile) in wanted {
            let equipped = self.equip_peer(now, id, peer, profile, bfd);
            result = result.and(equipped); // one that cannot be does not keep the others from it
        }
        result
    }

    fn equip_peer(
        &mut self,
        now: Time,
        id: PeerId,
        peer: &PeerConfig,
        profile: &str,
        bfd: &BfdConfig,
    ) -> Result<(), RoutingError> {
        let address = peer.address;
        let failed = |source| RoutingError::Bfd { peer: address, source };
        let Some(profile) = bfd.profile(profile) else {
            return Err(RoutingError::Profile { peer: address, name: profile.to_owned() });
        };
        let hops = profile.hops(is_multihop(peer));
        let key = (address, hops.arrived());
        match self.bfd.get_mut(&key) {
            Some(known) if known.hops == hops && self.sessions.session(address, hops.arrived()).is_some() => {
                known.peer = id;
                if known.config != profile.session {
                    known.config = profile.session;
                    self.sessions.handle_config(now, address, hops.arrived(), profile.session);
                }
                return Ok(());
            }
            // Another distance, or on its way out: begun anew.
            Some(_) => self.sessions.remove(now, address, hops.arrived()),
            None => {}
        }
        let listener = (address.is_ipv4(), hops.arrived());
        if !self.bfd_listeners.contains(&listener) {
            datagram::listen(listener.0, listener.1, self.datagrams.0.clone(), &mut self.services)
                .map_err(failed)?;
            self.bfd_listeners.push(listener);
        }
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let start = (self.seed >> 48) as u16;
        let sender = Sender::open(address, hops, peer.local_address, peer.interface.as_deref(), start);
        let sender = sender.map_err(failed)?;
        let neighbor = Neighbor { address, hops };
        let added = self.sessions.add(now, neighbor, profile.session);
        added.map_err(|source| RoutingError::Session { peer: address, source })?;
        self.bfd.insert(key, Bfd { peer: id, config: profile.session, hops, sender, since: now });
        Ok(())
    }

    fn set_passwords(&mut self, peers: &[(PeerId, PeerConfig)]) -> Result<(), RoutingError> {
        let is_gone = |address: &&IpAddr| {
            !peers.iter().any(|(_, peer)| peer.address == **address && peer.password.is_some())
        };
        let gone = self.passwords.iter().filter(is_gone).map(|address| (*address, None));
        let here = peers.iter().filter_map(|(_, peer)| Some((peer.address, Some(peer.password.as_ref()?))));
        let mut result = Ok(());
        for (address, password) in gone.chain(here) {
            for listener in &self.listeners {
                let same_family = listener.address.is_ipv4() == address.is_ipv4();
                if same_family
                    && let Err(source) = socket::set_listener_key(&listener.socket, address, password)
                {
                    result = Err(RoutingError::Password { peer: address, source });
                }
            }
        }
        self.passwords =
            peers.iter().filter(|(_, peer)| peer.password.is_some()).map(|(_, peer)| peer.address).collect();
        result
    }
}

/// Whether routers may be between us and a peer.
fn is_multihop(peer: &PeerConfig) -> bool {
    match peer.reach {
        Reach::Link => false,
        Reach::Hops(hops) | Reach::Secured(hops) => hops > 1,
    }
}

fn hops_of(peer: &PeerConfig, bfd: &BfdConfig) -> Hops {
    let profile = peer.bfd.as_deref().and_then(|name| bfd.profile(name));
    profile.map_or(Hops::One, |profile| profile.hops(is_multihop(peer)))
}
