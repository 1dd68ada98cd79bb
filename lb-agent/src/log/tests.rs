//! Tests of the log beside traces: the level is the log's alone, a reload changes it, and no span shows in its lines.

use std::io::Write;
use std::sync::{Arc, Mutex};

use lb_core::config::LogLevel;
use tracing::Span;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::Context;

use super::*;

/// What was written.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// The names of the spans that a layer beside the log got to see.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<&'static str>>>);

impl Layer<Registry> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, Registry>) {
        self.0.lock().unwrap().push(attributes.metadata().name());
    }
}

fn config(level: LogLevel, format: LogFormat) -> LogConfig {
    LogConfig { level, format }
}

#[test]
fn a_quiet_log_leaves_the_spans_to_traces() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let (lines, seen) = (Lines::default(), Seen::default());
        let writer = lines.clone();
        let (subscriber, levels) =
            subscriber(config(LogLevel::Warn, format), Some(seen.clone()), move || writer.clone(), false);
        tracing::subscriber::with_default(subscriber, || {
            crate::traces::spans::reload().in_scope(|| {
                tracing::info!("below the level");
                tracing::warn!("above it");
            });
            let written = lines.take();
            assert!(written.contains("above it") && !written.contains("below the level"), "{written}");
            assert!(!written.contains("reload"), "{written}");
            levels.set(config(LogLevel::Info, format));
            Span::none().in_scope(|| tracing::info!("now above the level"));
            assert!(lines.take().contains("now above the level"));
        });
        assert_eq!(*seen.0.lock().unwrap(), ["reload"]);
    }
}
