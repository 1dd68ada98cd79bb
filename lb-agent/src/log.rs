//! The log: structured lines on standard error, as text or JSON; and traces beside it.
//!
//! The level and form are the file's; `LB_AGENT_LOG` (the filter language of
//! tracing-subscriber) overrides the level for a person who looks for
//! something. A reload changes the level; the form stays until a restart. The
//! level is the log's alone: a log of warnings does not silence the traces, and
//! their spans are no part of its lines.

use std::io::{self, IsTerminal};

use lb_core::config::LogFormat;
use lb_core::node::LogConfig;
use tracing::Subscriber;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Overrides the file's level.
const VARIABLE: &str = "LB_AGENT_LOG";

/// A layer of the process.
type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// The way to another level.
#[derive(Debug)]
pub(crate) struct Levels(reload::Handle<EnvFilter, Registry>);

/// Starts logging, and tracing if there is a layer for it; done once in a process.
pub(crate) fn start<T>(config: LogConfig, traces: Option<T>) -> Levels
where
    T: Layer<Registry> + Send + Sync,
{
    let colour = io::stderr().is_terminal();
    let (subscriber, levels) = subscriber(config, traces, io::stderr, colour);
    // a second start (in a test) leaves the first in place
    let _ = subscriber.try_init();
    levels
}

fn subscriber<T, W>(
    config: LogConfig,
    traces: Option<T>,
    writer: W,
    colour: bool,
) -> (impl Subscriber, Levels)
where
    T: Layer<Registry> + Send + Sync,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(config));
    // spans are the traces' own
    let filter = filter.and(filter_fn(|metadata| metadata.is_event()));
    let lines = match config.format {
        LogFormat::Json => {
            fmt::layer().json().flatten_event(true).with_writer(writer).with_filter(filter).boxed()
        }
        LogFormat::Text => {
            let text = fmt::layer().with_ansi(colour).with_target(false).with_writer(writer);
            text.with_filter(filter).boxed()
        }
    };
    let layers: Vec<Boxed> = std::iter::once(lines).chain(traces.map(Layer::boxed)).collect();
    (tracing_subscriber::registry().with(layers), Levels(handle))
}

impl Levels {
    /// Takes another level.
    pub(crate) fn set(&self, config: LogConfig) {
        // the subscriber lives as long as the process
        let _ = self.0.reload(filter(config));
    }
}

fn filter(config: LogConfig) -> EnvFilter {
    let written = std::env::var(VARIABLE).ok().and_then(|text| EnvFilter::try_new(text).ok());
    written.unwrap_or_else(|| EnvFilter::new(format!("lb_agent={0},lb_netlink={0}", config.level.as_str())))
}

#[cfg(test)]
mod tests;
