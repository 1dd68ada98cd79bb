//! The log: structured lines on standard error, as text or JSON.
//!
//! The level and form are the file's; `LB_AGENT_LOG` (the filter language of
//! tracing-subscriber) overrides the level for a person who looks for
//! something. A reload changes the level; the form stays until a restart.

use std::io::IsTerminal;
use std::net::IpAddr;

use lb_core::config::LogFormat;
use lb_core::node::{LogConfig, NodeConfig};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::traces::{self, Exporter};

/// Overrides the file's level.
const VARIABLE: &str = "LB_AGENT_LOG";

/// The way to another level.
#[derive(Debug)]
pub(crate) struct Levels(reload::Handle<EnvFilter, Registry>);

/// Starts logging; done once in a process. Traces are kept for the exporter, where the file wants them.
pub(crate) fn start(config: &NodeConfig) -> (Levels, Option<Exporter>) {
    let (filter, handle) = reload::Layer::new(filter(config.log));
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log.format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal();
            fmt::layer().with_ansi(colour).with_target(false).with_writer(std::io::stderr).boxed()
        }
    };
    let (traces, exporter) =
        config.tracing.map(|collector| traces::layer(collector, &instance(config))).unzip();
    // the level is that of the lines alone: a quiet log is no reason for fewer traces
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces);
    // a second start (in a test) leaves the first in place
    let _ = registry.try_init();
    (Levels(handle), exporter)
}

/// What tells this node from others in traces: its own address.
fn instance(config: &NodeConfig) -> String {
    let node = config.lb.node;
    let address = node.v4.map(IpAddr::V4).or_else(|| node.v6.map(IpAddr::V6));
    address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
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
