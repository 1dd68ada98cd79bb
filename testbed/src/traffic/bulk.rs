//! Large transfers, every byte of which is known to both ends.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use socket2::{Domain, Socket, Type};

use super::BULK_PORT;
use super::servers::listener;
use crate::namespace::Namespace;

/// A transfer that stands still for so long hangs.
const PATIENCE: Duration = Duration::from_secs(8);

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Download,
    Upload,
}

/// Serves transfers on a backend for as long as the guest lives.
pub(crate) fn serve(namespace: &Namespace) -> anyhow::Result<()> {
    for address in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        let listener = namespace.run(|| listener(SocketAddr::new(address, BULK_PORT)))?;
        listener.set_nonblocking(false)?;
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // the client judges; a transfer that fails here fails there
                std::thread::spawn(move || drop(transfer(&connection)));
            }
        });
    }
    Ok(())
}

/// The server's side: a line says what is wanted.
fn transfer(connection: &TcpStream) -> anyhow::Result<()> {
    limit(connection)?;
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (what, size) = line.trim().split_once(' ').context("a word and a number")?;
    let size = size.parse()?;
    if what == "download" {
        return send(connection, size);
    }
    receive(reader, size)?;
    (&*connection).write_all(b"!")?;
    Ok(())
}

/// The client's side; an error says how far it came.
pub(crate) fn run(
    client: &Namespace,
    source: SocketAddr,
    vip: IpAddr,
    direction: Direction,
    size: usize,
) -> anyhow::Result<()> {
    let vip = SocketAddr::new(vip, BULK_PORT);
    let connection: TcpStream = client.run(|| -> anyhow::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(vip), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&source.into())?;
        socket.connect_timeout(&vip.into(), PATIENCE)?;
        Ok(socket.into())
    })?;
    limit(&connection)?;
    match direction {
        Direction::Download => {
            writeln!(&connection, "download {size}")?;
            receive(&connection, size)
        }
        Direction::Upload => {
            writeln!(&connection, "upload {size}")?;
            send(&connection, size)?;
            let mut answer = [0];
            (&connection).read_exact(&mut answer)?;
            ensure!(answer == *b"!", "the backend answered something else");
            Ok(())
        }
    }
}

fn limit(connection: &TcpStream) -> std::io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))
}

/// The bytes at these positions: no part of the stream looks like another near it.
fn pattern(from: usize, buffer: &mut [u8]) {
    for (byte, at) in buffer.iter_mut().zip(from..) {
        *byte = (at ^ (at >> 8) ^ (at >> 16)) as u8;
    }
}

fn send(mut to: impl Write, size: usize) -> anyhow::Result<()> {
    let mut buffer = [0; 4096];
    for from in (0..size).step_by(buffer.len()) {
        let part = &mut buffer[..(size - from).min(4096)];
        pattern(from, part);
        to.write_all(part).with_context(|| format!("after {from} bytes"))?;
    }
    Ok(())
}

fn receive(mut from: impl Read, size: usize) -> anyhow::Result<()> {
    let (mut buffer, mut wanted) = ([0; 4096], [0; 4096]);
    let mut at = 0;
    while at < size {
        let count = from.read(&mut buffer).with_context(|| format!("after {at} bytes"))?;
        ensure!(count > 0, "it ended after {at} of {size} bytes");
        pattern(at, &mut wanted[..count]);
        ensure!(buffer[..count] == wanted[..count], "other bytes than were sent, after {at}");
        at += count;
    }
    Ok(())
}
