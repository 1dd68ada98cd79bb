//! The status as metrics: one descriptor after another, each over all that has it.

use std::fmt::Error;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;

use crate::status::{Backend, Service, Status};
use crate::traces::Counts;

/// The latest status.
#[derive(Clone, Debug)]
pub(super) struct Latest(pub(super) Arc<Mutex<Option<Status>>>);

impl Collector for Latest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(status) = latest.as_ref() else { return Ok(()) };
        agent(status, &mut encoder)?;
        kernel(status, &mut encoder)?;
        vips(status, &mut encoder)?;
        services(status, &mut encoder)?;
        backends(status, &mut encoder)?;
        sessions(status, &mut encoder)
    }
}

/// What became of spans.
#[derive(Debug)]
pub(super) struct Traces(pub(super) Counts);

impl Collector for Traces {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let results =
            [("delivered", self.0.delivered()), ("dropped", self.0.dropped()), ("lost", self.0.lost())];
        let metric = ("trace_spans", "Spans by what became of them", MetricType::Counter);
        each(&mut encoder, metric, &results, |(result, spans), write| {
            write([("result", result)], Number::Count(*spans))
        })
    }
}

type Encoder<'e, 'd> = &'e mut DescriptorEncoder<'d>;
type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// One number under a name.
fn gauge(encoder: Encoder<'_, '_>, name: &str, help: &str, value: f64) -> Result<(), Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

/// One count under a name.
fn counter(encoder: Encoder<'_, '_>, name: &str, help: &str, value: u64) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    metric.encode_counter::<[(&str, &str); 0], _, f64>(&value, None)
}

/// Writes numbers with labels.
fn each<T, const N: usize>(
    encoder: Encoder<'_, '_>,
    (name, help, kind): (&str, &str, MetricType),
    items: &[T],
    of: impl Fn(&T, &mut dyn FnMut(Labels<'_, N>, Number) -> Result<(), Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    for item in items {
        of(item, &mut |labels, number| number.encode(metric.encode_family(&labels)?))?;
    }
    Ok(())
}

/// A number to be written.
#[derive(Clone, Copy, Debug)]
enum Number {
    Count(u64),
    Gauge(f64),
    /// Only the labels count.
    Info,
}

impl Number {
    fn encode(self, mut metric: MetricEncoder<'_>) -> Result<(), Error> {
        match self {
            Self::Count(count) => metric.encode_counter::<[(&str, &str); 0], _, f64>(&count, None),
            Self::Gauge(value) => metric.encode_gauge(&value),
            Self::Info => metric.encode_gauge(&1_u32),
        }
    }
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn agent(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    let version = [status];
    each(encoder, ("build_info", "The agent's version", MetricType::Gauge), &version, |status, write| {
        write([("version", &status.version)], Number::Info)
    })?;
    gauge(encoder, "uptime_seconds", "Since the agent's start", status.uptime_s)?;
    gauge(encoder, "draining", "Whether a hand took the node out", truth(status.state == "draining"))?;
    #[allow(clippy::cast_precision_loss, reason = "a generation beyond 2^53 is no use to a rule")]
    let generation = status.config.generation as f64;
    gauge(encoder, "config_generation", "The owner's number of the file at work", generation)?;
    gauge(encoder, "config_age_seconds", "For how long the file at work has been so", status.config.age_s)?;
    let refused = status.config.refused.is_some();
    gauge(encoder, "config_refused", "Whether the file as it is now is refused", truth(refused))
}

fn kernel(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    let kernel = &status.kernel;
    let programmed = truth(kernel.programmed);
    gauge(encoder, "kernel_programmed", "Whether the kernel holds all that it is to hold", programmed)?;
    counter(encoder, "kernel_writes", "Writes that the kernel took", kernel.writes)?;
    counter(encoder, "kernel_reads", "Listings of the kernel", kernel.reads)?;
    counter(encoder, "kernel_failures", "Listings and writes that failed", kernel.failures)?;
    counter(encoder, "kernel_drifts", "Listings that showed what somebody else had changed", kernel.drifts)?;
    if let Some(age) = kernel.listing_age_s {
        gauge(encoder, "kernel_listing_age_seconds", "How old the counts of flows are", age)?;
    }
    #[allow(clippy::cast_precision_loss, reason = "no kernel has 2^53 services")]
    let foreign = kernel.foreign.len() as f64;
    gauge(encoder, "kernel_foreign_services", "Services that are not the agent's", foreign)
}

fn vips(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    let metric = ("vip_announced", "Whether routers are told of the VIP", MetricType::Gauge);
    each(encoder, metric, &status.vips, |vip, write| {
        write([("vip", &vip.vip.to_string())], Number::Gauge(truth(vip.announced)))
    })?;
    let metric = ("vip_state_info", "Why the VIP is announced or not", MetricType::Gauge);
    each(encoder, metric, &status.vips, |vip, write| {
        write([("vip", &vip.vip.to_string()), ("state", &vip.state)], Number::Info)
    })?;
    let metric = ("vip_programmed", "Whether the kernel holds everything for the VIP", MetricType::Gauge);
    each(encoder, metric, &status.vips, |vip, write| {
        write([("vip", &vip.vip.to_string())], Number::Gauge(truth(vip.programmed)))
    })
}

fn services(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    let services = &status.services;
    let up = |service: &Service| truth(service.state == "up" || service.state == "panic");
    each(
        encoder,
        ("service_up", "Whether the service stands", MetricType::Gauge),
        services,
        |service, write| write([("service", &service.service)], Number::Gauge(up(service))),
    )?;
    let metric = ("service_panic", "Whether so little is in service that all get traffic", MetricType::Gauge);
    each(encoder, metric, services, |service, write| {
        write([("service", &service.service)], Number::Gauge(truth(service.state == "panic")))
    })?;
    let metric = ("service_in_service_ratio", "Share of its weight in service", MetricType::Gauge);
    each(encoder, metric, services, |service, write| match service.in_service {
        Some(share) => write([("service", &service.service)], Number::Gauge(share)),
        None => Ok(()),
    })?;
    let help = "The name of the service's table; equal on nodes that place flows alike";
    each(encoder, ("table_digest_info", help, MetricType::Gauge), services, |service, write| {
        match &service.table_digest {
            Some(digest) => write([("service", &service.service), ("table_digest", digest)], Number::Info),
            None => Ok(()),
        }
    })
}

fn backends(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    type Value = fn(&Backend) -> Number;
    let metrics: [(&str, &str, MetricType, Value); 7] = [
        ("backend_up", "Whether checks have it in service", MetricType::Gauge, |backend| {
            Number::Gauge(truth(backend.state == "up" || backend.state == "suspect"))
        }),
        ("backend_weight", "Its weight for new flows now", MetricType::Gauge, |backend| {
            Number::Gauge(if backend.traffic == "active" { backend.weight.into() } else { 0.0 })
        }),
        ("backend_drained", "Whether a hand took it out", MetricType::Gauge, |backend| {
            Number::Gauge(truth(backend.drained))
        }),
        ("backend_path_dead", "Whether the path to it is held for dead", MetricType::Gauge, |backend| {
            Number::Gauge(truth(backend.path_dead))
        }),
        (
            "backend_connections",
            "Connections scheduled to it since the agent's start",
            MetricType::Counter,
            |backend| Number::Count(backend.counted.connections),
        ),
        (
            "backend_packets",
            "Packets forwarded to it since the agent's start",
            MetricType::Counter,
            |backend| Number::Count(backend.counted.packets),
        ),
        ("backend_bytes", "Bytes forwarded to it since the agent's start", MetricType::Counter, |backend| {
            Number::Count(backend.counted.bytes)
        }),
    ];
    let active: (&str, &str, MetricType, Value) = (
        "backend_active_connections",
        "Established connections at the last listing",
        MetricType::Gauge,
        |backend| {
            #[allow(clippy::cast_precision_loss, reason = "no kernel has 2^53 connections")]
            Number::Gauge(backend.flows.active as f64)
        },
    );
    // before the first listing nobody knows
    let known = status.kernel.listing_age_s.map(|_| active);
    for (name, help, kind, value) in metrics.into_iter().chain(known) {
        each(encoder, (name, help, kind), &status.services, |service, write| {
            service.backends.iter().try_for_each(|backend| {
                write([("service", &service.service), ("backend", &backend.backend)], value(backend))
            })
        })?;
    }
    Ok(())
}

fn sessions(status: &Status, encoder: Encoder<'_, '_>) -> Result<(), Error> {
    let sessions = &status.sessions;
    let left_out = status.left_out;
    counter(encoder, "bfd_packets_discarded", "BFD packets that were no good", left_out.bfd_packets)?;
    counter(encoder, "session_events_lost", "Events of sessions that were not logged", left_out.events)?;
    each(
        encoder,
        ("session_up", "Whether the session is up", MetricType::Gauge),
        sessions,
        |session, write| {
            let labels = [("protocol", session.protocol.as_str()), ("peer", &session.peer)];
            write(labels, Number::Gauge(truth(session.up)))
        },
    )?;
    let metric = ("session_state_info", "The session's state in the protocol's words", MetricType::Gauge);
    each(encoder, metric, sessions, |session, write| {
        let labels =
            [("protocol", session.protocol.as_str()), ("peer", &session.peer), ("state", &session.state)];
        write(labels, Number::Info)
    })?;
    let metric = ("session_routes", "Routes that the peer was told of", MetricType::Gauge);
    each(encoder, metric, sessions, |session, write| {
        #[allow(clippy::cast_precision_loss, reason = "no speaker has 2^53 routes")]
        let routes = session.routes as f64;
        let labels = [("protocol", session.protocol.as_str()), ("peer", &session.peer)];
        write(labels, Number::Gauge(routes))
    })
}
