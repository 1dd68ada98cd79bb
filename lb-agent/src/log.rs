//! The log: structured lines on standard error, as text or JSON.
//!
//! The level and form are the file's; `LB_AGENT_LOG` (the filter language of
//! tracing-subscriber) overrides the level for a person who looks for
//! something. A reload changes the level; the form stays until a restart.

use std::io::IsTerminal;

use lb_core::config::LogFormat;
use lb_core::node::LogConfig;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Overrides the file's level.
const VARIABLE: &str = "LB_AGENT_LOG";

/// The way to another level.
#[derive(Debug)]
pub(crate) struct Levels(reload::Handle<EnvFilter, Registry>);

/// Starts logging; done once in a process.
pub(crate) fn start(config: LogConfig) -> Levels {
    let (filter, handle) = reload::Layer::new(filter(config));
    let registry = tracing_subscriber::registry().with(filter);
    // a second start (in a test) leaves the first in place
    let _ = match config.format {
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal();
            let text = fmt::layer().with_ansi(colour).with_target(false).with_writer(std::io::stderr);
            registry.with(text).try_init()
        }
    };
    Levels(handle)
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
