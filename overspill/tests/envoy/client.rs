//! A client of HTTP/1.1 that says exactly what it is told, over anything that carries bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
            .unwrap_or_default()
    }

    /// Which backend answered.
    pub(crate) fn backend(&self) -> &str {
        self.header("x-backend")
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Asks for a page.
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> Response {
    ask(address, &format!("GET {path}"), host, "")
}

/// A request with a method and more lines of header, each with its end.
pub(crate) fn ask(address: SocketAddr, request: &str, host: &str, headers: &str) -> Response {
    exchange(&mut connect(address), request, host, headers).unwrap()
}

pub(crate) fn exchange(
    stream: &mut (impl Read + Write),
    request: &str,
    host: &str,
    headers: &str,
) -> std::io::Result<Response> {
    kept(stream, request, host, &format!("{headers}Connection: close\r\n"))
}

/// The same on a connection that stays.
pub(crate) fn kept(
    stream: &mut (impl Read + Write),
    request: &str,
    host: &str,
    headers: &str,
) -> std::io::Result<Response> {
    let text = format!("{request} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
    stream.write_all(text.as_bytes())?;
    let head = head(stream)?;
    let mut response = Response {
        status: head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(),
        head,
        body: String::new(),
    };
    // Envoy takes a second to close, so the end is known by the length
    let length = response.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    if response.header("transfer-encoding") == "chunked" {
        response.body = chunks(stream)?;
    } else {
        response.body = String::from_utf8_lossy(&body).into_owned();
    }
    Ok(response)
}

/// The bytes up to the empty line.
pub(crate) fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn chunks(stream: &mut impl Read) -> std::io::Result<String> {
    let mut body = Vec::new();
    loop {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while !line.ends_with(b"\r\n") {
            stream.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk)?;
        body.extend(&chunk[..length]);
        if length == 0 {
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
    }
}
