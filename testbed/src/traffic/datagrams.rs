//! Many flows cheaply: one datagram each, noted by the backend that got it.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use lb_core::Protocol;

use super::servers::Servers;
use crate::lag::{Lag, Stopwatch};
use crate::namespace::Namespace;

/// Datagrams on their way at one time: what queues hold.
const BATCH: usize = 64;
/// Times that a datagram is sent before its flow counts as taken by nobody.
const TRIES: usize = 3;

/// A datagram that has not come by then is lost, if it was ever to come.
const PATIENCE: Duration = Duration::from_millis(400);

/// Sends a datagram from each source; for each flow the backend that got it.
pub(crate) fn send(
    client: &Namespace,
    servers: &Servers,
    lag: &Lag,
    vip: SocketAddr,
    sources: &[SocketAddr],
) -> anyhow::Result<Vec<Option<usize>>> {
    let mut taken = Vec::with_capacity(sources.len());
    for batch in sources.chunks(BATCH) {
        for _ in 0..TRIES {
            let missing = |source: &&SocketAddr| servers.taker(Protocol::UDP, **source).is_none();
            let open: Vec<SocketAddr> = batch.iter().filter(missing).copied().collect();
            let watch = lag.stopwatch();
            client.run(|| open.iter().try_for_each(|source| send_one(*source, vip)))?;
            if wait(servers, &watch, &open) {
                break;
            }
        }
        taken.extend(batch.iter().map(|source| servers.taker(Protocol::UDP, *source)));
    }
    Ok(taken)
}

fn send_one(source: SocketAddr, vip: SocketAddr) -> std::io::Result<()> {
    UdpSocket::bind(source)?.send_to(b"?", vip).map(drop)
}

/// Whether all came in time, which is later by what the host took.
fn wait(servers: &Servers, watch: &Stopwatch, sources: &[SocketAddr]) -> bool {
    loop {
        if sources.iter().all(|source| servers.taker(Protocol::UDP, *source).is_some()) {
            return true;
        }
        if watch.since.elapsed() > PATIENCE + watch.lag() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
