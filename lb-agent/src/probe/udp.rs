//! UDP: a datagram out, the first one back counts.
//!
//! The socket is connected: it takes datagrams of the target only, and the ICMP errors that
//! come instead (a port where nobody listens) are its errors.

use tokio::net::UdpSocket;

use lb_core::health::Exchange;

use super::dial;
use super::failure::{AnswerFault, Failure};
use super::report::{Phase, Progress};
use super::target::Target;

/// The largest payload of a datagram.
const LARGEST: usize = 65_535;

/// A datagram and the answer to it.
pub(super) async fn check(
    exchange: &Exchange,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let socket = dial::udp(target, port)?;
    progress.enter(Phase::Answer);
    send(&socket, &exchange.send).await?;
    // More than is compared would be cut off without harm.
    let mut answer = vec![0; exchange.receive.len().min(LARGEST)];
    let got = receive(&socket, &mut answer).await?;
    progress.enter(Phase::Body);
    match exchange.receive.first_difference(&answer[..got]) {
        Some(at) => Err(AnswerFault::Differs { at }.into()),
        None if got < exchange.receive.len() => {
            Err(AnswerFault::Short { got, wanted: exchange.receive.len() }.into())
        }
        None => Ok(()),
    }
}

pub(super) async fn send(socket: &UdpSocket, datagram: &[u8]) -> Result<(), Failure> {
    socket.send(datagram).await.map_err(|error| Failure::of(&error, Phase::Answer)).map(drop)
}

pub(super) async fn receive(socket: &UdpSocket, into: &mut [u8]) -> Result<usize, Failure> {
    socket.recv(into).await.map_err(|error| Failure::of(&error, Phase::Answer))
}
