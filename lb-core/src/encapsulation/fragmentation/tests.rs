//! Outer packets cut into fragments, and put together again.

use core::net::IpAddr;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::samples::*;
use super::*;
use crate::encapsulation::Tunnel;
use crate::hash::FlowHash;
use crate::packet;

fn outer(tunnel: &Tunnel, client: &Client, backend: IpAddr) -> Vec<u8> {
    let bytes = client.bytes();
    let inner = packet::parse(&bytes).unwrap();
    let mut out = vec![0; 70_000];
    let length = tunnel
        .encapsulate(&inner, backend, FlowHash(7), &mut Identification::starting_at(9), &mut out)
        .unwrap();
    out.truncate(length);
    out
}

fn fragments(packet: &[u8], mtu: u16) -> Vec<Vec<u8>> {
    let packet = packet::parse(packet).unwrap();
    let mut fragments = Fragments::new(&packet, mtu, &mut Identification::starting_at(0xabcd_1234)).unwrap();
    let mut out = vec![0; 70_000];
    let mut all = Vec::new();
    while let Some(length) = fragments.write_next(&mut out).unwrap() {
        all.push(out[..length].to_vec());
    }
    assert_eq!(fragments.write_next(&mut out), Ok(None), "the end stays the end");
    all
}

/// Reassembles as RFC 791 and RFC 8200 say, from headers read by etherparse.
fn reassemble(fragments: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        let last = at + 1 == fragments.len();
        let (offset, more, part) = if fragment[0] >> 4 == 4 {
            let header = etherparse::Ipv4HeaderSlice::from_slice(fragment).unwrap();
            assert_eq!(usize::from(header.total_len()), fragment.len());
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            (header.fragments_offset().byte_offset(), header.more_fragments(), &fragment[20..])
        } else {
            assert_eq!(usize::from(u16::from_be_bytes([fragment[4], fragment[5]])), fragment.len() - 40);
            assert_eq!(fragment[6], 44);
            let header = etherparse::Ipv6FragmentHeaderSlice::from_slice(&fragment[40..]).unwrap();
            assert_eq!(header.identification(), 0xabcd_1234);
            assert_eq!(header.next_header().0, fragments[0][40]);
            (header.fragment_offset().byte_offset(), header.more_fragments(), &fragment[48..])
        };
        assert_eq!(offset as usize, payload.len());
        assert_eq!(more, !last);
        assert!(last || part.len() % 8 == 0);
        payload.extend_from_slice(part);
    }
    payload
}

#[test]
fn a_packet_that_fits_comes_out_whole() {
    for (form, backend) in [(0, BACKENDS[0]), (0, BACKENDS[1])] {
        let packet = outer(&tunnel(FORWARDS[form], 1500), &Client::V4, backend);
        assert_eq!(fragments(&packet, 1500), [packet]);
    }
}

#[test]
fn a_packet_without_payload_comes_out_once() {
    let mut packet = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let checksum = Sum::of(&packet).checksum().to_be_bytes();
    packet[10..12].copy_from_slice(&checksum);
    assert_eq!(fragments(&packet, 68), [packet.to_vec()]);
}

#[test]
fn refusals() {
    let mut identification = Identification::default();
    let client = Client::of_length(false, 200);
    let packet = outer(&tunnel(FORWARDS[0], 1500), &client, BACKENDS[0]);
    let with_df = packet::parse(&packet).unwrap();
    let refused =
        |packet: &Packet<'_>, mtu| Fragments::new(packet, mtu, &mut Identification::default()).unwrap_err();
    assert_eq!(refused(&with_df, 100), FragmentationError::DontFragment);
    assert_eq!(refused(&with_df, 67), FragmentationError::MtuTooSmall { minimum: 68 });
    let v6 = outer(&tunnel(FORWARDS[0], 1500), &client, BACKENDS[1]);
    let v6 = packet::parse(&v6).unwrap();
    assert_eq!(refused(&v6, 1279), FragmentationError::MtuTooSmall { minimum: 1280 });
    let options = Client { options: 4, ..client }.bytes();
    assert_eq!(refused(&packet::parse(&options).unwrap(), 100), FragmentationError::Unsupported);

    let mut fragments = Fragments::new(&v6, 1280, &mut identification).unwrap();
    let needed = v6.bytes().len();
    assert_eq!(fragments.write_next(&mut [0; 10]), Err(FragmentationError::OutTooSmall { needed }));
    assert_eq!(fragments.write_next(&mut [0; 1280]), Ok(Some(needed)), "and can be repeated");
    assert_eq!(identification, Identification::default(), "what fits needs no identification");
}

proptest! {
    #[test]
    fn fragments_fit_and_reassemble(
        length in 1300_usize..65_000, form in 0_usize..6, mtu in 1280_u16..9000
    ) {
        let client = Client { dont_fragment: false, ..Client::of_length(false, length) };
        let backend = BACKENDS[form % 2];
        let packet = outer(&tunnel(FORWARDS[form / 2], mtu), &client, backend);
        let all = fragments(&packet, mtu);
        prop_assert!(all.iter().all(|fragment| fragment.len() <= usize::from(mtu)));
        if packet.len() <= usize::from(mtu) {
            prop_assert_eq!(all, [packet]);
        } else {
            let header = if form % 2 == 0 { 20 } else { 40 };
            prop_assert_eq!(reassemble(&all), &packet[header..]);
            for (at, fragment) in all.iter().enumerate() {
                let parsed = packet::parse(fragment).unwrap().ip.fragment;
                prop_assert_eq!(matches!(parsed, Fragment::First { .. }), at == 0);
                prop_assert_eq!(matches!(parsed, Fragment::Later { .. }), at > 0);
            }
        }
    }

    #[test]
    fn narrow_ipv4_paths_too(length in 60_usize..2000, mtu in 68_u16..600) {
        let client = Client { dont_fragment: false, ..Client::of_length(false, length) };
        let packet = outer(&tunnel(FORWARDS[0], mtu), &client, BACKENDS[0]);
        let all = fragments(&packet, mtu);
        prop_assert!(all.iter().all(|fragment| fragment.len() <= usize::from(mtu)));
        if all.len() > 1 {
            prop_assert_eq!(reassemble(&all), &packet[20..]);
        }
    }
}
