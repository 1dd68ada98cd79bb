//! Traces over OTLP: what the agent did, when and for how long, for any collector of OpenTelemetry.
//!
//! The one idea: the loop only ever offers a finished span to a queue with a
//! limit. If that is full the span is dropped and counted; a collector that is
//! slow, gone or wrong costs traces and nothing else, and is one log line a
//! minute. The types and their bytes are OpenTelemetry's own crates' (protobuf
//! over HTTP, without TLS, to a collector on the host or near it); the batches,
//! the limits and the delivery are ours, because the agent wants to know of
//! every lost span and has hyper already. Which spans there are is said in
//! [`spans`].
//!
//! Source: the OTLP specification 1.x, sections "OTLP/HTTP" and "Retryable response codes".

mod deliver;
pub mod spans;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use deliver::{Courier, Pace};

/// Finished spans that wait at most: some 2 MB of them.
const QUEUE: usize = 2_048;
/// Events that a span keeps at most; a reconciliation that logs more is not read line by line.
const EVENTS: u32 = 32;
/// Attributes that a span or an event keeps at most.
const ATTRIBUTES: u32 = 32;

/// Makes the layer that turns the agent's spans into traces, and what delivers them to a collector.
///
/// Nothing is delivered before [`Exporter::start`]; spans that end until then
/// wait. `instance` tells this node from the others (`service.instance.id`).
///
/// ```
/// use lb_agent::traces;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let (layer, exporter) = traces::layer("127.0.0.1:4318".parse()?, "10.1.1.2");
/// let subscriber = tracing_subscriber::registry().with(layer);
/// let delivery = exporter.start()?;
/// tracing::subscriber::with_default(subscriber, || drop(traces::spans::reload()));
/// drop(delivery); // a last attempt to deliver; nobody may be there
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn layer<S>(collector: SocketAddr, instance: &str) -> (impl Layer<S> + use<S>, Exporter)
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let (sender, receiver) = mpsc::channel(QUEUE);
    let counts = Counts::default();
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Queue { sender, counts: counts.clone() })
        .with_sampler(Sampler::AlwaysOn)
        .with_max_events_per_span(EVENTS)
        .with_max_attributes_per_span(ATTRIBUTES)
        .with_max_attributes_per_event(ATTRIBUTES)
        .with_resource(resource.clone())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
        // spans are made in one place: where says nothing
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(FilterFn::new(is_ours).with_max_level_hint(LevelFilter::INFO));
    (layer, Exporter { courier: Courier::new(collector, resource, receiver, counts) })
}

/// The agent's own words; what its libraries say of their insides is nobody's trace.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next();
    matches!(root, Some("lb_agent" | "lb_netlink")) && *metadata.level() <= tracing::Level::INFO
}

/// What delivers spans, not at work yet.
#[derive(Debug)]
pub struct Exporter {
    courier: Courier,
}

impl Exporter {
    /// Starts the thread that delivers.
    ///
    /// To be called after the process has dropped its capabilities: each thread
    /// has its own, and this one needs none.
    ///
    /// # Errors
    ///
    /// The system grants no thread, or no event queue for it.
    pub fn start(self) -> io::Result<Delivery> {
        self.start_at(Pace::default())
    }

    fn start_at(self, pace: Pace) -> io::Result<Delivery> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let counts = self.counts();
        let work = move || runtime.block_on(self.courier.run(pace, stopped));
        let thread = thread::Builder::new().name("traces".into()).spawn(work)?;
        Ok(Delivery { counts, stop: Some(stop), thread: Some(thread) })
    }

    /// What became of the spans, now and later.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.courier.counts.clone()
    }
}

/// The delivery at work; dropped, it tries once more, for two seconds at most, and ends.
#[derive(Debug)]
pub struct Delivery {
    counts: Counts,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Delivery {
    /// What became of the spans, now and later.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // the thread may have ended before; then there is nobody to tell and nothing to wait for
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// What became of finished spans; clones show the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    delivered: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
}

impl Counts {
    /// Spans that the collector took.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.0.delivered.load(Ordering::Relaxed)
    }

    /// Spans that found the queue full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Spans that the collector refused, or could not be reached for long enough.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    fn add_delivered(&self, spans: u64) {
        self.0.delivered.fetch_add(spans, Ordering::Relaxed);
    }

    fn add_lost(&self, spans: u64) {
        self.0.lost.fetch_add(spans, Ordering::Relaxed);
    }
}

/// Where finished spans go: into the queue, or nowhere.
#[derive(Debug)]
struct Queue {
    sender: mpsc::Sender<SpanData>,
    counts: Counts,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.sender.try_send(span).is_err() {
            self.counts.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        // the last attempt is `Delivery`'s, which outlives the subscriber
        Ok(())
    }
}

#[cfg(test)]
mod tests;
