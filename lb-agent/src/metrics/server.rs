//! `GET /metrics` over HTTP/1.1, and nothing else.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// What Prometheus wants to be told it gets.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Connections at once: a few Prometheus servers and a person.
const MAX_CONNECTIONS: usize = 16;
/// A request that takes longer to arrive is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection lasts no longer, whether or not its other end reads: one is for one scrape.
const LIFETIME: Duration = Duration::from_secs(60);

/// After a connection that could not be taken, as when descriptors are short: so many lines in the log.
const PAUSE: Duration = Duration::from_secs(1);

/// A scrape that waits for its text.
pub(crate) type Scrape = oneshot::Sender<Bytes>;

/// The listener; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct MetricsServer {
    address: SocketAddr,
    scrapes: mpsc::Receiver<Scrape>,
    accepting: tokio::task::JoinHandle<()>,
}

impl MetricsServer {
    /// Listens at `address`.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub(crate) fn listen(address: SocketAddr) -> io::Result<Self> {
        Self::listen_for(address, LIFETIME)
    }

    fn listen_for(address: SocketAddr, lifetime: Duration) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (sender, scrapes) = mpsc::channel(MAX_CONNECTIONS);
        let accepting = tokio::spawn(accept(TcpListener::from_std(listener)?, sender, lifetime));
        Ok(Self { address, scrapes, accepting })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next scrape.
    pub(crate) async fn scrape(&mut self) -> Scrape {
        match self.scrapes.recv().await {
            Some(scrape) => scrape,
            None => std::future::pending().await,
        }
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, scrapes: mpsc::Sender<Scrape>, lifetime: Duration) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the metrics' address does not accept");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let scrapes = scrapes.clone();
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| answer(request, scrapes.clone()));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(16 << 10);
            // a place that is kept between scrapes is one that others wait for
            server.keep_alive(false);
            // whoever asks may go when they like
            let _ =
                tokio::time::timeout(lifetime, server.serve_connection(TokioIo::new(stream), service)).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    scrapes: mpsc::Sender<Scrape>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status, text: &'static str| {
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return Ok(plain(StatusCode::NOT_FOUND, "only /metrics is here\n"));
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "write GET\n"));
    }
    let (sender, receiver) = oneshot::channel();
    let asked = scrapes.send(sender).await;
    match (asked, receiver.await) {
        (Ok(()), Ok(text)) => {
            let mut response = Response::new(Full::new(text));
            let kind = hyper::header::HeaderValue::from_static(OPEN_METRICS);
            response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
            Ok(response)
        }
        (Err(_), _) | (_, Err(_)) => Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping\n")),
    }
}

#[cfg(test)]
mod tests {
    //! Tests of the server against those who ask badly.

    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn those_who_read_nothing_do_not_keep_others_out() {
        let lifetime = Duration::from_millis(300);
        let mut server = MetricsServer::listen_for("127.0.0.1:0".parse().unwrap(), lifetime).unwrap();
        let address = server.address();
        let text = Bytes::from(vec![b'x'; 16 << 20]);
        let whole = text.len();
        let serving = tokio::spawn(async move {
            loop {
                let _ = server.scrape().await.send(text.clone());
            }
        });
        let asking = tokio::task::spawn_blocking(move || {
            let ask = || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                stream
            };
            let silent: Vec<TcpStream> = (0..2 * MAX_CONNECTIONS).map(|_| ask()).collect();
            let mut answer = Vec::new();
            let mut stream = ask();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.read_to_end(&mut answer).unwrap();
            drop(silent);
            answer.len()
        });
        let read = tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it is its turn soon");
        assert!(read.unwrap() > whole, "all of it, and a head");
        serving.abort();
    }
}
