//! Batches of spans on their way to the collector: one request at a time, again where the collector asks for it.
//!
//! Everything that waits can be interrupted without losing what is in hand, so
//! that the end of the agent is a last attempt and never a long wait. Which
//! answers mean "again" is the OTLP specification's list; a batch that has been
//! tried often enough is given up, for the queue behind it is finite.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Counts;

/// Spans in a request at most, as OpenTelemetry's SDKs have it.
const BATCH: usize = 512;
/// The longest answer that is read; those that are defined are a number and a sentence.
const ANSWER: usize = 64 << 10;
/// The longest that a collector can have us wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Between two log lines about the same trouble.
const QUIET: Duration = Duration::from_secs(60);

/// How long things may take.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// From the first span of a batch to its departure.
    pub(super) linger: Duration,
    /// One request, all in.
    pub(super) request: Duration,
    /// Before each further attempt.
    pub(super) pauses: Vec<Duration>,
    /// The last attempt of all.
    pub(super) farewell: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(2),
            request: Duration::from_secs(10),
            pauses: [1, 2, 4, 8, 15].map(Duration::from_secs).to_vec(),
            farewell: Duration::from_secs(1),
        }
    }
}

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DeliveryError {
    /// Nobody listens there, or there is no way.
    #[error("it cannot be reached: {0}")]
    Connect(io::ErrorKind),
    /// What answers speaks something else.
    #[error("it does not speak HTTP as OTLP has it: {0}")]
    Http(String),
    /// The collector wants no such thing.
    #[error("it refuses with status {0}")]
    Refused(StatusCode),
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// The collector wants it later.
    #[error("it is busy (status {status})")]
    Later {
        /// The status of the answer.
        status: StatusCode,
        /// When, if it says so.
        after: Option<Duration>,
    },
}

impl DeliveryError {
    /// Whether the same request may do better later, and how long to wait at least.
    fn again(&self) -> Option<Duration> {
        match self {
            Self::Connect(_) | Self::Timeout => Some(Duration::ZERO),
            Self::Later { after, .. } => Some(after.unwrap_or_default().min(RETRY_AFTER_MAX)),
            Self::Http(_) | Self::Refused(_) => None,
        }
    }
}

/// Takes spans from the queue to the collector.
#[derive(Debug)]
pub(super) struct Courier {
    collector: SocketAddr,
    resource: ResourceAttributesWithSchema,
    receiver: mpsc::Receiver<SpanData>,
    pub(super) counts: Counts,
    /// Spans that are not in a request yet.
    batch: Vec<SpanData>,
    /// The request in hand, and how many spans it holds.
    request: Option<(Bytes, u64)>,
    complaints: Complaints,
}

impl Courier {
    pub(super) fn new(
        collector: SocketAddr,
        resource: Resource,
        receiver: mpsc::Receiver<SpanData>,
        counts: Counts,
    ) -> Self {
        Self {
            collector,
            resource: ResourceAttributesWithSchema::from(&resource),
            receiver,
            counts,
            batch: Vec::new(),
            request: None,
            complaints: Complaints::default(),
        }
    }

    /// Delivers until it is told to stop, and once more then.
    pub(super) async fn run(mut self, pace: Pace, stopped: oneshot::Receiver<()>) {
        self.deliver(&pace, stopped).await;
        let rest = timeout(pace.farewell, self.deliver_rest(&pace)).await;
        if rest.is_err() {
            let in_hand = self.request.as_ref().map_or(0, |(_, spans)| *spans);
            self.counts.add_lost(in_hand + count(self.batch.len() + self.receiver.len()));
        }
    }

    /// Delivers batch after batch, until it is told to stop or there can be no more spans.
    async fn deliver(&mut self, pace: &Pace, mut stopped: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                more = self.fill(pace) => if !more { return },
                _ = &mut stopped => return,
            }
            self.pack();
            let mut pauses = pace.pauses.iter();
            loop {
                let mut attempt = pin!(self.attempt(pace));
                let wait = tokio::select! {
                    wait = &mut attempt => wait,
                    _ = &mut stopped => {
                        // a request that is cut off may have been taken, and would be sent twice
                        let _ = timeout(pace.farewell, attempt).await;
                        return;
                    }
                };
                let (Some(wait), Some(pause)) = (wait, pauses.next()) else { break };
                tokio::select! {
                    () = sleep(wait.max(*pause)) => {}
                    _ = &mut stopped => return,
                }
            }
            self.give_up();
        }
    }

    /// One attempt for each batch that is left.
    async fn deliver_rest(&mut self, pace: &Pace) {
        self.receiver.close();
        loop {
            if self.request.is_none() {
                if self.batch.is_empty() && self.receiver.recv_many(&mut self.batch, BATCH).await == 0 {
                    return;
                }
                self.pack();
            }
            if self.attempt(pace).await.is_some() {
                self.give_up();
            }
        }
    }

    /// Waits for a span, and a little for more; false when there can be none.
    async fn fill(&mut self, pace: &Pace) -> bool {
        if self.receiver.recv_many(&mut self.batch, BATCH).await == 0 {
            return false;
        }
        let departure = Instant::now() + pace.linger;
        while self.batch.len() < BATCH {
            let room = BATCH - self.batch.len();
            match timeout_at(departure, self.receiver.recv_many(&mut self.batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        true
    }

    /// Makes the batch a request.
    fn pack(&mut self) {
        let spans = std::mem::take(&mut self.batch);
        let number = count(spans.len());
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let message = ExportTraceServiceRequest { resource_spans };
        self.request = Some((message.encode_to_vec().into(), number));
    }

    /// Sends the request in hand. It is in hand afterwards only if it should
    /// be sent again, after the time that is given back.
    async fn attempt(&mut self, pace: &Pace) -> Option<Duration> {
        let (body, spans) = self.request.clone()?;
        let result = timeout(pace.request, post(self.collector, body)).await;
        let result = result.unwrap_or(Err(DeliveryError::Timeout));
        self.complain(result.as_ref().err());
        match result {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                self.counts.add_delivered(spans - rejected);
                self.counts.add_lost(rejected);
                self.request = None;
                None
            }
            Err(error) => {
                let again = error.again();
                if again.is_none() {
                    self.give_up();
                }
                again
            }
        }
    }

    /// Counts the request in hand as lost, if there is one.
    fn give_up(&mut self) {
        if let Some((_, spans)) = self.request.take() {
            self.counts.add_lost(spans);
        }
    }

    /// Says what is wrong, if anything is, and not more often than is good.
    fn complain(&mut self, error: Option<&DeliveryError>) {
        let (dropped, lost) = (self.counts.dropped(), self.counts.lost());
        if !self.complaints.is_due(Instant::now(), error.is_some(), dropped + lost) {
            return;
        }
        let collector = self.collector;
        match error {
            Some(error) => tracing::warn!(%collector, dropped, lost, "traces are not delivered: {error}"),
            None => tracing::warn!(%collector, dropped, lost, "traces were lost: the collector is too slow"),
        }
    }
}

/// Who complains, and when it did last.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    last: Option<Instant>,
    missing: u64,
}

impl Complaints {
    /// Whether to say now that something fails, or that more spans are missing than when it was last said.
    pub(super) fn is_due(&mut self, now: Instant, fails: bool, missing: u64) -> bool {
        let wrong = fails || missing > self.missing;
        let quiet = self.last.is_some_and(|last| now.saturating_duration_since(last) < QUIET);
        if !wrong || quiet {
            return false;
        }
        (self.last, self.missing) = (Some(now), missing);
        true
    }
}

/// Posts one request on a connection of its own; gives back how many spans were rejected.
async fn post(collector: SocketAddr, body: Bytes) -> Result<u64, DeliveryError> {
    let http = |error: hyper::Error| DeliveryError::Http(error.to_string());
    let stream = TcpStream::connect(collector).await.map_err(|error| DeliveryError::Connect(error.kind()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let mut driver = JoinSet::new(); // aborts with us
    driver.spawn(connection);
    let request = Request::post("/v1/traces")
        .header(HOST, collector.to_string())
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(CONNECTION, "close")
        .body(Full::new(body))
        .expect("all its parts are valid");
    let response = sender.send_request(request).await.map_err(http)?;
    judge(&response)?;
    let body = Limited::new(response.into_body(), ANSWER).collect().await;
    let body = body.map_err(|error| DeliveryError::Http(error.to_string()))?.to_bytes();
    let answer = ExportTraceServiceResponse::decode(body);
    let answer = answer.map_err(|error| DeliveryError::Http(error.to_string()))?;
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    Ok(u64::try_from(rejected).unwrap_or(0))
}

/// Sorts answers by status: taken, later, or never.
fn judge<B>(response: &Response<B>) -> Result<(), DeliveryError> {
    let status = response.status();
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            // the form with a date is rare, and our own pauses do for it
            let after = after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            Err(DeliveryError::Later { status, after })
        }
        status => Err(DeliveryError::Refused(status)),
    }
}

fn count(spans: usize) -> u64 {
    u64::try_from(spans).expect("a usize has at most 64 bits")
}
