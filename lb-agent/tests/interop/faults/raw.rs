//! A peer made by hand, over a plain socket: each kind of garbage and the NOTIFICATION that it earns.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::link::{Link, ROUTER};
use crate::router::{Brand, Router, Settings};
use crate::speaker::{Speaker, file, peer};
use crate::with_some;

/// What a peer sends after the speaker's OPEN, and the code and subcode that answer it.
struct Case {
    name: &'static str,
    sends: Vec<u8>,
    answer: (u8, u8),
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap();
    [&[0xff; 16][..], &length.to_be_bytes(), &[kind], body].concat()
}

/// An OPEN of AS 64500 without capabilities.
fn open(version: u8, asn: u16, hold_time: u16, router_id: [u8; 4]) -> Vec<u8> {
    let body = [&[version][..], &asn.to_be_bytes(), &hold_time.to_be_bytes(), &router_id, &[0]].concat();
    message(1, &body)
}

fn cases() -> Vec<Case> {
    let good = || open(4, 64_500, 9, [192, 0, 2, 9]);
    let up = |then: Vec<u8>| [good(), message(4, &[]), then].concat();
    let with_length = |length: u16| [&[0xff; 16][..], &length.to_be_bytes(), &[4]].concat();
    // a fixed course of a linear congruential generator
    let noise = (0..4_096_u32).scan(7_u32, |state, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    });
    let marker = |mut bytes: Vec<u8>| {
        bytes[7] = 0;
        bytes
    };
    let case = |name, sends, answer| Case { name, sends, answer };
    vec![
        case("noise", noise.collect(), (1, 1)),
        case("a wrong marker", marker(good()), (1, 1)),
        case("a length under that of a header", with_length(18), (1, 2)),
        case("a length over all bounds", with_length(4_097), (1, 2)),
        case("an unknown type", message(9, &[]), (1, 3)),
        case("HTTP", b"GET / HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n".to_vec(), (1, 1)),
        case("version 3", open(3, 64_500, 9, [192, 0, 2, 9]), (2, 1)),
        case("another autonomous system", open(4, 64_501, 9, [192, 0, 2, 9]), (2, 2)),
        case("no identifier", open(4, 64_500, 9, [0; 4]), (2, 3)),
        case("a hold time of a second", open(4, 64_500, 1, [192, 0, 2, 9]), (2, 6)),
        case("a KEEPALIVE before the OPEN", message(4, &[]), (5, 1)),
        case("a KEEPALIVE with a body", up(message(4, &[0])), (1, 2)),
        case("a second OPEN", up(good()), (5, 3)),
        case("attributes longer than their message", up(message(2, &[0, 0, 0, 200])), (3, 1)),
        case("withdrawn routes longer than their message", up(message(2, &[0, 99, 0, 0])), (3, 1)),
    ]
}

/// Waits for the speaker, sends the case's octets and reads the NOTIFICATION.
fn play(listener: &TcpListener, case: &Case) -> (u8, u8) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let opened = read_message(&mut stream).expect("the speaker begins");
    assert_eq!(opened[18], 1, "{}: its OPEN", case.name);
    stream.write_all(&case.sends).unwrap();
    while let Some(message) = read_message(&mut stream) {
        if message[18] == 3 {
            return (message[19], message[20]);
        }
    }
    panic!("{}: closed without a NOTIFICATION", case.name);
}

/// A whole message; `None` at the end.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = vec![0; 19];
    stream.read_exact(&mut message).ok()?;
    let length = usize::from(u16::from_be_bytes([message[16], message[17]]));
    message.resize(length, 0);
    stream.read_exact(&mut message[19..]).ok()?;
    Some(message)
}

#[test]
fn each_garbage_earns_its_notification_and_the_other_sessions_stay_up() {
    with_some(&[Brand::Bird], |brand| {
        let link = Link::new();
        let router = Router::start(brand, &link, Settings::default());
        let cases = cases();
        let address = |number: usize| format!("10.9.0.{}", 10 + number);
        (0..cases.len()).for_each(|number| link.add_router_address(&format!("{}/32", address(number))));
        let listeners: Vec<TcpListener> = std::thread::scope(|scope| {
            let listen = || {
                link.enter_router();
                (0..cases.len()).map(|number| TcpListener::bind((address(number), 1179)).unwrap()).collect()
            };
            scope.spawn(listen).join().unwrap()
        });
        let raw = |number| format!("{{ address: {}, as: 64500, port: 1179, multihop: 2 }}", address(number));
        let peers: Vec<String> = [peer("")].into_iter().chain((0..cases.len()).map(raw)).collect();
        let mut speaker = Speaker::start(&link, &file(&peers, ""), &["203.0.113.1"]);
        std::thread::scope(|scope| {
            let running: Vec<_> = cases
                .iter()
                .zip(&listeners)
                .map(|(case, listener)| (case, scope.spawn(move || play(listener, case))))
                .collect();
            for (case, running) in running {
                assert_eq!(running.join().unwrap(), case.answer, "{}", case.name);
            }
        });
        router.wait_for(&["203.0.113.1/32"]);
        // The first peer of the status is the router.
        assert_eq!(speaker.number("times_established"), 1);
        let others =
            speaker.process.said().iter().filter(|line| line.contains(&format!("bgp {ROUTER}: down")));
        assert_eq!(others.count(), 0);
    });
}
