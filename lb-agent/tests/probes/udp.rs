//! UDP against an echo of our own: up, down (nobody listens), slow, lying.

use std::net::{SocketAddr, UdpSocket};

use lb_agent::probe::{AnswerFault, Failure, Phase};

use crate::support::{expect, free};

/// Answers each datagram with what `answer` makes of it; ends with the process.
fn server(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length]) {
                socket.send_to(&answer, from).expect("the check listens");
            }
        }
    });
    address
}

#[tokio::test]
async fn an_echo_up_and_lying() {
    let echo = server(|datagram| Some(datagram.to_vec()));
    let table = [
        (r#"{"kind": "udp"}"#, Ok(())),
        (r#"{"kind": "udp", "send": "ping", "receive": "pi"}"#, Ok(())),
        (r#"{"kind": "udp", "sendHex": "16 03 01 ff", "receiveHex": "16 03 0X XX"}"#, Ok(())),
        (r#"{"kind": "udp", "send": "ping", "receive": "pong"}"#, Err(AnswerFault::Differs { at: 1 }.into())),
        (
            r#"{"kind": "udp", "send": "pi", "receive": "ping"}"#,
            Err(AnswerFault::Short { got: 2, wanted: 4 }.into()),
        ),
    ];
    expect(echo, &table).await;
}

#[tokio::test]
async fn down_and_slow() {
    // The kernel answers for a port where nobody listens: ICMP port unreachable.
    expect(free(), &[(r#"{"kind": "udp", "send": "ping"}"#, Err(Failure::Refused { phase: Phase::Answer }))])
        .await;
    let slow = server(|_| None);
    expect(slow, &[(r#"{"kind": "udp", "send": "ping"}"#, Err(Failure::Timeout { phase: Phase::Answer }))])
        .await;
}
