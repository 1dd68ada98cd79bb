//! Why a packet goes where it goes, step by step.
//!
//! The same functions as the packet path, asked without changing anything:
//! `classify`, the connection table's `peek`, `plan`, the tunnel. So what is
//! explained is what would happen, but for one thing: whether the rate of ICMP
//! answers is used up is not foreseen.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::Director;
use super::answer::{self, Answer};
use super::classify::{Class, PacketKind, ServiceFlow};
use super::plan::{Action, Entry, Plan};
use super::verdict::{Choice, DropReason, PassReason, ReplyKind, Verdict};
use crate::config::{BackendState, ServiceAddress};
use crate::connection::State;
use crate::encapsulation::EncapsulationError;
use crate::flow::{FlowKey, HashFields};
use crate::identity::Endpoint;
use crate::packet::{self, IcmpError, Packet};
use crate::scheduler::ScheduleTrace;
use crate::time::Time;

/// What a director would do with a packet, and the reasons in order.
///
/// Prints one step a line; the steps are there to be matched too.
///
/// ```
/// use lb_core::Time;
/// use lb_core::config::{Config, LbFile};
/// use lb_core::director::{Director, Step};
/// use lb_core::table::TableCache;
///
/// let file: LbFile = serde_saphyr::from_str(
///     r#"
/// node: { address: 10.0.0.11 }
/// hashKey: "000102030405060708090a0b0c0d0e0f"
/// services:
///   - { vip: 203.0.113.10, port: 443, protocol: tcp, backends: [{ address: 10.1.0.5 }] }
/// "#,
/// )?;
/// let director = Director::new(Config::try_from(file)?, &mut TableCache::default())?;
/// // A SYN from 192.0.2.1:40000 to the service.
/// let syn = [
///     0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0x3c, 0xc3, 192, 0, 2, 1, 203, 0, 113, 10,
///     0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
/// ];
/// let explained = director.explain(Time::ZERO, &syn);
/// assert_eq!(explained.steps.last(), Some(&Step::Forward { length: 60 }));
/// let lines: Vec<_> = explained.to_string().lines().map(str::to_owned).collect();
/// assert_eq!(lines[1], "flow tcp 192.0.2.1:40000 -> 203.0.113.10:443");
/// assert_eq!(lines[5], "backend 10.1.0.5:443 (new; remembered)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The configuration's generation.
    pub generation: u64,
    /// The reasons, the last one being the outcome.
    pub steps: Vec<Step>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The flow's backend, and how it was found.
    Chosen {
        /// Who gets the packet.
        backend: Endpoint,
        /// How it was found.
        choice: Choice,
        /// Whether the connection table changes.
        entered: bool,
    },
    /// Outcome: dropped.
    Drop(DropReason),
    /// The connection table knows the flow.
    Entry {
        /// The backend it names.
        backend: Endpoint,
        /// Whether that backend is in service.
        in_service: BackendState,
        /// The flow's state.
        state: State,
        /// Whether the flow has shown packets at least a second apart.
        proven: bool,
    },
    /// The packet was understood and belongs to this flow.
    Flow {
        /// The flow, client first.
        flow: FlowKey,
        /// What leads to the flow, where it is not the packet's own header.
        by: FlowSource,
    },
    /// Outcome: sent.
    Forward {
        /// Bytes of the tunnel packet.
        length: usize,
    },
    /// The service has no backend for the flow.
    NoBackend,
    /// The connection table does not know the flow.
    NoEntry,
    /// Outcome: left to the host.
    Pass(PassReason),
    /// Outcome: an ICMP message of ours, if its rate allows it.
    Reply(ReplyKind),
    /// The service that the flow is for.
    Service {
        /// VIP, port and protocol.
        service: ServiceAddress,
    },
    /// What the table says of the flow.
    Table(ScheduleTrace),
    /// The tunnel does not take the packet.
    Undeliverable(EncapsulationError),
}

/// What leads from a packet to its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowSource {
    /// Its own transport header.
    Header,
    /// The packet that it, an ICMP error, quotes.
    Quoted,
    /// The first fragment of its datagram, seen before.
    FirstFragment,
    /// Addresses and protocol alone: its first fragment is not known.
    ThreeTuple,
}

impl Director {
    /// Tells what [`handle_packet`](Self::handle_packet) would do with a packet
    /// now, and why; changes nothing.
    #[must_use]
    pub fn explain(&self, now: Time, packet: &[u8]) -> Explanation {
        let mut steps = Vec::new();
        let parsed = packet::parse(packet);
        let class = match &parsed {
            Ok(packet) => self.classify(now, packet),
            Err(error) => self.classify_faulty(*error, packet),
        };
        match (class, &parsed) {
            (Class::Flow(target), Ok(packet)) => self.explain_flow(now, packet, &target, &mut steps),
            (Class::Echo, Ok(packet)) => {
                steps.push(outcome(answer::to_echo(packet, &mut vec![0; packet.bytes().len()])))
            }
            (Class::TunnelError(error), Ok(packet)) => steps.push(self.explain_tunnel_error(packet, &error)),
            (Class::Pass(reason), _) => {
                let flow = parsed.ok().and_then(|packet| packet.flow_key());
                steps.extend(flow.map(|flow| Step::Flow { flow, by: FlowSource::Header }));
                steps.push(Step::Pass(reason));
            }
            (Class::Drop(reason), _) => steps.push(Step::Drop(reason)),
            (Class::Flow(_) | Class::Echo | Class::TunnelError(_), Err(error)) => {
                steps.push(Step::Drop(DropReason::Malformed(*error)));
            }
        }
        Explanation { generation: self.config.generation, steps }
    }

    fn explain_tunnel_error(&self, packet: &Packet<'_>, error: &IcmpError) -> Step {
        match self.answer_for_router(packet, error, &mut [0; LONGEST_ERROR]).answer {
            Ok((_, answer)) => outcome(answer),
            Err(Verdict::Pass(reason)) => Step::Pass(reason),
            Err(Verdict::Drop(reason)) => Step::Drop(reason),
            Err(Verdict::Forward { .. } | Verdict::Reply { .. }) => Step::Drop(DropReason::UselessError),
        }
    }

    fn explain_flow(&self, now: Time, packet: &Packet<'_>, target: &ServiceFlow, steps: &mut Vec<Step>) {
        let by = match target.kind {
            PacketKind::Transport => FlowSource::Header,
            PacketKind::Error => FlowSource::Quoted,
            PacketKind::LaterFragment { known: true } => FlowSource::FirstFragment,
            PacketKind::LaterFragment { known: false } => FlowSource::ThreeTuple,
        };
        let service = &self.services[target.place];
        steps.push(Step::Flow { flow: target.flow, by });
        steps.push(Step::Service { service: service.address });

        let found = self.connections.peek(now, &self.connection_key(target.place, &target.flow));
        let backend = found.and_then(|found| self.backend(found.backend));
        match (found, backend) {
            (Some(found), Some(backend)) => steps.push(Step::Entry {
                backend: backend.endpoint(),
                in_service: backend.state(),
                state: found.state,
                proven: found.proven,
            }),
            (None, _) | (_, None) => steps.push(Step::NoEntry),
        }
        let plan = self.plan(target, packet.segment(), found.as_ref());
        let by_table = match plan.action {
            Action::Forward { choice, .. } => {
                choice != Choice::Existing && !matches!(plan.entry, Entry::Observe(_))
            }
            Action::NoBackend => true,
            Action::Pass(_) | Action::Drop(_) => false,
        };
        if by_table {
            steps.push(Step::Table(service.scheduler.explain(&target.flow)));
        }
        self.explain_plan(now, packet, target, plan, steps);
    }

    fn explain_plan(
        &self,
        now: Time,
        packet: &Packet<'_>,
        target: &ServiceFlow,
        plan: Plan,
        steps: &mut Vec<Step>,
    ) {
        let (id, choice) = match plan.action {
            Action::Forward { backend, choice } => (backend, choice),
            Action::NoBackend => {
                steps.push(Step::NoBackend);
                let answer = self.answer_to_refused(packet, &mut [0; LONGEST_ERROR]);
                return steps.push(outcome(answer));
            }
            Action::Pass(reason) => return steps.push(Step::Pass(reason)),
            Action::Drop(reason) => return steps.push(Step::Drop(reason)),
        };
        let Some(at_work) = self.backend(id) else {
            return steps.push(Step::Drop(DropReason::NoBackend));
        };
        let (backend, mut identification) = (at_work.endpoint, at_work.identification);
        let entered = matches!(plan.entry, Entry::Insert(_) | Entry::Rebind(..));
        steps.push(Step::Chosen { backend, choice, entered });
        let tunnel = &self.services[target.place].tunnel;
        let narrowed = at_work.narrowed(now, tunnel);
        let tunnel = narrowed.as_ref().unwrap_or(tunnel);
        let hash = self.config.hash_key.hash_flow(&target.flow, HashFields::ALL);
        let mut out = vec![0; packet.bytes().len() + tunnel.overhead(backend.address)];
        match tunnel.encapsulate(packet, backend.address, hash, &mut identification, &mut out) {
            Ok(length) => steps.push(Step::Forward { length }),
            Err(error) => {
                let answer = answer::to_undeliverable(packet, &error, &mut [0; LONGEST_ERROR]);
                steps.push(Step::Undeliverable(error));
                steps.push(outcome(answer));
            }
        }
    }
}

/// What comes of an answer, but for its rate.
fn outcome(answer: Answer) -> Step {
    match answer {
        Ok((_, kind)) => Step::Reply(kind),
        Err(reason) => Step::Drop(reason),
    }
}

/// No ICMP error is longer: RFC 4443 section 2.4 (c).
const LONGEST_ERROR: usize = 1_280;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "generation {}", self.generation)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen { backend, choice, entered } => {
                let note = if *entered { "remembered" } else { "nothing new to remember" };
                write!(f, "backend {backend} ({}; {note})", choice.name())
            }
            Self::Drop(DropReason::Malformed(error)) => write!(f, "dropped: malformed, {error}"),
            Self::Drop(reason) => write!(f, "dropped: {}", reason.name()),
            Self::Entry { backend, in_service, state, proven } => {
                let proven = if *proven { "proven" } else { "unproven" };
                write!(f, "entry: {backend} (backend {in_service:?}, flow {state:?}, {proven})")
            }
            Self::Flow { flow, by } => match by {
                FlowSource::Header => write!(f, "flow {flow}"),
                FlowSource::Quoted => write!(f, "flow {flow}, by the packet that the error quotes"),
                FlowSource::FirstFragment => write!(f, "flow {flow}, by the datagram's first fragment"),
                FlowSource::ThreeTuple => write!(f, "flow {flow}, by the three-tuple rule"),
            },
            Self::Forward { length } => write!(f, "forwarded: {length} bytes with the tunnel's headers"),
            Self::NoBackend => f.write_str("no backend for this flow"),
            Self::NoEntry => f.write_str("no entry for this flow"),
            Self::Pass(reason) => write!(f, "left to the host: {}", reason.name()),
            Self::Reply(kind) => write!(f, "answered here: {}", kind.name()),
            Self::Service { service } => write!(f, "service {service}"),
            Self::Table(trace) => write!(f, "table: {trace}"),
            Self::Undeliverable(error) => write!(f, "not sent: {error}"),
        }
    }
}
