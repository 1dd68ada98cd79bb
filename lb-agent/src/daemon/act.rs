//! What the node wants is carried out, and what it tells is logged.

use std::time::Instant;

use lb_core::Time;
use lb_core::node::{Action, Event, ProbeKey};

use super::{Daemon, air, probes};
use crate::kernel::Done;
use crate::probe::Finished;
use crate::status::{cause_words, health_word, service_word};

impl Daemon {
    /// Carries out everything that the node asks for now.
    pub(super) fn carry_out(&mut self) {
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Announce { prefix, route } => self.air.announce(prefix, route),
                Action::Withdraw { prefix } => self.air.withdraw(prefix),
                Action::CancelProbe { key, id } => {
                    if self.probes.cancel(&key, id) {
                        self.executor.cancel(&key);
                    }
                }
                Action::StartProbe(order) => {
                    let own = self.node.config().lb.node;
                    if let Some((check, target)) = self.probes.start(&order, own) {
                        let limit = order.probe.deadline - self.now();
                        self.executor.start(order.key, &check, target, limit);
                    }
                }
                Action::Read => self.kernel.list(),
                Action::Write(writes) => {
                    tracing::debug!(count = writes.len(), first = %writes[0], "writing to the kernel");
                    self.traced.writing(self.node.config().lb.services.len(), writes.len());
                    self.kernel.write(writes);
                }
                Action::Stop => self.stopped = true,
            }
        }
        while let Some(event) = self.node.poll_event() {
            self.log(&event);
        }
    }

    /// The kernel's thread has done something.
    pub(super) fn kernel_did(&mut self, now: Time, done: Done) {
        match done {
            Done::Listed(Ok(listing)) => {
                self.flows.update(listing.flows);
                self.listed = Some(Instant::now());
                self.node.handle_snapshot(now, listing.snapshot);
                self.answer_waiting(now);
            }
            Done::Listed(Err(error)) => {
                tracing::warn!("the kernel cannot be read: {error}");
                self.kernel_error = Some(error);
                self.node.handle_read_failed(now);
                self.answer_waiting(now);
            }
            Done::Written { done, refused } => {
                self.traced.written(done, refused.as_deref());
                if let Some(refused) = refused {
                    tracing::warn!(done, "the kernel refused a write: {refused}");
                    self.kernel_error = Some(refused);
                }
                self.node.handle_written(now, done);
            }
        }
    }

    /// A check is over.
    pub(super) fn probe_ended(&mut self, now: Time, finished: &Finished<ProbeKey>) {
        let outcome = finished.report.outcome();
        let service = finished.key.service.to_string();
        self.metrics.probe(&service, probes::label(outcome), finished.report.timings.total);
        if let Some(id) = self.probes.end(finished.key, &finished.report) {
            self.node.handle_probe_result(now, finished.key, id, outcome);
        }
    }

    /// The routers' side has something to tell.
    pub(super) fn heard(&mut self, now: Time, told: air::Told) {
        match told {
            air::Told::Withdrawn(prefix) => self.node.handle_withdrawn(now, prefix),
            air::Told::Event(event) => self.traced.routing(&event),
            air::Told::Sessions(sessions, left_out) => self.sessions_told(now, sessions, left_out),
            air::Told::Failed(error) => tracing::error!("routing: {error}"),
        }
    }

    fn log(&mut self, event: &Event) {
        match event {
            Event::BackendChanged { service, backend, from, to, cause } => {
                let (from, to, cause) = (health_word(*from), health_word(*to), cause_words(*cause));
                let key = ProbeKey { service: *service, backend: *backend };
                let why = self.probes.last(&key).and_then(|last| last.failure.clone());
                tracing::info!(%service, %backend, from, to, cause, why, "backend");
            }
            Event::Configured { generation, services } => {
                tracing::info!(generation, services, "a configuration is at work");
            }
            Event::Drifted { writes } => {
                tracing::warn!(writes, "somebody else changed the kernel; it is put right");
            }
            Event::Programmed { writes } => {
                self.kernel_error = None;
                self.traced.programmed();
                tracing::info!(writes, "the kernel holds everything");
                self.tell_ready();
            }
            Event::ReadFailed => {}
            Event::ServiceChanged { service, from, to } => {
                let (from, to) = (service_word(*from), service_word(*to));
                tracing::info!(%service, from, to, "service");
            }
            Event::VipChanged { vip, from, to } => {
                tracing::info!(%vip, from = super::report::vip_word(*from), to = super::report::vip_word(*to), "vip");
            }
            Event::WriteFailed { done, wanted } => {
                tracing::warn!(done, wanted, "the kernel is read and written again");
            }
        }
    }

    fn tell_ready(&mut self) {
        if !self.told_ready {
            self.told_ready = true;
            self.air.complete();
            self.notifier.ready();
        }
        self.notifier.status(&format!("{} services programmed", self.node.config().lb.services.len()));
    }
}
