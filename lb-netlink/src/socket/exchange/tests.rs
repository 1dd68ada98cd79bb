//! Tests of the machines with bytes from nowhere: no panic, and an end only where there is one.

use proptest::prelude::*;

use super::{Batch, Dump, Exchange, OnFailure};
use crate::socket::Request;
use crate::socket::script::{ack, done, message, part};

fn drive<E: Exchange>(mut exchange: E, datagrams: &[Vec<u8>]) {
    assert!(exchange.poll_transmit().is_some());
    assert_eq!(exchange.poll_transmit(), None, "it is the kernel's turn");
    for datagram in datagrams {
        if exchange.is_finished() || exchange.handle_datagram(datagram).is_err() {
            return;
        }
        exchange.poll_transmit();
    }
}

/// Bytes, and messages that are almost right.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..64);
    let messages = (0..6_u16, any::<u16>(), 0..4_u32, bytes.clone())
        .prop_map(|(kind, flags, sequence, payload)| message(kind, flags, sequence, &payload));
    let cut = (messages.clone(), 0..48_usize).prop_map(|(mut bytes, length)| {
        bytes.truncate(length);
        bytes
    });
    prop_oneof![
        bytes,
        messages.clone(),
        cut,
        prop::collection::vec(messages, 0..4).prop_map(|all| all.concat())
    ]
}

proptest! {
    #[test]
    fn no_answer_makes_a_machine_panic(datagrams in prop::collection::vec(datagram(), 0..6)) {
        let request = Request { kind: 28, flags: 0, payload: vec![1; 9] };
        let requests = vec![request.clone(); 3];
        drive(Dump::new(&request, 1), &datagrams);
        drive(Batch::new(&requests, OnFailure::Continue, 1), &datagrams);
        drive(Batch::new(&requests, OnFailure::Stop, u32::MAX), &datagrams);
    }
}

#[test]
fn a_machine_is_finished_at_the_end_and_not_before() {
    let request = Request { kind: 28, flags: 0, payload: vec![] };
    let mut dump = Dump::new(&request, 5);
    assert_eq!(dump.open_dump(), None, "nothing was asked yet");
    dump.poll_transmit().unwrap();
    for (datagram, open) in [(part(28, 5, b"x"), true), (done(4), true), (ack(6), true), (done(5), false)] {
        assert_eq!((dump.open_dump(), dump.is_finished()), (Some(5), false));
        dump.handle_datagram(&datagram).unwrap();
        assert_eq!(dump.open_dump().is_some(), open);
    }
    assert!(dump.is_finished());
    assert_eq!(dump.into_output().len(), 1);
}

#[test]
fn numbers_of_requests_wrap_around() {
    let requests = vec![Request { kind: 28, flags: 0, payload: vec![] }; 4];
    let mut batch = Batch::new(&requests, OnFailure::Continue, u32::MAX - 1);
    batch.poll_transmit().unwrap();
    batch.handle_datagram(&ack(1)).unwrap();
    assert!(batch.is_finished(), "the fourth number after it");
    assert_eq!(batch.next_sequence(), 2);
}
