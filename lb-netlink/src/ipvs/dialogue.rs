//! Questions to IPVS and how their answers are read: what both clients share.
//!
//! The one idea: a question is a message, its answer is read by a plain
//! function, and nothing here sends. So the clients differ by `await` alone.

use super::error::{DecodeError, Error, Refused};
use super::{
    AddressFamily, Command, CommandCode, Daemon, Failure, Info, ListedDestination, ListedService, Message,
    Report, ServiceKey, Timeouts, schema,
};
use crate::Error as NetlinkError;
use crate::socket::{self, Replies, Request};

/// A message that is sent, and how it is called when it is refused.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    code: CommandCode,
    what: String,
}

impl Asked {
    fn new(family: u16, what: impl Into<String>, message: &Message) -> Self {
        Self { request: message.to_request(family), code: message.code, what: what.into() }
    }

    pub(super) fn services(family: u16) -> Self {
        Self::new(family, "list services", &Message::new(CommandCode::GetService, vec![]))
    }

    pub(super) fn service(family: u16, key: &ServiceKey) -> Self {
        let message = Message::new(CommandCode::GetService, vec![key.to_attribute()]);
        Self::new(family, format!("read service {key}"), &message)
    }

    pub(super) fn destinations(family: u16, key: &ServiceKey) -> Self {
        let message = Message::new(CommandCode::GetDest, vec![key.to_attribute()]);
        Self::new(family, format!("list destinations of {key}"), &message)
    }

    pub(super) fn daemons(family: u16) -> Self {
        Self::new(family, "list daemons", &Message::new(CommandCode::GetDaemon, vec![]))
    }

    pub(super) fn timeouts(family: u16) -> Self {
        Self::new(family, "read timeouts", &Message::new(CommandCode::GetConfig, vec![]))
    }

    pub(super) fn info(family: u16) -> Self {
        Self::new(family, "read the version", &Message::new(CommandCode::GetInfo, vec![]))
    }

    pub(super) fn command(family: u16, command: &Command) -> Self {
        Self::new(family, command.to_string(), &command.to_message())
    }

    /// What an error of the conversation means for this question.
    pub(super) fn failed(self, error: NetlinkError) -> Error {
        match error {
            NetlinkError::Rejected(rejection) => {
                Error::Refused(Box::new(Refused::new(self.what, self.code, &self.request.payload, rejection)))
            }
            other => Error::Netlink(other),
        }
    }
}

/// The messages of an answer.
fn messages(replies: &Replies) -> impl Iterator<Item = Result<Message, Error>> {
    replies.iter().map(|reply| Message::decode(reply.payload).map_err(Error::Decode))
}

/// The services of an answer, but for those that no [`ServiceKey`] names: one such must not hide all others.
pub(super) fn read_services(replies: &Replies) -> Result<Vec<ListedService>, Error> {
    let no_key = |error: &DecodeError| matches!(error, DecodeError::Value { attribute, .. } if *attribute == schema::service::PROTOCOL.spec.name);
    let read = |message: Result<Message, Error>| match message.map(|one| ListedService::from_message(&one)) {
        Ok(Err(error)) if no_key(&error) => None,
        Ok(read) => Some(read.map_err(Error::Decode)),
        Err(error) => Some(Err(error)),
    };
    messages(replies).filter_map(read).collect()
}

pub(super) fn read_destinations(
    replies: &Replies,
    family: AddressFamily,
) -> Result<Vec<ListedDestination>, Error> {
    messages(replies).map(|message| Ok(ListedDestination::from_message(&message?, family)?)).collect()
}

pub(super) fn read_daemons(replies: &Replies) -> Result<Vec<Daemon>, Error> {
    messages(replies).map(|message| Ok(Daemon::from_message(&message?)?)).collect()
}

pub(super) fn read_timeouts(replies: &Replies) -> Result<Timeouts, Error> {
    Ok(Timeouts::from_message(&only(replies)?)?)
}

pub(super) fn read_info(replies: &Replies) -> Result<Info, Error> {
    Ok(Info::from_message(&only(replies)?)?)
}

fn only(replies: &Replies) -> Result<Message, Error> {
    let lacks = crate::error::Malformed::Lacks("what was asked for");
    messages(replies).next().unwrap_or_else(|| Err(Error::Netlink(lacks.into())))
}

/// The bytes of a whole batch.
pub(super) fn requests(family: u16, commands: &[Command]) -> Vec<Request> {
    commands.iter().map(|command| command.to_message().to_request(family)).collect()
}

/// What became of a batch, in the words of IPVS.
pub(super) fn read_report(commands: &[Command], requests: &[Request], report: socket::Report) -> Report {
    let failures = report.failures.into_iter().map(|socket::Failure { index, rejection }| {
        let (what, code) = (commands[index].to_string(), commands[index].to_message().code);
        Failure { index, refused: Refused::new(what, code, &requests[index].payload, rejection) }
    });
    Report { executed: report.executed, failures: failures.collect(), round_trips: report.round_trips }
}
