//! Spans that last longer than a turn of the loop: sessions on their way, a reconciliation, the way out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_core::bfd::SessionState;
use lb_core::bgp::{DownReason, Event, State};
use tracing::Span;

use crate::routing::RoutingEvent;
use crate::traces::spans::{self, Cause};

/// The spans that are open.
#[derive(Debug, Default)]
pub(super) struct Traced {
    /// By protocol and router.
    sessions: BTreeMap<(&'static str, IpAddr), Span>,
    reconcile: Option<Span>,
    /// The reload of which the kernel does not hold everything yet.
    reload: Option<Cause>,
    shutdown: Option<Span>,
}

impl Traced {
    /// Logs what happened with a router, within the span of its session.
    ///
    /// One that was up and falls begins a span as one that is tried does: it lasts until the session is up again.
    pub(super) fn routing(&mut self, event: &RoutingEvent) {
        match event {
            RoutingEvent::Bgp { peer, event: Event::State { to, .. } } => match to {
                State::Established | State::Idle => tracing::info!("{event}"),
                State::Connect | State::Active | State::OpenSent | State::OpenConfirm => {
                    spans::state(self.session("bgp", *peer), &to.to_string(), event);
                }
            },
            RoutingEvent::Bgp { peer, event: Event::Up(_) } => {
                let span = self.over("bgp", *peer);
                spans::state(&span, &State::Established.to_string(), event);
            }
            RoutingEvent::Bgp { peer, event: Event::Down(down) } => {
                // one that is no more will not be up again
                let ends = matches!(down.reason, DownReason::Deconfigured | DownReason::Stopped { .. });
                if down.was_established && !ends {
                    self.session("bgp", *peer).in_scope(|| tracing::info!("{event}"));
                } else {
                    let span = self.over("bgp", *peer);
                    span.in_scope(|| tracing::info!("{event}"));
                    spans::failed(&span, "session", &down.reason);
                }
            }
            RoutingEvent::Bfd { peer, change } => match (change.from, change.to) {
                (_, SessionState::Up) => {
                    spans::state(&self.over("bfd", *peer), &change.to.to_string(), event);
                }
                (SessionState::Init, SessionState::Down) | (_, SessionState::AdminDown) => {
                    let span = self.over("bfd", *peer);
                    spans::state(&span, &change.to.to_string(), event);
                    spans::failed(&span, "session", event);
                }
                (_, SessionState::Down | SessionState::Init) => {
                    spans::state(self.session("bfd", *peer), &change.to.to_string(), event);
                }
            },
            RoutingEvent::Bgp { .. } if event.is_minor() => tracing::debug!("{event}"),
            RoutingEvent::Bgp { peer, .. } | RoutingEvent::Connection { peer, .. } => {
                match self.sessions.get(&("bgp", *peer)) {
                    Some(span) => span.in_scope(|| tracing::info!("{event}")),
                    None => tracing::info!("{event}"),
                }
            }
        }
    }

    /// Writes are on their way to the kernel.
    pub(super) fn writing(&mut self, services: usize, writes: usize) {
        let span = spans::reconcile(services, writes);
        if let Some(reload) = &self.reload {
            spans::caused_by(&span, reload);
        }
        self.reconcile = Some(span);
    }

    /// A file was put to work: what is written until the kernel holds everything is because of it.
    pub(super) fn reloaded(&mut self, reload: &Span, programmed: bool) {
        self.reload = (!programmed).then(|| spans::cause(reload));
    }

    /// The kernel holds everything.
    pub(super) fn programmed(&mut self) {
        self.reload = None;
    }

    /// The kernel's answer to them.
    pub(super) fn written(&mut self, done: usize, refused: Option<&str>) {
        let Some(span) = self.reconcile.take() else { return };
        spans::written(&span, done);
        if let Some(why) = refused {
            spans::failed(&span, "kernel", why);
        }
    }

    /// The way out begins; it ends with this.
    pub(super) fn ending(&mut self, cleanup: bool) {
        self.shutdown.get_or_insert_with(|| spans::shutdown(cleanup));
    }

    /// The span of a session on its way; begun, if it has none.
    fn session(&mut self, protocol: &'static str, peer: IpAddr) -> &Span {
        self.sessions.entry((protocol, peer)).or_insert_with(|| spans::session(protocol, peer))
    }

    /// The span of a session that is up, or failed: it ends with the handle.
    fn over(&mut self, protocol: &'static str, peer: IpAddr) -> Span {
        self.sessions.remove(&(protocol, peer)).unwrap_or_else(Span::none)
    }
}

#[cfg(test)]
mod tests;
