//! The asking end of the control socket: blocking, one question.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Answer, MAX_LINE, Request};

/// A loop that does not answer within this hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens, or we may not ask.
    #[error(
        "{path}: {error}; is lb-agent running with this socket, and may you use it? (control.socket, control.group)"
    )]
    Connect {
        /// The socket.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The agent was reached and did not answer.
    #[error("the agent does not answer: {0}; `status` of its service tells whether it lives")]
    Silent(io::Error),
    /// The agent answered in words that are not known here.
    #[error("the agent's answer is not understood ({0}); use the lb-agent of its version")]
    Foreign(serde_json::Error),
    /// The agent answered, and the answer is no.
    #[error("{0}")]
    Refused(String),
}

/// Asks the agent at `path` one thing.
///
/// # Errors
///
/// There is no agent, no answer, or the answer is no.
pub(crate) fn ask<T: DeserializeOwned>(path: &Path, request: &Request) -> Result<T, ClientError> {
    let connect = |error| ClientError::Connect { path: path.display().to_string(), error };
    let mut stream = UnixStream::connect(path).map_err(connect)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(ClientError::Silent)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(ClientError::Silent)?;
    let mut line = serde_json::to_vec(request).map_err(ClientError::Foreign)?;
    line.push(b'\n');
    stream.write_all(&line).map_err(ClientError::Silent)?;
    let mut answer = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    BufReader::new(stream).take(limit).read_until(b'\n', &mut answer).map_err(ClientError::Silent)?;
    if answer.is_empty() {
        return Err(ClientError::Silent(io::ErrorKind::UnexpectedEof.into()));
    }
    match serde_json::from_slice(&answer).map_err(ClientError::Foreign)? {
        Answer::Done(value) => serde_json::from_str(value.get()).map_err(ClientError::Foreign),
        Answer::Refused(why) => Err(ClientError::Refused(why)),
    }
}
