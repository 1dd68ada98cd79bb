//! The spans of the agent: what takes time and is worth asking about afterwards.
//!
//! A check of a backend is none: there are thousands a second, and metrics hold
//! their times. Names of attributes are those of OpenTelemetry's semantic
//! conventions where they have one (`error.type`, `network.*`), `lb_agent.*`
//! otherwise. A span lasts until its last handle is dropped; what happens
//! within may be logged as ever, the lines become its events.

use std::fmt::Display;
use std::net::IpAddr;

use opentelemetry::Context;
use tracing::field::{Empty, display};
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The file is read, and put to work or refused; see [`generation`] and [`failed`].
#[must_use]
pub fn reload() -> Span {
    info_span!(
        "reload",
        lb_agent.config.generation = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty
    )
}

/// The generation that a [`reload`] put to work.
pub fn generation(span: &Span, generation: u64) {
    span.record("lb_agent.config.generation", generation);
}

/// The kernel is brought to what it should be: from the request for writes to their result.
#[must_use]
pub fn reconcile(services: usize, writes: usize) -> Span {
    info_span!(
        "reconcile",
        lb_agent.services = services,
        lb_agent.kernel.writes = writes,
        lb_agent.kernel.writes_done = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty
    )
}

/// A span as the cause of others, which it need not outlive.
#[derive(Clone, Debug)]
pub struct Cause(Context);

/// A span as a cause.
#[must_use]
pub fn cause(span: &Span) -> Cause {
    Cause(span.context())
}

/// Makes a span that has just begun a child of its cause.
pub fn caused_by(span: &Span, cause: &Cause) {
    // without a collector there is nothing to be a child in
    let _ = span.set_parent(cause.0.clone());
}

/// How many writes of a [`reconcile`] the kernel took.
pub fn written(span: &Span, writes: usize) {
    span.record("lb_agent.kernel.writes_done", writes);
}

/// A session with a router on its way: from the first attempt, or its fall, until it is up, or fails. See [`state`].
///
/// `protocol` is `bgp` or `bfd`. One that is up is in no span: it may last for months.
#[must_use]
pub fn session(protocol: &'static str, peer: IpAddr) -> Span {
    info_span!(
        "session",
        otel.name = format!("{protocol} session"),
        otel.kind = "client",
        network.protocol.name = protocol,
        network.peer.address = %peer,
        "network.type" = if peer.is_ipv4() { "ipv4" } else { "ipv6" },
        lb_agent.session.state = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty
    )
}

/// The state that a [`session`] has reached, in the protocol's words; `line` is logged, and an event in its span.
pub fn state(span: &Span, state: &str, line: impl Display) {
    span.record("lb_agent.session.state", state);
    span.in_scope(|| tracing::info!("{line}"));
}

/// The way out: withdraw, wait, stop.
#[must_use]
pub fn shutdown(cleanup: bool) -> Span {
    info_span!("shutdown", lb_agent.cleanup = cleanup)
}

/// What a span was for has failed: `kind` is one of few words that can be counted, `why` is for people.
pub fn failed(span: &Span, kind: &'static str, why: impl Display) {
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", display(why));
}
