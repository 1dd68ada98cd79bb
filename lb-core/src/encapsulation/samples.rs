//! Packets for the tests of tunnels and ICMP, built by hand and by etherparse.
//!
//! The one idea: [`Client`] says in words what a test varies; etherparse, which
//! shares no code with us, writes the bytes. Random packets are
//! [`arbitrary`](crate::arbitrary::packet)'s. Used by tests only.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::string::String;
use std::vec::Vec;

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, UdpHeader};

use super::{Tunnel, TunnelOptions};
use crate::config::Forward;

pub(crate) const CLIENT_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const VIP_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub(crate) const NODE_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
pub(crate) const BACKEND_V4: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
pub(crate) const CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(crate) const VIP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x10);
pub(crate) const NODE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);
pub(crate) const BACKEND_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);

pub(crate) const FORWARDS: [Forward; 3] = [Forward::Ipip, Forward::Gue { port: 6080 }, Forward::Gre];
pub(crate) const BACKENDS: [IpAddr; 2] = [IpAddr::V4(BACKEND_V4), IpAddr::V6(BACKEND_V6)];

/// A UDP packet of a client to a VIP.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) v6: bool,
    pub(crate) traffic_class: u8,
    pub(crate) time_to_live: u8,
    /// IPv4 only.
    pub(crate) dont_fragment: bool,
    /// IPv4 only, a multiple of four up to 40.
    pub(crate) options: usize,
    /// Bytes after the UDP header.
    pub(crate) payload: usize,
}

impl Client {
    pub(crate) const V4: Self =
        Self { v6: false, traffic_class: 0, time_to_live: 61, dont_fragment: true, options: 0, payload: 10 };
    pub(crate) const V6: Self = Self { v6: true, ..Self::V4 };

    /// A packet that is `length` bytes long in all.
    pub(crate) fn of_length(v6: bool, length: usize) -> Self {
        let headers = if v6 { 48 } else { 28 };
        Self { v6, payload: length - headers, ..Self::V4 }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let data: Vec<u8> = (0..self.payload).map(|at| (at * 7) as u8).collect();
        let udp = UdpHeader {
            source_port: 40_000,
            destination_port: 443,
            length: (8 + data.len()).min(0xffff) as u16,
            checksum: 0,
        };
        let mut bytes = Vec::new();
        if self.v6 {
            let header = Ipv6Header {
                traffic_class: self.traffic_class,
                flow_label: Ipv6FlowLabel::ZERO,
                payload_length: (8 + data.len()) as u16,
                next_header: IpNumber::UDP,
                hop_limit: self.time_to_live,
                source: CLIENT_V6.octets(),
                destination: VIP_V6.octets(),
            };
            header.write(&mut bytes).unwrap();
        } else {
            let mut header = Ipv4Header::new(
                (8 + data.len()) as u16,
                self.time_to_live,
                IpNumber::UDP,
                CLIENT_V4.octets(),
                VIP_V4.octets(),
            )
            .unwrap();
            header.dscp = (self.traffic_class >> 2).try_into().unwrap();
            header.ecn = (self.traffic_class & 3).try_into().unwrap();
            header.dont_fragment = self.dont_fragment;
            header.identification = 77;
            header.options = vec_of_no_operations(self.options).as_slice().try_into().unwrap();
            header.total_len = (20 + self.options + 8 + data.len()) as u16;
            header.header_checksum = header.calc_header_checksum();
            header.write(&mut bytes).unwrap();
        }
        udp.write(&mut bytes).unwrap();
        bytes.extend(data);
        bytes
    }
}

fn vec_of_no_operations(length: usize) -> Vec<u8> {
    std::iter::repeat_n(1, length).collect()
}

pub(crate) fn options(forward: Forward, mtu: u16) -> TunnelOptions {
    TunnelOptions::new(forward, Some(NODE_V4), Some(NODE_V6), mtu)
}

pub(crate) fn tunnel(forward: Forward, mtu: u16) -> Tunnel {
    Tunnel::new(options(forward, mtu))
}

/// Bytes from hexadecimal digits.
pub(crate) fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The lines of a file of golden packets: a name and two packets.
pub(crate) fn golden(text: &str) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let lines = text.lines().map(|line| {
        let mut words = line.rsplitn(3, ' ');
        let (second, first, name) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        (String::from(name), bytes_of(first), bytes_of(second))
    });
    lines.collect()
}
