//! The executor over TCP on loopback: keys, cancelling, limits, and that nobody waits for a hung check.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use lb_core::health::{Check, CheckFile};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use super::*;
use crate::probe::{AnswerFault, Failure, Phase, Preparer};

fn check(text: &str) -> Arc<PreparedCheck> {
    let file: CheckFile = serde_json::from_str(text).expect("a check");
    Preparer::new().prepare(&Check::try_from(file).expect("a valid check")).expect("nothing is needed")
}

fn executor(at_once: usize) -> Executor<u32> {
    Executor::new(Handle::current(), &Settings { at_once })
}

/// An address where nobody listens any more.
fn closed() -> SocketAddr {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// A listener whose queue is full: the kernel answers no SYN any more.
fn deaf() -> (Socket, Vec<std::net::TcpStream>, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let patience = Duration::from_millis(100);
    let queue: Vec<_> =
        (0..4).map_while(|_| std::net::TcpStream::connect_timeout(&address, patience).ok()).collect();
    assert!(queue.len() < 4, "the queue of one is full after two");
    (socket, queue, address)
}

#[tokio::test]
async fn a_hung_check_delays_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_socket, _queue, hung) = deaf();
    let (mut executor, connect) = (executor(100), check(r#"{"kind": "tcp"}"#));
    let began = Instant::now();
    for key in 0..20 {
        executor.start(key, &connect, Target::plain(hung), Duration::from_millis(800));
    }
    executor.start(20, &connect, Target::plain(listener.local_addr().unwrap()), Duration::from_secs(5));
    executor.start(21, &connect, Target::plain(closed()), Duration::from_secs(5));
    let mut quick = [executor.finished().await, executor.finished().await];
    assert!(began.elapsed() < Duration::from_millis(600), "{:?}", began.elapsed());
    quick.sort_by_key(|finished| finished.key);
    assert_eq!((quick[0].key, &quick[0].report.result), (20, &Ok(())));
    let refused = Err(Failure::Refused { phase: Phase::Connect });
    assert_eq!((quick[1].key, &quick[1].report.result), (21, &refused));
    for _ in 0..20 {
        let finished = executor.finished().await;
        assert_eq!(finished.report.result, Err(Failure::Timeout { phase: Phase::Connect }));
        assert_eq!(finished.report.timings.connect, None);
    }
    // Early enough for the owner to hear the phase before its own timer.
    assert!(began.elapsed() < Duration::from_millis(1_000), "{:?}", began.elapsed());
    assert_eq!(executor.running(), 0);
}

#[tokio::test]
async fn what_is_cancelled_or_replaced_is_not_reported() {
    let (_socket, _queue, hung) = deaf();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut executor, connect) = (executor(100), check(r#"{"kind": "tcp"}"#));
    let good = Target::plain(listener.local_addr().unwrap());
    executor.start(1, &connect, Target::plain(hung), Duration::from_millis(300));
    executor.cancel(&1);
    executor.start(2, &connect, Target::plain(hung), Duration::from_secs(60));
    executor.start(2, &connect, good, Duration::from_secs(60));
    // This one is over before it is given up.
    executor.start(3, &connect, good, Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(100)).await;
    executor.cancel(&3);
    assert_eq!(executor.finished().await.key, 2);
    let more = tokio::time::timeout(Duration::from_millis(400), executor.finished()).await;
    assert!(more.is_err(), "{more:?}");
    assert_eq!(executor.running(), 0);
}

#[tokio::test]
async fn at_the_limit_the_checker_is_to_blame() {
    let (_socket, _queue, hung) = deaf();
    let (mut executor, connect) = (executor(2), check(r#"{"kind": "tcp"}"#));
    for key in 0..3 {
        executor.start(key, &connect, Target::plain(hung), Duration::from_millis(400));
    }
    let first = executor.finished().await;
    assert_eq!((first.key, first.report.result), (2, Err(LocalFault::Busy.into())));
    // A turn comes back when a check is given up.
    executor.cancel(&0);
    executor.start(3, &connect, Target::plain(closed()), Duration::from_secs(5));
    assert_eq!(executor.finished().await.key, 3);
}

#[tokio::test]
async fn an_answer_must_begin_as_wanted() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::plain(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4];
                stream.read_exact(&mut request).await.unwrap();
                // In two parts, then nothing more, but the connection stays.
                stream.write_all(b"+PO").await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                if &request == b"QUIT" {
                    return;
                }
                stream.write_all(b"NG").await.unwrap();
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        }
    });
    let table = [
        ("PING", "+PONG", Ok(())),
        ("PING", "+PO", Ok(())),
        ("PING", "+PUNG", Err(AnswerFault::Differs { at: 2 }.into())),
        ("PING", "+PONG!", Err(Failure::Timeout { phase: Phase::Body })),
        ("QUIT", "+PONG", Err(AnswerFault::Short { got: 3, wanted: 5 }.into())),
    ];
    for (send, receive, result) in table {
        let check = check(&format!(r#"{{"kind": "tcp", "send": "{send}", "receive": "{receive}"}}"#));
        let report = check.run(&target, Duration::from_millis(300)).await;
        assert_eq!(report.result, result, "{send} {receive}");
        assert!(report.timings.connect.is_some() && report.timings.answer.is_some(), "{report:?}");
    }
}

/// Only the kernel's handshake shows whether a mere connection reaches the application.
#[tokio::test]
async fn an_application_does_not_see_a_mere_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::plain(listener.local_addr().unwrap());
    for _ in 0..50 {
        let report = check(r#"{"kind": "tcp"}"#).run(&target, Duration::from_secs(5)).await;
        assert_eq!(report.result, Ok(()));
    }
    let seen = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(seen.is_err(), "{seen:?}");
}

/// IPVS forgets such a connection sooner.
#[tokio::test]
async fn a_marked_connection_is_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, source) = (listener.local_addr().unwrap(), Ipv4Addr::LOCALHOST.into());
    let report =
        check(r#"{"kind": "tcp"}"#).run(&Target::marked(address, 7, source), Duration::from_secs(5)).await;
    if report.result == Err(LocalFault::Permission.into()) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI may set marks");
        return eprintln!("skipped: marks need CAP_NET_ADMIN");
    }
    assert_eq!(report.result, Ok(()));
    let seen = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
    assert!(seen.is_ok(), "{seen:?}");
}

#[test]
fn a_thread_of_its_own_works_and_ends() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut executor = Executor::on_own_thread(&Settings { at_once: 4 }).unwrap();
    let target = Target::plain(listener.local_addr().unwrap());
    executor.start("only", &check(r#"{"kind": "tcp"}"#), target, Duration::from_secs(5));
    let runtime = Builder::new_current_thread().build().unwrap();
    let finished = runtime.block_on(executor.finished());
    assert_eq!((finished.key, finished.report.result), ("only", Ok(())));
}
