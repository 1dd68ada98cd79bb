//! As much of HTTP/2, gRPC and protobuf as one Envoy asks of a management server: one connection,
//! one stream, messages that fit a frame. Sources: RFC 9113, RFC 7541, `discovery.proto`.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use mesh_model::xds::{Kind, Request, Response};

/// What a connection of HTTP/2 begins with (RFC 9113, 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACKNOWLEDGED: u8 = 1;
const END_HEADERS: u8 = 4;

/// Reads what Envoy begins a connection with, and begins it.
pub(crate) fn greet(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface)?;
    assert_eq!(preface, PREFACE);
    // windows as large as they may be, so that none need be opened again
    let window = (u32::MAX >> 1).to_be_bytes();
    frame(stream, SETTINGS, 0, 0, &[&[0, 4][..], &window].concat())?;
    frame(stream, WINDOW_UPDATE, 0, 0, &((u32::MAX >> 1) - 65_535).to_be_bytes())
}

/// Writes a frame.
pub(crate) fn frame(to: &mut impl Write, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    to.write_all(&[&head, payload].concat())
}

/// Sends a message of gRPC.
pub(crate) fn send(to: &mut impl Write, stream: u32, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    frame(to, DATA, 0, stream, &[&[0], &length[..], message].concat())
}

/// Reads frames until there is a message; its stream and its bytes. `buffer` holds what came of the next.
pub(crate) fn receive(io: &mut (impl Read + Write), buffer: &mut Vec<u8>) -> io::Result<(u32, Vec<u8>)> {
    let mut of = 1;
    loop {
        if let Some((length, rest)) = buffer.get(1..5).zip(buffer.get(5..)) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if rest.len() >= length {
                let message = rest[..length].to_vec();
                buffer.drain(..5 + length);
                return Ok((of, message));
            }
        }
        let mut head = [0; 9];
        io.read_exact(&mut head)?;
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        io.read_exact(&mut payload)?;
        match (head[3], head[4] & ACKNOWLEDGED) {
            (DATA, _) => {
                buffer.extend(payload);
                of = stream;
            }
            // 200, and the type of the content, neither of them remembered
            (HEADERS, _) => {
                let fields = [&[0x88, 0x0f, 0x10, 16][..], b"application/grpc"].concat();
                frame(io, HEADERS, END_HEADERS, stream, &fields)?;
            }
            (SETTINGS, 0) => frame(io, SETTINGS, ACKNOWLEDGED, 0, &[])?,
            (PING, 0) => frame(io, PING, ACKNOWLEDGED, 0, &payload)?,
            _ => {}
        }
    }
}

fn number(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

/// The fields of a message that have a length, by number; others are left out.
pub(crate) fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes);
        let skipped = match key & 7 {
            0 => {
                number(&mut bytes);
                continue;
            }
            1 => 8,
            5 => 4,
            _ => {
                let length = usize::try_from(number(&mut bytes)).unwrap();
                found.push((key >> 3, &bytes[..length]));
                length
            }
        };
        bytes = &bytes[skipped..];
    }
    found
}

pub(crate) fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(value);
    bytes
}

/// A `Secret` with a certificate, of its JSON as `mesh_model::envoy::certificate` gives it.
pub(crate) fn secret(body: &serde_json::Value) -> Vec<u8> {
    let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().as_bytes();
    // `DataSource.inline_string`
    let inline = |pointer: &str| field(3, text(pointer));
    let chain = field(1, &inline("/tls_certificate/certificate_chain/inline_string"));
    let key = field(2, &inline("/tls_certificate/private_key/inline_string"));
    [field(1, text("/name")), field(2, &[chain, key].concat())].concat()
}

/// A `DeltaDiscoveryRequest`.
pub(crate) fn request(bytes: &[u8]) -> Request {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = fields(bytes);
    let of = |number: u64| all.iter().filter(move |(of, _)| *of == number).map(|(_, value)| *value);
    let url = of(2).map(text).next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.type_url() == url).unwrap();
    let entry = |bytes: &[u8]| {
        let of =
            |wanted| fields(bytes).into_iter().find(|(of, _)| *of == wanted).map(|(_, value)| text(value));
        (of(1).unwrap_or_default(), of(2).unwrap_or_default())
    };
    let why =
        |status: &[u8]| fields(status).into_iter().find(|(of, _)| *of == 2).map(|(_, words)| text(words));
    Request {
        nonce: of(6).map(text).next().unwrap_or_default(),
        error: of(7).map(|status| why(status).unwrap_or_default()).next(),
        subscribe: of(3).map(text).collect(),
        unsubscribe: of(4).map(text).collect(),
        has: of(5).map(entry).collect::<BTreeMap<_, _>>(),
        ..Request::first(kind)
    }
}

/// A `DeltaDiscoveryResponse`; `protobuf` gives the bytes of a resource.
pub(crate) fn response(response: &Response, protobuf: impl Fn(&serde_json::Value) -> Vec<u8>) -> Vec<u8> {
    let url = response.kind.type_url().as_bytes();
    let mut bytes = field(1, response.version.as_bytes());
    for one in &response.resources {
        let any = [field(1, url), field(2, &protobuf(&one.body))].concat();
        let parts = [field(1, one.version.as_bytes()), field(2, &any), field(3, one.name.as_bytes())];
        bytes.extend(field(2, &parts.concat()));
    }
    bytes.extend(field(4, url));
    bytes.extend(field(5, response.nonce.as_bytes()));
    bytes.extend(response.removed.iter().flat_map(|name| field(6, name.as_bytes())));
    bytes
}
