//! Sockets to the kernel itself, blocking and for tokio.
//!
//! The one idea: a socket is opened with everything that makes answers good
//! (extended acknowledgements, short ones, strict checks of what is asked) and
//! connected, so that nobody but the kernel can send to it. A kernel that lacks
//! one of these options still works, its answers only say less.

use std::io;

use netlink_sys::{AsyncSocket, AsyncSocketExt, Socket, SocketAddr, TokioSocket};

use super::{AsyncTransport, Protocol, Transport};

/// A dump's parts have at most 32 KiB, whatever room there is; acknowledgements and single answers have far less.
const RECEIVE_BYTES: usize = 64 * 1024;

/// A blocking socket.
#[derive(Debug)]
pub struct KernelSocket(Socket);

/// A socket in tokio's reactor.
pub struct AsyncKernelSocket(TokioSocket);

impl KernelSocket {
    /// Opens a socket in the current network namespace.
    ///
    /// # Errors
    ///
    /// What the system calls failed with.
    pub fn open(protocol: Protocol) -> io::Result<Self> {
        let mut socket = Socket::new(protocol.number())?;
        configure(&mut socket, protocol)?;
        Ok(Self(socket))
    }
}

impl AsyncKernelSocket {
    /// Opens a socket in the current network namespace, from within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system calls failed with.
    pub fn open(protocol: Protocol) -> io::Result<Self> {
        let mut socket = <TokioSocket as AsyncSocket>::new(protocol.number())?;
        configure(socket.socket_mut(), protocol)?;
        Ok(Self(socket))
    }
}

fn configure(socket: &mut Socket, protocol: Protocol) -> io::Result<()> {
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    // Since Linux 4.2, 4.12 and 4.20. Without them a refusal is a number.
    let _ = socket.set_cap_ack(true);
    let _ = socket.set_ext_ack(true);
    if protocol == Protocol::Route {
        let _ = socket.set_netlink_get_strict_chk(true);
    }
    Ok(())
}

impl Transport for KernelSocket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        retry(|| self.0.send(datagram, 0)).and_then(|sent| whole(sent, datagram))
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        buffer.reserve(RECEIVE_BYTES);
        retry(|| self.0.recv(buffer, 0)).map(drop)
    }
}

impl AsyncTransport for AsyncKernelSocket {
    async fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let sent = AsyncSocketExt::send(&self.0, datagram).await?;
        whole(sent, datagram)
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        buffer.reserve(RECEIVE_BYTES);
        AsyncSocketExt::recv(&self.0, buffer).await
    }
}

/// A signal handler elsewhere in the process is no reason to fail.
fn retry<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn whole(sent: usize, datagram: &[u8]) -> io::Result<()> {
    if sent == datagram.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

impl std::fmt::Debug for AsyncKernelSocket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("AsyncKernelSocket").field(self.0.socket_ref()).finish()
    }
}
