//! Tests of the control socket: questions and answers through a real socket, its rights, its limits, its path.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::*;

/// A server in a thread of its own that answers every request with itself.
fn echo(path: &Path) -> tokio::task::JoinHandle<()> {
    let mut server = Server::listen(path, None).unwrap();
    tokio::spawn(async move {
        loop {
            let Asked { request, answer } = server.asked().await;
            let _ = answer.send(Answer::done(&request));
        }
    })
}

async fn asking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_question_is_answered_and_the_socket_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/control.sock");
    let server = echo(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let request = Request::Drain { backend: Some([10, 1, 0, 5].into()), service: None, out: true };
    let (asked, at) = (request.clone(), path.clone());
    let answer = asking(move || ask::<Request>(&at, &asked)).await;
    assert_eq!(answer.unwrap(), request);
    server.abort();
    let _ = server.await;
    assert!(!path.exists(), "the socket goes with its server");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_a_long_line_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let server = echo(&path);
    let lines = asking(move || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"{\"ask\":\"fly\"}\n{\"ask\":\"status\"}\n").unwrap();
        stream.write_all(&vec![b'x'; MAX_REQUEST]).unwrap();
        BufReader::new(stream).lines().map_while(Result::ok).collect::<Vec<_>>()
    })
    .await;
    assert!(lines[0].starts_with("{\"refused\":\"no request: unknown variant `fly`"), "{}", lines[0]);
    assert_eq!(lines[1], "{\"done\":{\"ask\":\"status\"}}");
    assert!(lines[2].contains("at most 4096 bytes"), "{}", lines[2]);
    assert_eq!(lines.len(), 3, "the connection has ended");
    server.abort();
}

#[tokio::test]
async fn a_dead_agents_socket_is_replaced_and_a_living_ones_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = Server::listen(&path, None).unwrap();
    let error = Server::listen(&path, None).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    drop(server);
    std::fs::write(&path, "").unwrap();
    assert_eq!(Server::listen(&path, None).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn without_an_agent_the_client_says_so() {
    let error = ask::<Request>(Path::new("/nonexistent/control.sock"), &Request::Status).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/control.sock: No such file"), "{error}");
}
