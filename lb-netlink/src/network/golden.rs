//! What `ip` sends for the same, to compare our requests with.
//!
//! Captured from iproute2 6.1.0 in a namespace of its own (`unshare -n`), with
//! `strace -e trace=sendmsg -e write=3 ip ...`: the bytes of the one request,
//! netlink header included. The order of attributes means nothing to the kernel,
//! so requests are compared as sets of what they say.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;

use crate::socket::Request;

/// The bytes of a hex dump, blanks ignored.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Asserts that ours says nothing but what `ip` says, and gives what `ip` says beyond that.
pub(crate) fn only_in_ip(ours: &RouteNetlinkMessage, captured: &str) -> Vec<String> {
    let captured = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes(captured)).unwrap();
    let NetlinkPayload::InnerMessage(theirs) = captured.payload else { panic!("no request: {captured:?}") };
    let ours_again = again(ours);
    assert_eq!(&ours_again, ours, "what we send does not survive being read");
    let (ours, mut theirs) = (said(ours), said(&theirs));
    for part in &ours {
        let place = theirs.iter().position(|other| other == part);
        theirs.remove(place.unwrap_or_else(|| panic!("only in ours: {part}\n of ip: {theirs:#?}")));
    }
    theirs
}

/// The message written and read again.
pub(crate) fn again(message: &RouteNetlinkMessage) -> RouteNetlinkMessage {
    use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};

    let request = Request::new(message);
    let mut header = NetlinkHeader::default();
    header.message_type = request.kind;
    RouteNetlinkMessage::deserialize(&header, &request.payload).unwrap()
}

/// A message as the words of its debug output, one per field or attribute.
fn said(message: &RouteNetlinkMessage) -> Vec<String> {
    let text = format!("{message:#?}");
    let mut said = Vec::new();
    let mut depth: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        match line.chars().last() {
            Some('{' | '[' | '(') => depth.push(line),
            _ if line.starts_with(['}', ']', ')']) => drop(depth.pop()),
            _ => said.push(format!("{} {line}", depth.join(" "))),
        }
    }
    said
}
