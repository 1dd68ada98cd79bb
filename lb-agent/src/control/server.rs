//! The agent's end of the control socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Answer, MAX_CONNECTIONS, MAX_REQUEST, Request};

/// A connection that says nothing for so long is closed.
const PATIENCE: Duration = Duration::from_secs(60);
/// After a connection that could not be taken, as when descriptors are short: so many lines in the log.
const PAUSE: Duration = Duration::from_secs(1);
/// Requests that wait for the loop; more wait in their connections.
const QUEUE: usize = 16;

/// A request on its way to the loop, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What is asked.
    pub(crate) request: Request,
    /// Whoever asked may have gone; nobody minds.
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The socket; its file goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    requests: mpsc::Receiver<Asked>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Listens at `path`, which is for its owner and for `group`.
    ///
    /// A socket that a dead agent left is replaced; one that answers is not.
    ///
    /// # Errors
    ///
    /// The path cannot be listened at, or an agent answers there already.
    pub(crate) fn listen(path: &Path, group: Option<u32>) -> io::Result<Self> {
        clear_the_way(path)?;
        let listener = UnixListener::bind(path)?;
        // until its rights are narrowed nobody can have connected: the folder is ours, or the umask was
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        if let Some(group) = group {
            std::os::unix::fs::chown(path, None, Some(group))?;
        }
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        let (sender, requests) = mpsc::channel(QUEUE);
        let accepting = tokio::spawn(accept(listener, sender));
        Ok(Self { path: path.to_owned(), requests, accepting })
    }

    /// The next request; never ends while the server lives.
    pub(crate) async fn asked(&mut self) -> Asked {
        match self.requests.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        // whoever asks then is told that nobody listens, either way
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the folder, and removes a socket at which nobody listens.
fn clear_the_way(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o750))?;
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no socket is there; remove it",
        )),
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => {
                Err(io::Error::new(io::ErrorKind::AddrInUse, "an agent answers there already; stop it first"))
            }
            Err(_) => fs::remove_file(path),
        },
    }
}

async fn accept(listener: UnixListener, requests: mpsc::Sender<Asked>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // a connection beyond the limit waits in the kernel's queue
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, requests.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket does not accept");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one connection until it ends, is silent for too long, or says what is no request.
async fn serve(stream: UnixStream, requests: mpsc::Sender<Asked>, place: OwnedSemaphorePermit) {
    let _place = place;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_REQUEST).unwrap_or(u64::MAX);
        let mut limited = (&mut reader).take(limit);
        let read = tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return;
        }
        let whole = line.ends_with(b"\n");
        let answer = match serde_json::from_slice::<Request>(&line) {
            _ if !whole && line.len() == MAX_REQUEST => {
                Answer::Refused(format!("no request; it is one line of JSON of at most {MAX_REQUEST} bytes"))
            }
            Err(error) => Answer::Refused(format!("no request: {error}")),
            Ok(request) => answer_of(request, &requests).await,
        };
        let refused_line = !whole;
        let mut text = serde_json::to_vec(&answer).unwrap_or_default();
        text.push(b'\n');
        let written = tokio::time::timeout(PATIENCE, writer.write_all(&text)).await;
        if refused_line || !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

async fn answer_of(request: Request, requests: &mpsc::Sender<Asked>) -> Answer {
    let (sender, receiver) = oneshot::channel();
    let asked = requests.send(Asked { request, answer: sender }).await;
    match (asked, receiver.await) {
        (Ok(()), Ok(answer)) => answer,
        (Err(_), _) | (_, Err(_)) => Answer::Refused("the agent is stopping".to_owned()),
    }
}
