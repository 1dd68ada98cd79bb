//! A peer of the speaker: its session, and what it has heard.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use ipnet::IpNet;

use super::export::{View, fill};
use super::rib_out::{Change, Next, RibOut};
use super::routes::{Route, Routes};
use super::status::PeerStatus;
use crate::Time;
use crate::bgp::config::{Excess, Export, GracefulRestart, PeerConfig, PrefixLimit, Timers};
use crate::bgp::identity::{Asn, Families, Family};
use crate::bgp::message::{Message, Update};
use crate::bgp::session::{Event, Session};

/// A peer.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) session: Session,
    /// An operator stopped it.
    pub(super) stopped: bool,
    /// While the session is up.
    pub(super) rib: Option<RibOut>,
}

/// What of the speaker decides how routes look to all peers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    pub(super) asn: Asn,
    pub(super) graceful_shutdown: bool,
    pub(super) routes: &'a Routes,
}

impl Peer {
    /// What an event means for what the peer has heard.
    pub(super) fn note(&mut self, event: &Event, common: Common<'_>) {
        match event {
            Event::Up(agreed) => {
                self.rib = Some(RibOut::new(agreed.families));
                self.want_all(common);
            }
            Event::Down(down) if down.was_established => self.rib = None,
            Event::RefreshRequested { family } => {
                if let Some(rib) = &mut self.rib {
                    rib.refresh(*family);
                }
            }
            Event::State { .. }
            | Event::Down(_)
            | Event::Received { .. }
            | Event::Withdrawn { .. }
            | Event::EndOfRib { .. }
            | Event::Faults(_)
            | Event::PrefixLimitReached { .. } => {}
        }
    }

    /// Compares all routes with what the peer has heard.
    fn want_all(&mut self, common: Common<'_>) {
        let told = self.told_families(common);
        let Some(rib) = &mut self.rib else { return };
        for (prefix, route) in common.routes.iter().filter(|(prefix, _)| told.contains(Family::of(prefix))) {
            rib.want(*prefix, Some(route));
        }
    }

    /// A prefix has another route, or none.
    pub(super) fn want(&mut self, prefix: IpNet, route: Option<&Arc<Route>>, common: Common<'_>) {
        let told = self.told_families(common);
        if let Some(rib) = self.rib.as_mut().filter(|_| told.contains(Family::of(&prefix))) {
            rib.want(prefix, route);
        }
    }

    /// Routes look different from now on: the peer hears all of them again, or that there are none.
    pub(super) fn tell_again(&mut self, common: Common<'_>) {
        let told = self.told_families(common);
        let Some(rib) = &mut self.rib else { return };
        for family in Family::ALL {
            rib.forget(family);
        }
        for (prefix, route) in common.routes.iter() {
            rib.want(*prefix, told.contains(Family::of(prefix)).then_some(route));
        }
    }

    /// The next UPDATE as bytes, if there is something to tell and the peer takes it.
    pub(super) fn next_update(&mut self, may_end: bool, common: Common<'_>) -> Option<Vec<u8>> {
        if !self.session.has_room() {
            return None;
        }
        let rib = self.rib.as_mut()?;
        rib.begin_refresh();
        let next = rib.next(may_end)?;
        let view = self.view(common)?;
        let (update, room) = match &next {
            Next::EndOfRib(family) => (Update::end_of_rib(*family), 0),
            Next::Routes(family, Change::Withdraw) => view.withdrawal(*family),
            Next::Routes(family, Change::Announce(route)) => view.announcement(route, *family)?,
        };
        let dialect = view.dialect;
        let (mut update, rib) = (update, self.rib.as_mut()?);
        match next {
            Next::EndOfRib(family) => rib.end_of_rib_sent(family),
            Next::Routes(family, change) => fill(&mut update, &rib.take(family, &change, room)),
        }
        Some(Message::Update(Box::new(update)).emit(dialect).expect("no more was taken than fits"))
    }

    fn view<'a>(&'a self, common: Common<'a>) -> Option<View<'a>> {
        Some(View {
            asn: common.asn,
            peer: self.session.config(),
            local: self.session.local_address()?,
            dialect: self.session.dialect()?,
            graceful_shutdown: common.graceful_shutdown,
        })
    }

    /// Families that were agreed on and have a next hop.
    fn told_families(&self, common: Common<'_>) -> Families {
        let Some(view) = self.view(common) else { return Families::NONE };
        let has_next_hop = Family::ALL.into_iter().filter(|family| view.next_hop(*family).is_some());
        self.agreed_families().intersection(has_next_hop.collect())
    }

    fn agreed_families(&self) -> Families {
        self.session.established().map_or(Families::NONE, |agreed| agreed.families)
    }

    /// When End-of-RIB may be sent although nobody said that the routes are complete.
    pub(super) fn end_of_rib_deadline(&self, started: Time) -> Option<Time> {
        let restart = self.session.config().graceful_restart;
        let waits = restart.restarting && self.rib.as_ref().is_some_and(RibOut::has_end_of_rib);
        waits.then(|| started + restart.restart_time)
    }

    pub(super) fn status(&self, common: Common<'_>) -> PeerStatus {
        let told = self.told_families(common);
        let rib = self.rib.as_ref();
        PeerStatus {
            routes_announced: rib.map_or(0, RibOut::told),
            routes_pending: rib.map_or(0, RibOut::pending),
            without_next_hop: self
                .agreed_families()
                .iter()
                .filter(|family| !told.contains(*family))
                .collect(),
            ..self.session.status()
        }
    }
}

/// What it takes to go from one configuration of a peer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Nothing.
    None,
    /// Routes look different; the session stays.
    Routes,
    /// What the session agreed on, or how it is reached.
    Session,
}

/// Compares two configurations of one peer.
pub(super) fn difference(old: &PeerConfig, new: &PeerConfig) -> Difference {
    // What is not about the session is made equal, so that a field that is added later counts as about it.
    let session = |config: &PeerConfig| PeerConfig {
        export: Export::default(),
        prefix_limit: PrefixLimit { max: 0, excess: Excess::Ignore },
        bfd: None,
        // of times, OPENs carry but the hold time and the restart time
        timers: Timers { hold: config.timers.hold, ..Timers::default() },
        graceful_restart: GracefulRestart { stale_time: Duration::ZERO, ..config.graceful_restart },
        ..config.clone()
    };
    if session(old) != session(new) {
        Difference::Session
    } else if old.export != new.export {
        Difference::Routes
    } else {
        Difference::None
    }
}
