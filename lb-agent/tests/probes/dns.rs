//! DNS against knot: every record type, answers cut off, zones it does not have; and servers that lie.

use std::fs;
use std::time::Instant;

use lb_agent::probe::{DnsFault, Failure, Phase};

use crate::support::{Server, expect, folder, free, program, silent};

const ZONE: &str = r#"
$ORIGIN example.test.
$TTL 60
@     SOA   ns1 hostmaster 1 3600 600 86400 60
@     NS    ns1
@     MX    10 mail
@     TXT   "v=spf1" " -all"
ns1   A     192.0.2.53
www   A     192.0.2.1
www   A     192.0.2.2
www   AAAA  2001:db8::1
shop  CNAME www
"#;

fn knot() -> Option<Server> {
    let (program, folder, address) = (program("knotd")?, folder(), free());
    let path = folder.path().display().to_string();
    // More than fits a datagram of 512 bytes.
    let many: String = (0..100).map(|last| format!("many  A  198.51.100.{last}\n")).collect();
    fs::write(folder.path().join("zone"), format!("{ZONE}{many}")).expect("the folder is ours");
    let configuration = format!(
        "server:\n  rundir: {path}\n  listen: [ {}@{} ]\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n  storage: {path}\n\
         zone:\n  - domain: example.test\n    file: {path}/zone\n",
        address.ip(),
        address.port(),
    );
    fs::write(folder.path().join("knot.conf"), configuration).expect("the folder is ours");
    let arguments = ["-c".to_owned(), format!("{path}/knot.conf")];
    Some(Server::start(&program, arguments, folder, address).listening())
}

#[tokio::test]
async fn knot_up_and_lying() {
    let Some(mut knot) = knot() else { return };
    let ready = r#"{"kind": "dns", "name": "example.test", "record": "SOA"}"#;
    let began = Instant::now();
    while crate::support::run(ready, knot.address, crate::support::PATIENCE).await.result.is_err() {
        knot.must_live(began);
    }
    let differs = |records| Err(DnsFault::Differs { records }.into());
    let table = [
        (r#"{"kind": "dns", "name": "www.example.test"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "WWW.Example.Test.", "answer": "192.0.2.2"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "www.example.test", "answer": "192.0.2.3"}"#, differs(2)),
        (r#"{"kind": "dns", "name": "www.example.test", "record": "AAAA", "answer": "2001:db8::1"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "shop.example.test", "answer": "192.0.2.1"}"#, Ok(())),
        (
            r#"{"kind": "dns", "name": "shop.example.test", "record": "CNAME", "answer": "www.example.test"}"#,
            Ok(()),
        ),
        (
            r#"{"kind": "dns", "name": "shop.example.test", "record": "CNAME", "answer": "www.example.org"}"#,
            differs(1),
        ),
        (r#"{"kind": "dns", "name": "example.test", "record": "NS", "answer": "ns1.example.test"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "example.test", "record": "MX", "answer": "MAIL.example.test"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "example.test", "record": "SOA", "answer": "ns1.example.test"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "example.test", "record": "TXT", "answer": "v=spf1 -all"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "example.test", "record": "TXT", "answer": "v=spf1"}"#, differs(1)),
        (r#"{"kind": "dns", "name": "example.test"}"#, Err(DnsFault::Nothing.into())),
        // Cut off over UDP, whole over TCP; the last of the hundred is there.
        (r#"{"kind": "dns", "name": "many.example.test", "answer": "198.51.100.99"}"#, Ok(())),
        (r#"{"kind": "dns", "name": "many.example.test", "answer": "198.51.100.100"}"#, differs(100)),
        (
            r#"{"kind": "dns", "name": "none.example.test"}"#,
            Err(DnsFault::Code { code: 3, words: "Non-Existent Domain" }.into()),
        ),
        (
            r#"{"kind": "dns", "name": "www.example.org"}"#,
            Err(DnsFault::Code { code: 5, words: "Query Refused" }.into()),
        ),
    ];
    expect(knot.address, &table).await;
}

#[tokio::test]
async fn down_slow_and_lying() {
    let any = r#"{"kind": "dns", "name": "www.example.test"}"#;
    expect(free(), &[(any, Err(Failure::Refused { phase: Phase::Answer }))]).await;

    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    expect(address, &[(any, Err(Failure::Timeout { phase: Phase::Answer }))]).await;
    // A made-up answer with another number, then one about another name.
    let liar = std::thread::spawn(move || {
        let mut query = [0; 512];
        // The one that timed out, and the next.
        for _ in 0..2 {
            let (length, from) = socket.recv_from(&mut query).unwrap();
            let mut reply = query[..length].to_vec();
            reply[2] |= 0x80;
            reply[0] ^= 1;
            socket.send_to(&reply, from).ok();
            reply[0] ^= 1;
            reply[13] = b'x';
            socket.send_to(&reply, from).ok();
        }
    });
    expect(address, &[(any, Err(DnsFault::OtherQuestion.into()))]).await;
    liar.join().unwrap();

    // Cut off over UDP, and then nobody on TCP, or nobody who speaks.
    for (listens, phase) in [(false, Phase::Connect), (true, Phase::Answer)] {
        let (listener, address) = silent();
        let socket = std::net::UdpSocket::bind(address).unwrap();
        if !listens {
            drop(listener);
        }
        let cut = std::thread::spawn(move || {
            let mut query = [0; 512];
            let (length, from) = socket.recv_from(&mut query).unwrap();
            query[2] |= 0x82;
            socket.send_to(&query[..length], from).unwrap();
        });
        let failure = if listens { Failure::Timeout { phase } } else { Failure::Refused { phase } };
        expect(address, &[(any, Err(failure))]).await;
        cut.join().unwrap();
    }
}
