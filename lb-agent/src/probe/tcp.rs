//! TCP: connecting, and an exchange over whatever stream stands.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use lb_core::health::Exchange;

use super::dial::{self, Use};
use super::failure::{AnswerFault, Failure};
use super::report::{Phase, Progress};
use super::target::Target;

/// A connection, then the exchange if there is one.
pub(super) async fn check(
    exchange: &Exchange,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    if exchange.is_empty() {
        // IPVS, which a mark leads through, keeps a connection without an ACK for a minute,
        // one that was reset after it for ten seconds.
        let purpose = if target.mark.is_some() { Use::Talk } else { Use::ConnectOnly };
        return dial::tcp(target, port, purpose, Phase::Answer, progress).await.map(drop);
    }
    let mut stream = dial::tcp(target, port, Use::Talk, Phase::Answer, progress).await?;
    converse(exchange, &mut stream, progress).await
}

/// Sends, then reads until it is clear whether the answer begins as it must.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    exchange: &Exchange,
    stream: &mut S,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error, progress: &Progress| Failure::of(&error, progress.phase());
    if !exchange.send.is_empty() {
        stream.write_all(&exchange.send).await.map_err(|error| failed(error, progress))?;
        stream.flush().await.map_err(|error| failed(error, progress))?;
    }
    let wanted = exchange.receive.len();
    let mut answer = Vec::with_capacity(wanted);
    while answer.len() < wanted {
        let mut rest = (&mut *stream).take((wanted - answer.len()) as u64);
        let got = rest.read_buf(&mut answer).await.map_err(|error| failed(error, progress))?;
        if progress.phase() == Phase::Answer {
            progress.enter(Phase::Body);
        }
        // The first wrong byte is enough: more may never come.
        if let Some(at) = exchange.receive.first_difference(&answer) {
            return Err(AnswerFault::Differs { at }.into());
        }
        match (got, answer.len()) {
            (0, 0) => return Err(Failure::Closed { phase: Phase::Answer }),
            (0, got) => return Err(AnswerFault::Short { got, wanted }.into()),
            _ => {}
        }
    }
    Ok(())
}
