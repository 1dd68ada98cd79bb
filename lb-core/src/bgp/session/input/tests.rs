//! Tests of the stream: however it is cut, the same messages come out, and nothing is hoarded.

use super::*;
use crate::bgp::message::{Message, Notification};

fn stream() -> (Vec<Vec<u8>>, Vec<u8>) {
    let notification = |length| Notification { code: 6, subcode: 4, data: alloc::vec![7; length] };
    let messages = [
        Message::Keepalive,
        Message::Notification(notification(0)),
        Message::Keepalive,
        Message::Notification(notification(4_000)),
    ];
    let messages: Vec<_> = messages.iter().map(|message| message.emit(Dialect::default()).unwrap()).collect();
    (messages.clone(), messages.concat())
}

#[test]
fn any_cut_gives_the_same_messages() {
    let (messages, stream) = stream();
    for piece in [1, 2, 18, 19, 20, 37, 100, 4_096, 10_000] {
        let mut input = Input::default();
        let mut found = Vec::new();
        for mut bytes in stream.chunks(piece) {
            while let Some(message) = input.next(&mut bytes, Dialect::default()).unwrap() {
                found.push(message);
            }
            assert!(bytes.is_empty(), "all is taken");
            assert!(input.kept.len() < 4_096, "one message at most is kept");
        }
        assert_eq!(found, messages, "pieces of {piece}");
    }
}

#[test]
fn nonsense_is_refused_with_its_first_octet() {
    let mut input = Input::default();
    assert_eq!(
        input.next(&mut &b"GET / HTTP/1.1\r\n"[..], Dialect::default()),
        Err(MessageError::NotSynchronized)
    );
    let mut input = Input::default();
    let mut header = [0xff; 19];
    header[16..].copy_from_slice(&[0xff, 0xff, 2]);
    assert_eq!(
        input.next(&mut &header[..], Dialect::default()),
        Err(MessageError::Length { length: 0xffff })
    );
}

#[test]
fn a_long_promise_takes_no_memory() {
    let mut input = Input::default();
    let mut header = [0xff; 19];
    header[16..].copy_from_slice(&[0xff, 0xff, 2]);
    let dialect = Dialect { extended_messages: true, ..Dialect::default() };
    assert_eq!(input.next(&mut &header[..], dialect), Ok(None));
    assert!(input.kept.capacity() < 100);
}
