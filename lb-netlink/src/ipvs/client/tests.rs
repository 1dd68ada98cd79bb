//! Tests of both clients against a scripted kernel; against a real one they run in `tests/live_ipvs.rs`.

use std::future::Future;

use netlink_packet_core::NLM_F_DUMP;

use super::Client;
use crate::error::{Errno, Error as NetlinkError, Malformed, Rejection};
use crate::ipvs::{
    self, Command, CommandCode, DecodeError, Destination, DestinationKey, Error, Forward, Message, Protocol,
    Reason, Service, ServiceKey, blocking, schema,
};
use crate::socket::OnFailure;
use crate::socket::script::{Script, Seen, ack, done, message, part, refusal};

const FAMILY: u16 = 0x20;

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Answers the question for the family's number, and leaves the rest to `answer`.
fn kernel(answer: impl Fn(&Seen, &Message) -> Vec<Vec<u8>> + Send + 'static) -> Script {
    Script::new(move |seen| seen.iter().flat_map(|request| one_answer(request, &answer)).collect())
}

fn one_answer(request: &Seen, answer: &impl Fn(&Seen, &Message) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if request.kind == FAMILY {
        return answer(request, &Message::decode(&request.payload).unwrap());
    }
    assert_eq!(&request.payload[..4], [3, 2, 0, 0], "CTRL_CMD_GETFAMILY");
    let mut family = vec![1, 2, 0, 0];
    family.extend([6_u16.to_ne_bytes(), 1_u16.to_ne_bytes(), FAMILY.to_ne_bytes(), [0, 0]].concat());
    vec![message(16, 0, request.sequence, &family), ack(request.sequence)]
}

fn web() -> ServiceKey {
    ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 80)
}

fn backend(host: u8) -> Destination {
    Destination::new([10, 2, 0, host].into(), 80, Forward::DirectRoute)
}

/// A kernel with one service of two destinations.
fn small() -> Script {
    kernel(|request, asked| {
        let sequence = request.sequence;
        let described = |attribute| Message::new(CommandCode::NewService, vec![attribute]).to_bytes();
        let service = described(Service::new(web(), "mh").to_attribute());
        let about_web = asked.attributes.first().is_none_or(|attribute| *attribute == web().to_attribute());
        match (asked.code, request.flags & NLM_F_DUMP != 0) {
            (CommandCode::GetService, true) => vec![part(FAMILY, sequence, &service), done(sequence)],
            (CommandCode::GetService, false) if about_web => {
                vec![message(FAMILY, 0, sequence, &service), ack(sequence)]
            }
            (CommandCode::GetService, false) => vec![refusal(sequence, Errno::ESRCH, &[])],
            (CommandCode::GetDest, true) if about_web => {
                let [last, first] = [backend(2), backend(1)].map(|one| described(one.to_attribute()));
                vec![[part(FAMILY, sequence, &last), part(FAMILY, sequence, &first)].concat(), done(sequence)]
            }
            (CommandCode::GetDest, true) => vec![done(sequence)],
            other => panic!("{other:?} is not asked here"),
        }
    })
}

#[test]
fn a_snapshot_has_all_services_with_their_destinations_in_the_kernels_order() {
    let tables = blocking::Client::new(small()).unwrap().snapshot().unwrap();
    let [table] = &tables[..] else { panic!("{} tables", tables.len()) };
    assert_eq!(table.service.service, Service::new(web(), "mh"));
    let destinations: Vec<_> = table.destinations.iter().map(|listed| listed.destination).collect();
    assert_eq!(destinations, [backend(2), backend(1)]);
    let asynchronous = wait(async { Client::new(small()).await.unwrap().snapshot().await });
    assert_eq!(asynchronous, Ok(tables));
}

/// The kernel lets anybody with CAP_NET_ADMIN make one, and no packet ever reaches it.
#[test]
fn a_service_of_a_protocol_that_no_packet_has_hides_no_other() {
    let script = || {
        kernel(|request, asked| {
            let described = |attribute| Message::new(CommandCode::NewService, vec![attribute]).to_bytes();
            let odd = schema::command::SERVICE.find(&[Service::new(web(), "mh").to_attribute()]);
            let odd = odd.map(|attributes| {
                let protocol = schema::service::PROTOCOL.with(262);
                schema::command::SERVICE.with(attributes.into_iter().chain([protocol]).collect())
            });
            let both = [odd.unwrap(), Service::new(web(), "mh").to_attribute()].map(described);
            match asked.code {
                CommandCode::GetService => {
                    let parts = both.iter().map(|one| part(FAMILY, request.sequence, one));
                    parts.chain([done(request.sequence)]).collect()
                }
                _ => vec![
                    part(FAMILY, request.sequence, &described(backend(1).to_attribute())),
                    done(request.sequence),
                ],
            }
        })
    };
    let tables = blocking::Client::new(script()).unwrap().snapshot().unwrap();
    let keys: Vec<_> =
        tables.iter().map(|table| (table.service.service.key, table.destinations.len())).collect();
    assert_eq!(keys, [(web(), 1)]);
    assert_eq!(wait(async { Client::new(script()).await.unwrap().snapshot().await }), Ok(tables));
}

#[test]
fn a_service_that_is_not_there_is_none_and_has_no_destinations() {
    let other = ServiceKey::address(Protocol::UDP, [203, 0, 113, 10].into(), 80);
    let mut client = blocking::Client::new(small()).unwrap();
    assert_eq!(client.service(&other), Ok(None));
    assert_eq!(client.service(&web()).unwrap().unwrap().service.key, web());
    assert_eq!(client.destinations(&web()).unwrap().len(), 2);
    let Err(Error::Refused(refused)) = client.destinations(&other) else {
        panic!("the kernel's list is empty")
    };
    assert_eq!(refused.reason, Reason::NoSuchService);
    assert_eq!(refused.what, "read service 203.0.113.10:80/udp");
}

#[test]
fn a_kernel_without_ipvs_is_told_from_other_trouble() {
    let without = || Script::new(|seen| vec![refusal(seen[0].sequence, Errno::ENOENT, &[])]);
    let missing = NetlinkError::FamilyMissing { family: "IPVS".into(), module: "ip_vs".into() };
    assert_eq!(blocking::Client::new(without()).err(), Some(Error::Netlink(missing.clone())));
    assert_eq!(wait(Client::new(without())).err(), Some(Error::Netlink(missing)));
    let empty =
        Script::new(|seen| vec![message(16, 0, seen[0].sequence, &[1, 2, 0, 0]), ack(seen[0].sequence)]);
    let lacks = NetlinkError::Malformed(Malformed::Lacks("a family's number"));
    assert_eq!(blocking::Client::new(empty).err(), Some(Error::Netlink(lacks)));
}

#[test]
fn a_batch_says_which_command_failed_and_why() {
    let script = || {
        kernel(|request, asked| match asked.code {
            CommandCode::DelDest => {
                let text = b"no\0";
                let place = 24_u32.to_ne_bytes();
                vec![refusal(request.sequence, Errno::ENOENT, &[(1, text), (2, &place)])]
            }
            _ if request.flags & 4 != 0 => vec![ack(request.sequence)],
            _ => vec![],
        })
    };
    let key = DestinationKey { address: [10, 2, 0, 9].into(), port: 80 };
    let commands = [
        Command::AddDestination(web(), backend(1)),
        Command::DeleteDestination(web(), key),
        Command::AddDestination(web(), backend(2)),
    ];
    let report = blocking::Client::new(script()).unwrap().execute(&commands).unwrap();
    assert_eq!((report.executed, report.round_trips, report.failures.len()), (3, 1, 1));
    let ipvs::Failure { index, refused } = &report.failures[0];
    assert_eq!((*index, refused.reason), (1, Reason::NoSuchDestination));
    assert_eq!(refused.what, "delete destination 10.2.0.9:80 of 203.0.113.10:80/tcp");
    let attribute = Some("IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_AF".into());
    let rejection = Rejection {
        attribute,
        offset: Some(24),
        message: Some("no".into()),
        ..Rejection::new(Errno::ENOENT)
    };
    assert_eq!(refused.rejection, rejection);
    assert!(!report.is_complete(3));
    let asynchronous = wait(async { Client::new(script()).await.unwrap().execute(&commands).await });
    assert_eq!(asynchronous, Ok(report));

    let stopped =
        blocking::Client::new(script()).unwrap().execute_until(&commands, OnFailure::StopExactly).unwrap();
    assert_eq!((stopped.executed, stopped.round_trips), (2, 2));
}

#[test]
fn an_answer_that_is_no_service_is_an_error_and_the_client_goes_on() {
    let script = kernel(|request, asked| {
        let wrong = Message::new(CommandCode::NewService, vec![]).to_bytes();
        let odd = [1, 1, 0, 0, 5, 0, 4, 0, 1, 0, 0, 0]; // a timeout of one byte
        match asked.code {
            CommandCode::GetService => vec![part(FAMILY, request.sequence, &wrong), done(request.sequence)],
            CommandCode::GetConfig => vec![message(FAMILY, 0, request.sequence, &odd), ack(request.sequence)],
            _ => vec![ack(request.sequence)],
        }
    });
    let mut client = blocking::Client::new(script).unwrap();
    let missing = DecodeError::Missing { attribute: "IPVS_CMD_ATTR_SERVICE" };
    assert_eq!(client.services(), Err(Error::Decode(missing)));
    let length = DecodeError::Length { attribute: "IPVS_CMD_ATTR_TIMEOUT_TCP", length: 1, expected: 4 };
    assert_eq!(client.timeouts(), Err(Error::Decode(length)));
    let lacks = NetlinkError::Malformed(Malformed::Lacks("what was asked for"));
    assert_eq!(client.info(), Err(Error::Netlink(lacks)));
    assert_eq!(client.flush(), Ok(()));
}

/// Futures of the client can be spawned on tokio's threads.
#[test]
fn calls_can_move_between_threads() {
    fn check<F: Future + Send>(_: F) {}
    check(async {
        let mut client = Client::open().await?;
        client.snapshot().await?;
        client.execute(&[Command::Flush]).await
    });
}
