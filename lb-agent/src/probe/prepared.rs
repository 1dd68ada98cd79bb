//! A check made ready: what needs a file, a key or a parser is done once, not ten thousand times.

use std::sync::Arc;
use std::time::Duration;

use lb_core::health::{Check, CheckKind, Exchange};
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, LocalFault};
use super::report::{Phase, Progress, Report};
use super::target::Target;
use super::{tcp, udp};

/// A check that can be carried out any number of times, by many at once.
#[derive(Debug)]
pub struct PreparedCheck {
    kind: Kind,
    /// The port that the check names.
    port: Option<u16>,
}

#[derive(Debug)]
enum Kind {
    Tcp(Exchange),
    Udp(Exchange),
}

/// Why a check cannot be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The agent cannot carry out this kind yet.
    #[error("checks of kind `{kind}` cannot be made yet; write `tcp` or `udp`")]
    Kind {
        /// The kind's name.
        kind: &'static str,
    },
}

/// Makes checks ready, and keeps what they share.
#[derive(Debug, Default)]
pub struct Preparer {}

impl Preparer {
    /// One that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a check ready.
    ///
    /// # Errors
    /// [`PrepareError`]: what the check needs and this host does not have.
    pub fn prepare(&mut self, check: &Check) -> Result<Arc<PreparedCheck>, PrepareError> {
        let kind = match &check.kind {
            CheckKind::Tcp(exchange) => Kind::Tcp(exchange.clone()),
            CheckKind::Udp(exchange) => Kind::Udp(exchange.clone()),
            other => return Err(PrepareError::Kind { kind: other.name().as_str() }),
        };
        Ok(Arc::new(PreparedCheck { kind, port: check.port }))
    }
}

impl PreparedCheck {
    /// Carries the check out; `limit` is for everything.
    ///
    /// Dropping the future gives the check up and closes its sockets.
    pub async fn run(&self, target: &Target, limit: Duration) -> Report {
        let mut progress = Progress::new();
        self.run_until(target, Instant::now() + limit, &mut progress).await
    }

    pub(super) async fn run_until(
        &self,
        target: &Target,
        deadline: Instant,
        progress: &mut Progress,
    ) -> Report {
        let result = match timeout_at(deadline, self.carry_out(target, progress)).await {
            Ok(result) => result,
            Err(_) if progress.phase() == Phase::Queue => Err(LocalFault::Busy.into()),
            Err(_) => Err(Failure::Timeout { phase: progress.phase() }),
        };
        progress.report(result)
    }

    async fn carry_out(&self, target: &Target, progress: &mut Progress) -> Result<(), Failure> {
        let port = self.port.unwrap_or(target.port);
        match &self.kind {
            Kind::Tcp(exchange) => tcp::check(exchange, target, port, progress).await,
            Kind::Udp(exchange) => udp::check(exchange, target, port, progress).await,
        }
    }
}
