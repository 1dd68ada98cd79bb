//! Echo on loopback through real raw sockets (skipped without the privilege), and messages that are not ours.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use proptest::prelude::*;

use super::message::{self, Family, Heard, Ping};
use super::*;

const PING: Ping = Ping { identifier: 0x1234, sequence: 7, nonce: [9; 16] };

/// An IPv4 header of 24 bytes: with an option, so that nobody counts on 20.
fn v4(source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x46, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend([1, 1, 1, 0]);
    packet.extend(payload);
    packet
}

#[test]
fn replies_and_errors_lead_to_their_echo() {
    let (here, there, router) =
        (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 3));
    let request = PING.request(Family::V4);
    assert_eq!(request.len(), 64);
    assert!(lb_core::checksum::Sum::of(&request).is_valid());
    let mut reply = request;
    reply[0] = 0;
    let read = |bytes: &[u8]| {
        message::read(Family::V4, 0x1234, bytes).map(|(sequence, heard)| (sequence, format!("{heard:?}")))
    };
    let heard = |heard: Heard<'_>| Some((7, format!("{heard:?}")));
    assert_eq!(read(&v4(there, here, &reply)), heard(Heard::Reply(&PING.payload())));
    assert_eq!(read(&v4(there, here, &request)), None, "a request, as loopback brings it back");
    assert_eq!(message::read(Family::V4, 0x4321, &v4(there, here, &reply)), None, "somebody else's");
    for (code, what) in [(0, NoWay::Network), (1, NoWay::Host), (3, NoWay::Host), (13, NoWay::Forbidden)] {
        let mut error = vec![3, code, 0, 0, 0, 0, 0, 0];
        error.extend(v4(here, there, &request[..8]));
        let unreachable = Heard::Unreachable { asked: there.into(), what };
        assert_eq!(read(&v4(router, here, &error)), heard(unreachable));
        for length in 0..24 + error.len() {
            assert_eq!(read(&v4(router, here, &error)[..length]), None, "cut off at {length}");
        }
    }
}

#[test]
fn errors_of_ipv6_lead_to_their_echo() {
    let there = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
    for (code, what) in [(0, NoWay::Network), (1, NoWay::Forbidden), (3, NoWay::Host)] {
        let mut error = vec![1, code, 0, 0, 0, 0, 0, 0];
        error.extend([0; 24]);
        error.extend(there.octets());
        error.extend(PING.request(Family::V6));
        let unreachable = Heard::Unreachable { asked: there.into(), what };
        assert_eq!(message::read(Family::V6, 0x1234, &error), Some((7, unreachable)));
        assert_eq!(message::read(Family::V6, 0x1234, &error[..50]), None, "cut off");
    }
}

fn may_ping() -> bool {
    let may = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).is_ok();
    assert!(may || std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI may open raw sockets");
    if !may {
        eprintln!("skipped: raw sockets need CAP_NET_RAW");
    }
    may
}

#[tokio::test]
async fn many_share_a_socket_and_each_hears_its_own() {
    if !may_ping() {
        return;
    }
    let pinger = Arc::new(Pinger::default());
    let checks = (0..500_u16).map(|number| {
        let pinger = Arc::clone(&pinger);
        tokio::spawn(async move {
            let [high, low] = number.to_be_bytes();
            let address = IpAddr::from([127, 1, high, low]);
            let wait = tokio::time::timeout(Duration::from_secs(5), async {
                pinger.check(address, &mut Progress::new()).await
            });
            wait.await.expect("loopback answers")
        })
    });
    for check in checks.collect::<Vec<_>>() {
        assert_eq!(check.await.unwrap(), Ok(()));
    }
    let open = locked(&pinger.v4);
    assert!(locked(&open.as_ref().unwrap().line.waiting).by_sequence.is_empty(), "nobody waits any more");
}

#[tokio::test]
async fn the_other_family_works_and_silence_is_given_up() {
    if !may_ping() {
        return;
    }
    let pinger = Pinger::default();
    assert_eq!(pinger.check(Ipv6Addr::LOCALHOST.into(), &mut Progress::new()).await, Ok(()));
    // Nobody answers a reply: the check hears nothing, is given up, and leaves its number.
    let line = pinger.line(Ipv4Addr::LOCALHOST.into()).unwrap();
    let (turn, answer) = line.wait_for(Ipv4Addr::LOCALHOST.into()).unwrap();
    let wait = tokio::time::timeout(Duration::from_millis(50), answer);
    assert!(wait.await.is_err());
    drop(turn);
    assert!(locked(&line.waiting).by_sequence.is_empty());
}

#[tokio::test]
async fn a_reply_to_another_process_of_the_same_identifier_is_not_ours() {
    if !may_ping() {
        return;
    }
    let pinger = Pinger::default();
    // Of a documentation network: nobody else answers.
    let (here, there) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(192, 0, 2, 1));
    let line = pinger.line(there.into()).unwrap();
    let reply = |nonce: [u8; 16], sequence: u16| {
        let mut reply = Ping { identifier: line.identifier, sequence, nonce }.request(Family::V4);
        reply[0] = 0;
        v4(there, here, &reply)
    };
    let (turn, mut answer) = line.wait_for(there.into()).unwrap();
    line.hear(there.into(), &reply([0; 16], turn.sequence));
    assert!(answer.try_recv().is_err(), "the neighbour's");
    line.hear(there.into(), &reply(line.nonce, turn.sequence));
    assert_eq!(answer.try_recv(), Ok(Ok(())));

    let (turn, mut answer) = line.wait_for(there.into()).unwrap();
    let mut spoiled = reply(line.nonce, turn.sequence);
    *spoiled.last_mut().unwrap() ^= 1;
    line.hear(there.into(), &spoiled);
    assert_eq!(answer.try_recv(), Ok(Err(AnswerFault::Differs { at: 55 }.into())));
}

#[test]
fn a_runtime_that_ended_takes_nothing_with_it() {
    if !may_ping() {
        return;
    }
    let pinger = Pinger::default();
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(async {
            let mut progress = Progress::new();
            let check = pinger.check(Ipv4Addr::LOCALHOST.into(), &mut progress);
            tokio::time::timeout(Duration::from_secs(5), check).await
        });
        assert_eq!(result, Ok(Ok(())));
    }
}

proptest! {
    #[test]
    fn no_bytes_harm_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..120), kind in 0_usize..6) {
        let mut bytes = bytes;
        for (family, header) in [(Family::V4, 20), (Family::V6, 0)] {
            // Mostly of a type that is looked into.
            if let Some(first) = bytes.get_mut(header) {
                *first = [0, 3, 1, 129, 128, 255][kind];
            }
            let _ = message::read(family, 0x1234, &bytes);
        }
    }
}
