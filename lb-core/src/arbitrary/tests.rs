//! What is generated is what it claims to be: good packets are read as the
//! value that wrote them says, by two parsers; all kinds come up.

use alloc::vec::Vec;
use std::collections::BTreeSet;
use std::string::String;

use etherparse::{LaxPacketHeaders, TransportHeader};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::packet::{Draft, Piece, Upper};
use super::{config, connection, director, flow, packet};
use crate::checksum::Sum;
use crate::flow::Addresses;
use crate::packet::{Fragment, parse};

/// `parse(emit(x))` is x, as far as a packet is parsed.
fn check(draft: &Draft) -> Result<(), TestCaseError> {
    let bytes = draft.emit();
    let read = match parse(&bytes) {
        Ok(read) => read,
        Err(error) => return Err(TestCaseError::fail(std::format!("{error}: {bytes:02x?}"))),
    };
    prop_assert_eq!(read.bytes(), &bytes[..], "nothing is padding");
    prop_assert_eq!(read.ip, draft.ip_header());
    prop_assert_eq!(read.payload, draft.payload());
    prop_assert_eq!(read.flow_key(), draft.flow_key());
    Ok(())
}

/// Whole packets: etherparse finds the checksums right, and so does [`Sum`].
fn check_checksums(draft: &Draft) -> Result<(), TestCaseError> {
    let bytes = draft.emit();
    if !draft.is_v6() {
        prop_assert!(Sum::of(&bytes[..draft.header_length()]).is_valid());
    }
    let upper = &bytes[draft.header_length()..];
    let pseudo_header =
        Sum::of_pseudo_header(&draft.addresses, draft.upper.protocol(&draft.addresses), upper.len() as u32);
    match (&draft.upper, draft.addresses) {
        (Upper::Tcp { .. } | Upper::Udp { .. }, _) => prop_assert!(pseudo_header.bytes(upper).is_valid()),
        (Upper::Other { .. } | Upper::Sctp { .. }, _) => {}
        (_, Addresses::V4 { .. }) => prop_assert!(Sum::of(upper).is_valid()),
        (_, Addresses::V6 { .. }) => prop_assert!(pseudo_header.bytes(upper).is_valid()),
    }
    // Neither extension headers in any order nor SCTP are etherparse's.
    let Ok(theirs) = LaxPacketHeaders::from_ip(&bytes) else { return Ok(()) };
    let (Some(ip), Some(transport)) = (&theirs.net, &theirs.transport) else { return Ok(()) };
    let data = theirs.payload.slice();
    let expected = match (transport, ip.ipv4_ref(), ip.ipv6_ref()) {
        (TransportHeader::Udp(udp), Some((ip, _)), _) => (udp.checksum, udp.calc_checksum_ipv4(ip, data)),
        (TransportHeader::Udp(udp), _, Some((ip, _))) => (udp.checksum, udp.calc_checksum_ipv6(ip, data)),
        (TransportHeader::Tcp(tcp), Some((ip, _)), _) => (tcp.checksum, tcp.calc_checksum_ipv4(ip, data)),
        (TransportHeader::Tcp(tcp), _, Some((ip, _))) => (tcp.checksum, tcp.calc_checksum_ipv6(ip, data)),
        _ => return Ok(()),
    };
    prop_assert_eq!(Ok(expected.0), expected.1);
    Ok(())
}

proptest! {
    #[test]
    fn packets_are_read_as_they_were_meant(draft in packet::packet()) {
        check(&draft)?;
        check_checksums(&Draft { piece: Piece::Whole, ..draft })?;
    }

    #[test]
    fn packets_of_a_flow_are_steered_by_it(
        (flow, one) in flow::flow().prop_flat_map(|flow| (Just(flow), packet::of_flow(flow))),
    ) {
        check(&one)?;
        prop_assert_eq!(one.flow_key(), Some(flow));
    }

    #[test]
    fn errors_quote_an_answer_of_their_flow(
        (flow, error) in flow::flow().prop_flat_map(|flow| (Just(flow), packet::error_about(flow))),
    ) {
        check(&error)?;
        prop_assert!(error.flow_key().is_none_or(|found| found == flow));
        prop_assert_eq!(error.addresses.destination(), flow.destination());
    }

    /// The pieces of a datagram, put together, are the datagram.
    #[test]
    fn fragments_add_up(
        pieces in flow::flow().prop_flat_map(packet::fragments_of_flow),
    ) {
        prop_assert!((2..=8).contains(&pieces.len()), "{}", pieces.len());
        let whole = Draft { piece: Piece::Whole, ..pieces[0].clone() };
        let mut together: Vec<u8> = Vec::new();
        for (place, piece) in pieces.iter().enumerate() {
            check(piece)?;
            prop_assert_eq!(matches!(piece.fragment(), Fragment::First { .. }), place == 0);
            together.extend(&piece.emit()[piece.header_length()..]);
        }
        prop_assert_eq!(together, &whole.emit()[whole.header_length()..]);
    }

    #[test]
    fn echo_requests_go_where_they_are_sent(
        (vip, echo) in config::service()
            .prop_map(|service| service.address.address)
            .prop_flat_map(|vip| (Just(vip), packet::echo_to(vip))),
    ) {
        check(&echo)?;
        check_checksums(&echo)?;
        prop_assert_eq!(echo.addresses.destination(), vip);
    }

    #[test]
    fn flows_lead_to_a_service(
        (config, flow) in config::small().prop_flat_map(|config| (Just(config.clone()), flow::flow_to_any(&config, 3))),
    ) {
        let found = config.services.iter().find(|service| {
            let address = service.address;
            (address.address, address.port, address.protocol)
                == (flow.destination(), flow.destination_port(), flow.protocol())
        });
        prop_assert!(found.is_some());
    }
}

/// SCTP's checksum of the digits 1 to 9: the check value of the catalogues of CRCs.
#[test]
fn the_sum_of_sctp_is_crc32c() {
    assert_eq!(packet::bytes::crc32c(b"123456789"), 0xe306_9283);
}

/// `count` values, always the same ones.
fn sample<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// No kind of packet is so rare that a property test would never see it.
#[test]
fn every_kind_of_packet_comes_up() {
    let kind = |draft: &Draft| {
        let upper = match &draft.upper {
            Upper::EchoRequest { .. } => "echo",
            Upper::Error { .. } => "error",
            Upper::Icmp { .. } => "icmp",
            Upper::Other { .. } => "other",
            Upper::Sctp { .. } => "sctp",
            Upper::Tcp { .. } => "tcp",
            Upper::Udp { .. } => "udp",
        };
        let piece = match draft.fragment() {
            Fragment::First { .. } => "first",
            Fragment::Later { .. } => "later",
            Fragment::Whole => "whole",
        };
        let more = match draft.extensions.is_empty() && draft.options.is_empty() {
            true => "plain",
            false => "options",
        };
        (draft.is_v6(), upper, piece, more)
    };
    let seen: BTreeSet<_> = sample(&packet::packet(), 5_000).iter().map(kind).collect();
    // Two families; errors are whole; with options and without.
    assert_eq!(seen.len(), 2 * (6 * 3 + 1) * 2, "{seen:?}");
}

#[test]
fn damage_is_noticed_and_unnoticed() {
    let verdicts: BTreeSet<String> = sample(&packet::damaged(), 5_000)
        .iter()
        .map(|bytes| parse(bytes).map_or_else(|error| std::format!("{error:?}"), |_| "fine".into()))
        .collect();
    // All twelve errors but none that lies in no length: see `ParseError`.
    assert_eq!(verdicts.len(), 13, "{verdicts:?}");
}

#[test]
fn every_operation_comes_up() {
    use super::director::Operation;
    let course = config::small().prop_flat_map(|config| director::operation(&config));
    let kinds = sample(&course, 500).into_iter().map(|operation| match operation {
        Operation::Packet(_) => 0,
        Operation::Pass(_) => 1,
        Operation::SetBackend { .. } => 2,
        Operation::SetConfig(_) => 3,
        Operation::Timeout => 4,
    });
    assert_eq!(kinds.collect::<BTreeSet<_>>().len(), 5);
    let segments: BTreeSet<_> = sample(&connection::segment(), 2_000).into_iter().collect();
    assert_eq!(segments.len(), 5 + 2 + 10, "all events, datagrams, no header, ten classes of chunk");
}
