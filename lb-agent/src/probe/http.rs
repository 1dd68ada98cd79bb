//! HTTP/1.1: a request on a connection of its own, the status, and as much of the body as it takes to tell.
//!
//! A redirect is an answer like any other. The connection is for one request, and says so.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use lb_core::health::{AnswerStart, HttpCheck, StatusCodes};

use super::dial::{self, Use};
use super::failure::{AnswerFault, Failure};
use super::prepared::PrepareError;
use super::report::{Phase, Progress};
use super::target::Target;
use super::tls;

/// A request made ready, and what its answer must be.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    host: Option<HeaderValue>,
    proxy: bool,
    scheme: &'static str,
    default_port: u16,
    status: StatusCodes,
    starts: AnswerStart,
    contains: String,
}

/// How an answer differs from the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// The body lacks what it must hold.
    #[error("the text is not in the first {looked_at} bytes of the body")]
    Lacks {
        /// Bytes that were looked at.
        looked_at: usize,
    },
    /// What answers speaks no HTTP.
    #[error("no answer in HTTP: {reason}")]
    NoHttp {
        /// In the words of the parser.
        reason: String,
    },
    /// Another status.
    #[error("status {got}, not {wanted}")]
    Status {
        /// The status that came.
        got: u16,
        /// Those that were wanted.
        wanted: StatusCodes,
    },
}

/// Bytes of a body that are looked at.
const LOOKED_AT: usize = 64 * 1_024;
/// Bytes of a status line and headers that are taken: what the largest servers send, and no more, for
/// thousands of backends may drip at once.
const HEAD: usize = 64 * 1_024;
/// Who asks.
const AGENT: HeaderValue = HeaderValue::from_static(concat!(
    env!("CARGO_PKG_NAME"),
    "/",
    env!("CARGO_PKG_VERSION"),
    " (health check)"
));

impl Ask {
    pub(super) fn new(check: &HttpCheck, is_tls: bool) -> Result<Self, PrepareError> {
        let invalid = |part: &str| PrepareError::Request { part: part.to_owned() };
        let host = check.host.as_deref().map(HeaderValue::from_str).transpose();
        Ok(Self {
            method: check.method.parse().map_err(|_| invalid("method"))?,
            path: check.path.parse::<Uri>().map(|_| check.path.clone()).map_err(|_| invalid("path"))?,
            host: host.map_err(|_| invalid("host"))?,
            proxy: check.proxy,
            scheme: if is_tls { "https" } else { "http" },
            default_port: if is_tls { 443 } else { 80 },
            status: check.status.clone(),
            starts: check.receive.clone().into_bytes().into(),
            contains: check.contains.clone(),
        })
    }

    fn request(&self, address: IpAddr, port: u16) -> Result<Request<Empty<Bytes>>, Failure> {
        let host = match &self.host {
            Some(host) => host.clone(),
            None => HeaderValue::from_str(&authority(address, port, self.default_port))
                .expect("addresses and ports are ASCII"),
        };
        let uri = if self.proxy {
            let authority = host.to_str().unwrap_or_default();
            format!("{}://{authority}{}", self.scheme, self.path).parse::<Uri>()
        } else {
            self.path.parse()
        };
        // The path was parsed before; a host that is no authority shows here.
        let uri = uri.map_err(|error| HttpFault::NoHttp { reason: error.to_string() })?;
        let request = Request::builder()
            .method(self.method.clone())
            .uri(uri)
            .header(HOST, host)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, HeaderValue::from_static("*/*"))
            .header(CONNECTION, HeaderValue::from_static("close"))
            .body(Empty::new());
        Ok(request.expect("all its parts are valid"))
    }

    async fn judge(&self, response: Response<Incoming>, progress: &mut Progress) -> Result<(), Failure> {
        progress.enter(Phase::Body);
        let got = response.status().as_u16();
        if !self.status.contains(got) {
            return Err(HttpFault::Status { got, wanted: self.status.clone() }.into());
        }
        let (mut body, mut seen) = (response.into_body(), Vec::new());
        let mut contains = self.contains.is_empty();
        while !(contains && seen.len() >= self.starts.len()) && seen.len() < LOOKED_AT {
            let Some(frame) = body.frame().await else { break };
            let frame = frame.map_err(|error| of_hyper(&error, Phase::Body))?;
            let Some(bytes) = frame.data_ref() else { continue };
            let searched = (seen.len() + 1).saturating_sub(self.contains.len());
            seen.extend_from_slice(&bytes[..bytes.len().min(LOOKED_AT - seen.len())]);
            if let Some(at) = self.starts.first_difference(&seen) {
                return Err(AnswerFault::Differs { at }.into());
            }
            contains = contains || holds(&seen[searched..], self.contains.as_bytes());
        }
        if seen.len() < self.starts.len() {
            return Err(AnswerFault::Short { got: seen.len(), wanted: self.starts.len() }.into());
        }
        if contains { Ok(()) } else { Err(HttpFault::Lacks { looked_at: seen.len() }.into()) }
    }
}

/// A connection, TLS if there is a client for it, a request, and the answer.
pub(super) async fn check(
    ask: &Ask,
    client: Option<&tls::Client>,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    match client {
        None => {
            converse(
                ask,
                dial::tcp(target, port, Use::Talk, Phase::Answer, progress).await?,
                target,
                port,
                progress,
            )
            .await
        }
        Some(client) => {
            converse(ask, client.connect(target, port, progress).await?, target, port, progress).await
        }
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    ask: &Ask,
    stream: S,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let request = ask.request(target.address, port)?;
    let handshake = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| of_hyper(&error, Phase::Answer))?;
    let answer = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| of_hyper(&error, Phase::Answer))?;
        ask.judge(response, progress).await
    };
    // The connection moves the bytes; when it ends, what it read is still there to be judged.
    match select(pin!(answer), pin!(connection)).await {
        Either::Left((result, _)) => result,
        Either::Right((Ok(()), answer)) => answer.await,
        // who has only its end to go by knows less of why than the connection does
        Either::Right((Err(error), answer)) => answer.await.map_err(|failure| match failure {
            Failure::Http(HttpFault::NoHttp { .. }) => of_hyper(&error, Phase::Answer),
            known => known,
        }),
    }
}

fn authority(address: IpAddr, port: u16, default_port: u16) -> String {
    match address {
        IpAddr::V6(address) if port == default_port => format!("[{address}]"),
        IpAddr::V4(address) if port == default_port => address.to_string(),
        address => SocketAddr::new(address, port).to_string(),
    }
}

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len().max(1)).any(|window| window == wanted)
}

fn of_hyper(error: &hyper::Error, phase: Phase) -> Failure {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    match source {
        Some(error) => Failure::of(error, phase),
        None if error.is_incomplete_message() => Failure::Closed { phase },
        None => {
            // a request that could not be sent any more says why in its source
            let cause = std::error::Error::source(error).filter(|_| error.is_canceled());
            let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
            HttpFault::NoHttp { reason }.into()
        }
    }
}
