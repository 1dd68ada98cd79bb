//! Tests of both connections against a scripted kernel: one story, told blocking and asynchronously.

use std::future::Future;

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};

use super::exchange::{DUMP_ATTEMPTS, OnFailure, WINDOW_REQUESTS};
use super::script::{Script, Seen, ack, done, done_interrupted, message, part, refusal};
use super::{AsyncTransport, Connection, Replies, Report, Request, Transport, blocking};
use crate::error::{Doing, Errno, Error, IoCause, Malformed, Rejection};

const KIND: u16 = 0x1c;

fn request(payload: &[u8]) -> Request {
    Request { kind: KIND, flags: 0, payload: payload.to_vec() }
}

fn payloads(replies: &Replies) -> Vec<&[u8]> {
    replies.iter().map(|reply| reply.payload).collect()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The same call on a blocking and on an asynchronous connection; both must end alike.
fn dump(script: fn() -> Script) -> Result<Replies, Error> {
    let blocking = blocking::Connection::new(script()).dump(&request(&[7]));
    assert_eq!(wait(Connection::new(script()).dump(&request(&[7]))), blocking);
    blocking
}

fn query(script: fn() -> Script) -> Result<Replies, Error> {
    let blocking = blocking::Connection::new(script()).query(&request(&[7]));
    assert_eq!(wait(Connection::new(script()).query(&request(&[7]))), blocking);
    blocking
}

fn execute(script: fn() -> Script, commands: &[Request], on_failure: OnFailure) -> Result<Report, Error> {
    let blocking = blocking::Connection::new(script()).execute(commands, on_failure);
    assert_eq!(wait(Connection::new(script()).execute(commands, on_failure)), blocking);
    blocking
}

#[test]
fn a_dump_is_all_parts_in_order_whatever_datagrams_they_came_in() {
    let replies = dump(|| {
        Script::replay(vec![vec![
            [part(KIND, 1, b"one"), part(KIND, 1, b"two2")].concat(),
            part(KIND, 1, b""),
            [part(KIND, 1, b"four"), done(1)].concat(),
        ]])
    })
    .unwrap();
    assert_eq!(payloads(&replies), [&b"one"[..], b"two2", b"", b"four"]);
}

#[test]
fn an_interrupted_dump_is_read_to_its_end_and_begun_again() {
    let script = || {
        Script::replay(vec![
            vec![part(KIND, 1, b"old"), done_interrupted(1)],
            vec![[part(KIND, 2, b"new"), done(2)].concat()],
        ])
    };
    assert_eq!(payloads(&dump(script).unwrap()), [b"new"]);
    let ever =
        || Script::new(|seen| vec![part(KIND, seen[0].sequence, b"x"), done_interrupted(seen[0].sequence)]);
    assert_eq!(dump(ever), Err(Error::Interrupted { attempts: DUMP_ATTEMPTS }));
}

#[test]
fn a_dump_that_fails_says_why() {
    let refused = dump(|| Script::replay(vec![vec![refusal(1, Errno::EPERM, &[])]]));
    assert_eq!(refused, Err(Error::Rejected(Rejection::new(Errno::EPERM))));
    let late = dump(|| {
        Script::replay(vec![vec![part(KIND, 1, b"one"), message(3, 2, 1, &(-12_i32).to_ne_bytes())]])
    });
    assert_eq!(late, Err(Error::Rejected(Rejection::new(Errno::ENOMEM))));
    let lost = dump(|| Script::replay(vec![vec![part(KIND, 1, b"one"), vec![]]]));
    assert_eq!(lost, Err(Error::Overrun));
    let overrun = dump(|| Script::replay(vec![vec![message(4, 0, 1, &[])]]));
    assert_eq!(overrun, Err(Error::Overrun));
}

#[test]
fn answers_cut_short_are_told_from_answers() {
    let cut = dump(|| {
        let mut datagram = part(KIND, 1, b"12345678");
        datagram.truncate(20);
        Script::replay(vec![vec![datagram]])
    });
    assert_eq!(cut, Err(Error::Malformed(Malformed::Length { claimed: 24, available: 20 })));
    let short = dump(|| Script::replay(vec![vec![message(3, 2, 1, &[0, 0])]]));
    assert_eq!(short, Err(Error::Malformed(Malformed::Acknowledgement(2))));
    let silence = dump(|| Script::replay(vec![]));
    let cause = IoCause { kind: std::io::ErrorKind::TimedOut, errno: None, text: "timed out".into() };
    assert_eq!(silence, Err(Error::Io { doing: Doing::Receive, cause }));
}

#[test]
fn a_question_is_answered_before_it_is_acknowledged() {
    let replies = query(|| Script::replay(vec![vec![message(KIND, 0, 1, b"answer"), ack(1)]])).unwrap();
    assert_eq!(payloads(&replies), [b"answer"]);
    let refused = query(|| {
        let text = b"no such thing\0";
        Script::replay(vec![vec![refusal(1, Errno::EINVAL, &[(1, text), (2, &36_u32.to_ne_bytes())])]])
    });
    let message = Some("no such thing".into());
    let rejection = Rejection { message, offset: Some(36), ..Rejection::new(Errno::EINVAL) };
    assert_eq!(refused, Err(Error::Rejected(rejection)));
}

#[test]
fn what_answers_an_older_question_is_passed_over() {
    let script = || {
        Script::new(|seen| {
            let sequence = seen[0].sequence;
            vec![ack(sequence.wrapping_sub(1)), message(KIND, 0, 99, b"stray"), ack(sequence)]
        })
    };
    assert!(query(script).unwrap().is_empty());
}

/// Refuses every command whose first byte is odd, as the kernel would: each refusal, and the acknowledgement asked for.
fn odd_ones_out(seen: &[Seen]) -> Vec<Vec<u8>> {
    let answers = seen.iter().filter_map(|request| {
        let refused = request.payload[0] % 2 == 1;
        let asked = request.flags & NLM_F_ACK != 0;
        match (refused, asked) {
            (true, _) => Some(refusal(request.sequence, Errno::EEXIST, &[])),
            (false, true) => Some(ack(request.sequence)),
            (false, false) => None,
        }
    });
    answers.collect()
}

#[test]
fn a_batch_takes_few_round_trips_and_says_which_command_failed() {
    let commands: Vec<_> = (0..300_u32).map(|number| request(&[u8::from(number % 7 == 3)])).collect();
    let report = execute(|| Script::new(odd_ones_out), &commands, OnFailure::Continue).unwrap();
    assert_eq!((report.executed, report.round_trips), (300, 300_usize.div_ceil(WINDOW_REQUESTS)));
    let failed: Vec<_> = report.failures.iter().map(|failure| failure.index).collect();
    assert_eq!(failed, (0..300).filter(|number| number % 7 == 3).collect::<Vec<_>>());
    assert!(report.failures.iter().all(|failure| failure.rejection == Rejection::new(Errno::EEXIST)));
    assert!(!report.is_complete(300));
}

#[test]
fn a_batch_that_stops_sends_nothing_after_a_failure() {
    let commands = [request(&[0]), request(&[2]), request(&[1]), request(&[4])];
    let report = execute(|| Script::new(odd_ones_out), &commands, OnFailure::Stop).unwrap();
    assert_eq!(report.executed, 3);
    assert_eq!(report.failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [2]);
    let mut connection = blocking::Connection::new(Script::new(odd_ones_out));
    connection.execute(&commands, OnFailure::Stop).unwrap();
    assert_eq!(connection.transport().sent.len(), 3);
}

#[test]
fn no_datagram_is_larger_than_the_send_buffer_takes() {
    let large = vec![request(&[0; 10_000]); 8];
    let mut connection = blocking::Connection::new(Script::new(odd_ones_out));
    let report = connection.execute(&large, OnFailure::Continue).unwrap();
    assert!(report.is_complete(8));
    let datagrams: Vec<_> = connection.transport().sent.iter().map(Vec::len).collect();
    assert_eq!(datagrams, [3, 3, 2]);
    let asked = connection.transport().sent.iter().flatten().map(|seen| seen.flags & NLM_F_ACK != 0);
    assert_eq!(asked.collect::<Vec<_>>(), [false, false, true, false, false, true, false, true]);
    let huge = execute(|| Script::new(odd_ones_out), &[request(&[0; 60_000])], OnFailure::Continue);
    assert!(huge.unwrap().is_complete(1), "what is larger than a window goes alone");
    assert_eq!(execute(|| Script::new(odd_ones_out), &[], OnFailure::Continue), Ok(Report::default()));
}

#[test]
fn lost_answers_of_a_batch_are_not_taken_for_success() {
    let commands = vec![request(&[0]); 200];
    let lost = execute(|| Script::replay(vec![vec![ack(128)], vec![vec![]]]), &commands, OnFailure::Continue);
    assert_eq!(lost, Err(Error::Overrun));
}

#[test]
fn sequence_numbers_are_never_used_twice_in_a_row() {
    let mut connection = blocking::Connection::new(Script::new(|seen| {
        seen.iter()
            .map(|one| if one.flags & NLM_F_DUMP == 0 { ack(one.sequence) } else { done(one.sequence) })
            .collect()
    }));
    connection.execute(&[request(&[0]), request(&[0])], OnFailure::Continue).unwrap();
    connection.dump(&request(&[0])).unwrap();
    connection.query(&request(&[0])).unwrap();
    let sent: Vec<_> =
        connection.transport().sent.iter().flatten().map(|seen| (seen.sequence, seen.flags)).collect();
    let (ask, table) = (NLM_F_REQUEST | NLM_F_ACK, NLM_F_REQUEST | NLM_F_DUMP);
    assert_eq!(sent, [(1, NLM_F_REQUEST), (2, ask), (3, table), (4, ask)]);
}

#[test]
fn a_dump_left_half_read_is_read_away_before_the_next_call() {
    // The first dump fails at a part that cannot be read; its other parts and its end follow.
    let answer = |seen: &[Seen]| match seen[0].sequence {
        1 => vec![vec![0; 8], part(KIND, 1, b"late"), done(1)],
        number => vec![part(KIND, number, b"new"), done(number)],
    };
    let mut connection = blocking::Connection::new(Script::new(answer));
    let malformed = Malformed::Length { claimed: 16, available: 8 };
    assert_eq!(connection.dump(&request(&[7])), Err(Error::Malformed(malformed)));
    assert_eq!(payloads(&connection.dump(&request(&[7])).unwrap()), [b"new"]);
}

/// Forwards to a script, but never gets to the second datagram of a conversation.
struct Cancelled(Script, usize);

impl AsyncTransport for Cancelled {
    async fn send(&mut self, datagram: &[u8]) -> std::io::Result<()> {
        AsyncTransport::send(&mut self.0, datagram).await
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> std::io::Result<()> {
        self.1 += 1;
        if self.1 == 2 {
            std::future::pending::<()>().await;
        }
        Transport::receive(&mut self.0, buffer)
    }
}

#[test]
fn a_call_that_is_cancelled_does_not_spoil_the_next() {
    wait(async {
        let answer = |seen: &[Seen]| {
            let number = seen[0].sequence;
            vec![part(KIND, number, &number.to_ne_bytes()), done(number)]
        };
        let mut connection = Connection::new(Cancelled(Script::new(answer), 0));
        let first = request(&[7]);
        tokio::select! {
            biased;
            result = connection.dump(&first) => panic!("it waits for ever, but gave {result:?}"),
            () = tokio::task::yield_now() => {}
        }
        let replies = connection.dump(&first).await.unwrap();
        assert_eq!(payloads(&replies), [2_u32.to_ne_bytes()]);
    });
}
