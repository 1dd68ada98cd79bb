//! A check made ready: what needs a file, a key or a parser is done once, not ten thousand times.

use std::sync::Arc;
use std::time::Duration;

use lb_core::health::{Check, CheckKind, Exchange, RadiusCheck};
use tokio::time::{Instant, timeout_at};

use super::dns::Question;
use super::failure::{Failure, LocalFault};
use super::http::Ask;
use super::icmp::Pinger;
use super::report::{Phase, Progress, Report};
use super::target::Target;
use super::{dns, http, radius, tcp, tls, udp};

/// A check that can be carried out any number of times, by many at once.
#[derive(Debug)]
pub struct PreparedCheck {
    kind: Kind,
    /// The port that the check names.
    port: Option<u16>,
}

#[derive(Debug)]
enum Kind {
    Dns(Question),
    Http(Ask),
    Https(Ask, tls::Client),
    Icmp(Arc<Pinger>),
    Radius(RadiusCheck),
    Tcp(Exchange),
    TcpTls(Exchange, tls::Client),
    Udp(Exchange),
}

/// Why a check cannot be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// A certificate's key does not fit, or is of a kind that is not spoken.
    #[error("{file}: {reason}; write the key of tlsCertificate in tlsKey")]
    Key {
        /// The key's file.
        file: String,
        /// In the words of the TLS library.
        reason: String,
    },
    /// The system trusts nobody.
    #[error(
        "this system has no certificates of authorities; install ca-certificates, or name a file in tlsCa"
    )]
    NoAuthorities,
    /// A file of certificates or of a key cannot be used.
    #[error("{file}: {reason}; write the path of a file in PEM")]
    Pem {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// No request can be made of this.
    #[error("{part} cannot be part of a request; write one as RFC 9110 has it")]
    Request {
        /// The part at fault.
        part: String,
    },
    /// TLS cannot ask for this name.
    #[error("{name} cannot be asked for in TLS; write the name of a host")]
    ServerName {
        /// The name.
        name: String,
    },
}

/// Makes checks ready, and keeps what they share.
///
/// Files are read when the first check needs them and kept: after they changed, use a new one.
#[derive(Debug, Default)]
pub struct Preparer {
    tls: tls::Clients,
    pinger: Arc<Pinger>,
}

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
            CheckKind::Dns(dns) => Kind::Dns(Question::new(dns)?),
            CheckKind::Http(http) => Kind::Http(Ask::new(http, false)?),
            CheckKind::Https(http, tls) => Kind::Https(Ask::new(http, true)?, self.tls.client(tls)?),
            CheckKind::Icmp => Kind::Icmp(Arc::clone(&self.pinger)),
            CheckKind::Radius(radius) => Kind::Radius(radius.clone()),
            CheckKind::Tcp(exchange) => Kind::Tcp(exchange.clone()),
            CheckKind::TcpTls(exchange, tls) => Kind::TcpTls(exchange.clone(), self.tls.client(tls)?),
            CheckKind::Udp(exchange) => Kind::Udp(exchange.clone()),
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
        // The large ones in boxes of their own, so that ten thousand of the small ones stay small.
        match &self.kind {
            Kind::Dns(question) => Box::pin(dns::check(question, target, port, progress)).await,
            Kind::Http(ask) => Box::pin(http::check(ask, None, target, port, progress)).await,
            Kind::Https(ask, tls) => Box::pin(http::check(ask, Some(tls), target, port, progress)).await,
            Kind::Icmp(pinger) => pinger.check(target.address, progress).await,
            Kind::Radius(check) => Box::pin(radius::check(check, target, port, progress)).await,
            Kind::Tcp(exchange) => tcp::check(exchange, target, port, progress).await,
            Kind::TcpTls(exchange, client) => {
                Box::pin(tls::check(exchange, client, target, port, progress)).await
            }
            Kind::Udp(exchange) => udp::check(exchange, target, port, progress).await,
        }
    }
}
