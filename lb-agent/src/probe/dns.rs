//! DNS: a query over UDP, over TCP if the answer was cut off, and a reply that answers that very query.
//!
//! Success wants more than Seesaw's check does: the reply must repeat the question, and the
//! records count only at the name asked, or where its CNAMEs lead (RFC 1034 3.6.2).

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use lb_core::health::{DnsAnswer, DnsCheck, DnsRecord};

use super::dial::{self, Use};
use super::failure::Failure;
use super::prepared::PrepareError;
use super::report::{Phase, Progress};
use super::target::Target;
use super::udp;

/// A query made ready, and what its answer must hold.
#[derive(Debug)]
pub(super) struct Question {
    query: Query,
    /// The message but for its number, which is its first two bytes.
    message: Vec<u8>,
    wanted: Option<Wanted>,
}

#[derive(Debug)]
enum Wanted {
    Address(std::net::IpAddr),
    Name(Name),
    Text(Vec<u8>),
}

/// What is wrong with an answer in DNS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsFault {
    /// The server could or would not answer.
    #[error("the server answers with code {code} ({words})")]
    Code {
        /// The code (RFC 6895 2.3).
        code: u16,
        /// What it means.
        words: &'static str,
    },
    /// Records of the type are there, but none holds what is wanted.
    #[error("none of the {records} records holds the wanted answer")]
    Differs {
        /// How many there are.
        records: usize,
    },
    /// The answer has no record of the type for the name.
    #[error("no record of the type for the name is in the answer")]
    Nothing,
    /// What came is no message of DNS.
    #[error("the answer is no message of DNS")]
    NotDns,
    /// The answer is for another question than the one asked.
    #[error("the answer repeats another question than the one asked")]
    OtherQuestion,
}

/// What a message that came means.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// Another query's, or none at all: the answer may still come.
    Foreign,
    /// It did not fit; ask over TCP.
    Truncated,
    Answer(Result<(), DnsFault>),
}

/// CNAMEs that are followed: as far as any resolver goes.
const MAX_ALIASES: usize = 16;
/// The largest message over UDP without EDNS is 512; a server that sends more is read too.
const LARGEST: usize = 4_096;

impl Question {
    pub(super) fn new(check: &DnsCheck) -> Result<Self, PrepareError> {
        let query = Query::query(name(&check.name)?, record_type(check.record));
        let wanted = match &check.answer {
            None => None,
            Some(DnsAnswer::Address(address)) => Some(Wanted::Address(*address)),
            Some(DnsAnswer::Name(host)) => Some(Wanted::Name(name(host)?)),
            Some(DnsAnswer::Text(text)) => Some(Wanted::Text(text.clone().into_bytes())),
        };
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(query.clone());
        let message = message.to_vec().map_err(|_| PrepareError::Request { part: check.name.clone() })?;
        Ok(Self { query, message, wanted })
    }

    fn numbered(&self, number: u16) -> Vec<u8> {
        let mut message = self.message.clone();
        message[..2].copy_from_slice(&number.to_be_bytes());
        message
    }

    /// What a message says in answer to the query of this number.
    fn read(&self, number: u16, message: &[u8]) -> Reply {
        let Ok(message) = Message::from_vec(message) else { return Reply::Answer(Err(DnsFault::NotDns)) };
        let head = message.metadata;
        if head.id != number || head.message_type != MessageType::Response {
            return Reply::Foreign;
        }
        if head.truncation {
            return Reply::Truncated;
        }
        // Servers that understand nothing of a query need not repeat it.
        let repeats = message.queries == [self.query.clone()];
        if !repeats && (head.response_code == ResponseCode::NoError || !message.queries.is_empty()) {
            return Reply::Answer(Err(DnsFault::OtherQuestion));
        }
        Reply::Answer(match head.response_code {
            ResponseCode::NoError => self.judge(&message.answers),
            other => Err(DnsFault::Code { code: other.into(), words: other.to_str() }),
        })
    }

    fn judge(&self, answers: &[Record]) -> Result<(), DnsFault> {
        let at = |name: &Name, wanted: RecordType| {
            let name = name.clone();
            answers.iter().filter(move |record| {
                record.name == name && record.dns_class == DNSClass::IN && record.record_type() == wanted
            })
        };
        let mut name = self.query.name().clone();
        for _ in 0..MAX_ALIASES {
            let records: Vec<_> = at(&name, self.query.query_type()).collect();
            if !records.is_empty() {
                let holds =
                    |record: &&Record| self.wanted.as_ref().is_none_or(|wanted| wanted.is_in(&record.data));
                let found = records.iter().any(holds);
                return if found { Ok(()) } else { Err(DnsFault::Differs { records: records.len() }) };
            }
            match at(&name, RecordType::CNAME).next().map(|record| &record.data) {
                Some(RData::CNAME(alias)) => name = alias.0.clone(),
                _ => break,
            }
        }
        Err(DnsFault::Nothing)
    }
}

impl Wanted {
    fn is_in(&self, data: &RData) -> bool {
        match (self, data) {
            (Self::Address(wanted), RData::A(got)) => *wanted == got.0,
            (Self::Address(wanted), RData::AAAA(got)) => *wanted == got.0,
            (Self::Name(wanted), RData::CNAME(got)) => *wanted == got.0,
            (Self::Name(wanted), RData::NS(got)) => *wanted == got.0,
            (Self::Name(wanted), RData::MX(got)) => *wanted == got.exchange,
            (Self::Name(wanted), RData::SOA(got)) => *wanted == got.mname,
            (Self::Text(wanted), RData::TXT(got)) => *wanted == got.txt_data.concat(),
            _ => false,
        }
    }
}

/// A query over UDP and, if need be, over TCP.
pub(super) async fn check(
    question: &Question,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let number = Message::query().metadata.id;
    let query = question.numbered(number);
    let socket = dial::udp(target, port)?;
    progress.enter(Phase::Answer);
    udp::send(&socket, &query).await?;
    let mut buffer = vec![0; LARGEST];
    loop {
        let length = udp::receive(&socket, &mut buffer).await?;
        match question.read(number, &buffer[..length]) {
            Reply::Foreign => {}
            Reply::Answer(result) => return Ok(result?),
            Reply::Truncated => break,
        }
    }
    drop(socket); // one descriptor for a check
    over_tcp(question, number, &query, target, port, progress).await
}

async fn over_tcp(
    question: &Question,
    number: u16,
    query: &[u8],
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of(&error, Phase::Answer);
    progress.enter(Phase::Connect);
    let mut stream = dial::tcp(target, port, Use::Talk, Phase::Answer, progress).await?;
    // One write: some servers want length and message in one segment (RFC 7766 8).
    let length = u16::try_from(query.len()).expect("a query of one name");
    let framed = [&length.to_be_bytes()[..], query].concat();
    stream.write_all(&framed).await.map_err(failed)?;
    let length = stream.read_u16().await.map_err(failed)?;
    progress.enter(Phase::Body);
    let mut message = vec![0; length.into()];
    stream.read_exact(&mut message).await.map_err(|error| Failure::of(&error, Phase::Body))?;
    match question.read(number, &message) {
        Reply::Answer(result) => Ok(result?),
        Reply::Foreign => Err(DnsFault::OtherQuestion.into()),
        Reply::Truncated => Err(DnsFault::NotDns.into()),
    }
}

fn name(text: &str) -> Result<Name, PrepareError> {
    let mut name = Name::from_ascii(text).map_err(|_| PrepareError::Request { part: text.to_owned() })?;
    name.set_fqdn(true);
    Ok(name)
}

const fn record_type(record: DnsRecord) -> RecordType {
    match record {
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Cname => RecordType::CNAME,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
        DnsRecord::Soa => RecordType::SOA,
        DnsRecord::Txt => RecordType::TXT,
    }
}

#[cfg(test)]
mod tests;
