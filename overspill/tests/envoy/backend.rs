//! Real servers behind the gateway: each answers with the head of the request that reached it,
//! under a name, and remembers it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client;

/// What a backend does with a request.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) delay: Duration,
}

pub(crate) const GOOD: Answer = Answer { status: 200, delay: Duration::ZERO };

/// A server on a port of its own; it ends with the process.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    /// One that is well.
    pub(crate) fn new(name: &'static str) -> Self {
        Self::with(name, |_| GOOD)
    }

    /// One that answers by the number of the request, from 0.
    pub(crate) fn with(name: &'static str, answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::over(name, answer, Ok)
    }

    /// One that is spoken to over what is made of a connection.
    pub(crate) fn over<S: Read + Write>(
        name: &'static str,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
        accept: impl Fn(TcpStream) -> std::io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        Self::listening(TcpListener::bind("127.0.79.5:0").unwrap(), name, answer, accept)
    }

    /// One that is well, at an address.
    pub(crate) fn at(address: &str, name: &'static str) -> Self {
        Self::listening(TcpListener::bind(address).unwrap(), name, |_| GOOD, Ok)
    }

    fn listening<S: Read + Write>(
        listener: TcpListener,
        name: &'static str,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
        accept: impl Fn(TcpStream) -> std::io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (log, shared) = (Arc::clone(&seen), Arc::new((answer, accept)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, shared) = (Arc::clone(&log), Arc::clone(&shared));
                std::thread::spawn(move || {
                    let mut stream = shared.1(stream)?;
                    loop {
                        serve(&mut stream, name, &shared.0, &log)?;
                    }
                    #[allow(unreachable_code, reason = "it tells the type of errors")]
                    Ok::<(), std::io::Error>(())
                });
            }
        });
        Self { address, seen }
    }

    /// The heads of the requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    stream: &mut (impl Read + Write),
    name: &str,
    answer: &impl Fn(usize) -> Answer,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let head = client::head(stream)?;
    let number = {
        let mut log = log.lock().unwrap();
        log.push(head.clone());
        log.len() - 1
    };
    let answer = answer(number);
    std::thread::sleep(answer.delay);
    let (status, length) = (answer.status, head.len());
    let text = format!(
        "HTTP/1.1 {status} X\r\nx-backend: {name}\r\nx-inner: 1\r\ncontent-length: {length}\r\n\r\n{head}"
    );
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
