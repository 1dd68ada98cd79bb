//! The backends: a process of its own, so that what it costs is not counted as the checks' cost.

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Where the backends are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Answers.
    pub(crate) answers: u16,
    /// Has a full queue, so that the kernel answers no SYN.
    pub(crate) deaf: u16,
}

/// The process; it ends with this one, whose end closes its standard input.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    ports: Ports,
}

impl Server {
    pub(crate) fn start(kind: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([kind, "--serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it is piped")?).read_line(&mut line)?;
        let ports = line.trim().split_once(' ').context("the server says where it listens")?;
        let ports = Ports { answers: ports.0.parse()?, deaf: ports.1.parse()? };
        Ok(Self { child, ports })
    }

    pub(crate) const fn ports(&self) -> Ports {
        self.ports
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends.
pub(crate) async fn serve(kind: &str) -> anyhow::Result<()> {
    let listen = |backlog| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        socket.bind(&std::net::SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
        socket.listen(backlog)?;
        TcpListener::from_std(socket.into())
    };
    let (listener, deaf) = (listen(4_096)?, listen(0)?);
    // The queue holds one more than it says.
    let _queue = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, deaf.local_addr()?.port()))?;
    println!("{} {}", listener.local_addr()?.port(), deaf.local_addr()?.port());
    let tls = if kind == "https" { Some(acceptor()?) } else { None };
    let is_http = kind.starts_with("http");
    // A connection that is only made never gets here.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                // The check may have gone: that is its right.
                match tls {
                    None => answer(stream, is_http).await.ok(),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => answer(stream, is_http).await.ok(),
                        Err(_) => None,
                    },
                }
            });
        }
    });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, is_http: bool) -> std::io::Result<()> {
    let mut request = [0; 1_024];
    let length = stream.read(&mut request).await?;
    let answer: &[u8] =
        if is_http { b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" } else { &request[..length] };
    stream.write_all(answer).await?;
    stream.flush().await?;
    // Until the check ends it.
    stream.read(&mut request).await.map(drop)
}

fn acceptor() -> anyhow::Result<TlsAcceptor> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
