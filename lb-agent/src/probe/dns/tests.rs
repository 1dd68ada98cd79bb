//! Replies in DNS, honest and not, made with hickory's encoder; real servers are asked in `tests/probes`.

use std::net::Ipv4Addr;

use hickory_proto::rr::rdata::{A, CNAME, TXT};
use lb_core::health::{Check, CheckFile, CheckKind};

use super::*;

const NUMBER: u16 = 4_711;

fn question(text: &str) -> Question {
    let file: CheckFile = serde_json::from_str(text).unwrap();
    let CheckKind::Dns(check) = Check::try_from(file).unwrap().kind else { panic!("no DNS") };
    Question::new(&check).unwrap()
}

fn reply(question: &Question, change: impl FnOnce(&mut Message)) -> Reply {
    let mut message = Message::from_vec(&question.numbered(NUMBER)).unwrap();
    message.metadata.message_type = MessageType::Response;
    change(&mut message);
    question.read(NUMBER, &message.to_vec().unwrap())
}

fn record(name: &str, data: RData) -> Record {
    Record::from_rdata(Name::from_ascii(name).unwrap(), 60, data)
}

fn address(last: u8) -> RData {
    RData::A(A(Ipv4Addr::new(192, 0, 2, last)))
}

fn alias(name: &str) -> RData {
    RData::CNAME(CNAME(Name::from_ascii(name).unwrap()))
}

#[test]
fn an_answer_is_judged_by_its_records() {
    let any = question(r#"{"kind": "dns", "name": "www.example.com"}"#);
    let one = question(r#"{"kind": "dns", "name": "www.example.com", "answer": "192.0.2.1"}"#);
    let table = [
        (&any, vec![record("www.example.com.", address(9))], Ok(())),
        (&any, vec![record("WWW.example.COM.", address(9))], Ok(())),
        (&any, vec![record("mail.example.com.", address(9))], Err(DnsFault::Nothing)),
        (&any, vec![], Err(DnsFault::Nothing)),
        (&one, vec![record("www.example.com.", address(9)), record("www.example.com.", address(1))], Ok(())),
        (&one, vec![record("www.example.com.", address(9))], Err(DnsFault::Differs { records: 1 })),
        (
            &one,
            vec![
                record("b.example.com.", address(1)),
                record("www.example.com.", alias("a.example.com.")),
                record("a.example.com.", alias("b.example.com.")),
            ],
            Ok(()),
        ),
        // In a circle, and to nowhere.
        (&one, vec![record("www.example.com.", alias("www.example.com."))], Err(DnsFault::Nothing)),
        (&one, vec![record("www.example.com.", alias("a.example.com."))], Err(DnsFault::Nothing)),
    ];
    for (question, answers, result) in table {
        let shown = format!("{answers:?}");
        let got = reply(question, |message| message.answers = answers);
        assert_eq!(got, Reply::Answer(result), "{shown}");
    }
}

#[test]
fn a_text_is_compared_whole() {
    let question = question(r#"{"kind": "dns", "name": "example.com", "record": "TXT", "answer": "ab c"}"#);
    for (parts, result) in [
        (vec!["ab", " c"], Ok(())),
        (vec!["ab c"], Ok(())),
        (vec!["ab"], Err(DnsFault::Differs { records: 1 })),
    ] {
        let text = RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect()));
        let got = reply(&question, |message| message.answers = vec![record("example.com.", text)]);
        assert_eq!(got, Reply::Answer(result), "{parts:?}");
    }
}

#[test]
fn only_the_reply_to_the_question_counts() {
    let asked = question(r#"{"kind": "dns", "name": "www.example.com"}"#);
    let good = || vec![record("www.example.com.", address(1))];
    let other = |name: &str, kind| vec![Query::query(Name::from_ascii(name).unwrap(), kind)];
    assert_eq!(reply(&asked, |message| message.metadata.id = 1), Reply::Foreign);
    assert_eq!(reply(&asked, |message| message.metadata.message_type = MessageType::Query), Reply::Foreign);
    assert_eq!(reply(&asked, |message| message.metadata.truncation = true), Reply::Truncated);
    for queries in
        [other("www.example.org.", RecordType::A), other("www.example.com.", RecordType::AAAA), vec![]]
    {
        let got = reply(&asked, |message| {
            message.queries = queries;
            message.answers = good();
        });
        assert_eq!(got, Reply::Answer(Err(DnsFault::OtherQuestion)));
    }
    let refused = Err(DnsFault::Code { code: 5, words: "Query Refused" });
    for queries in [vec![], vec![asked.query.clone()]] {
        let got = reply(&asked, |message| {
            message.metadata.response_code = ResponseCode::Refused;
            message.queries = queries;
        });
        assert_eq!(got, Reply::Answer(refused.clone()));
    }
    assert_eq!(asked.read(NUMBER, b"HTTP/1.1 400 Bad Request"), Reply::Answer(Err(DnsFault::NotDns)));
    assert_eq!(asked.read(NUMBER, b""), Reply::Answer(Err(DnsFault::NotDns)));
}

#[test]
fn the_query_is_as_rfc_1035_has_it() {
    let message = question(r#"{"kind": "dns", "name": "a.bc.", "record": "MX"}"#).numbered(0x1234);
    // Number, RD, one question; the name's labels with their lengths, type 15, class 1.
    assert_eq!(message, b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x01a\x02bc\0\x00\x0f\x00\x01");
}
