//! Tests of commands: each has its own code and says what it does.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Command;
use crate::arbitrary::ipvs;
use crate::ipvs::{
    CommandCode, Daemon, DaemonRole, Destination, Forward, Message, Protocol, Service, ServiceKey, Timeouts,
};

#[test]
fn each_command_is_a_message_of_its_own() {
    let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 80);
    let service = Service::new(key, "mh");
    let destination = Destination::new([10, 2, 0, 10].into(), 80, Forward::DirectRoute);
    let timeouts = Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 300 };
    let cases = [
        (
            Command::AddService(service.clone()),
            CommandCode::NewService,
            "add service 203.0.113.10:80/tcp, scheduler mh",
        ),
        (
            Command::SetService(service),
            CommandCode::SetService,
            "set service 203.0.113.10:80/tcp, scheduler mh",
        ),
        (Command::DeleteService(key), CommandCode::DelService, "delete service 203.0.113.10:80/tcp"),
        (
            Command::AddDestination(key, destination),
            CommandCode::NewDest,
            "add destination 10.2.0.10:80, weight 1, direct routing to 203.0.113.10:80/tcp",
        ),
        (
            Command::SetDestination(key, destination),
            CommandCode::SetDest,
            "set destination 10.2.0.10:80, weight 1, direct routing of 203.0.113.10:80/tcp",
        ),
        (
            Command::DeleteDestination(key, destination.key),
            CommandCode::DelDest,
            "delete destination 10.2.0.10:80 of 203.0.113.10:80/tcp",
        ),
        (
            Command::StartDaemon(Daemon::new(DaemonRole::Master, "eth0", 7)),
            CommandCode::NewDaemon,
            "start the master daemon 7 on eth0",
        ),
        (Command::StopDaemon(DaemonRole::Backup), CommandCode::DelDaemon, "stop the backup daemon"),
        (Command::SetTimeouts(timeouts), CommandCode::SetConfig, "set timeouts to 900, 120, 300 s"),
        (Command::Zero(Some(key)), CommandCode::Zero, "clear the statistics of 203.0.113.10:80/tcp"),
        (Command::Zero(None), CommandCode::Zero, "clear all statistics"),
        (Command::Flush, CommandCode::Flush, "delete all services"),
    ];
    let mut codes = BTreeSet::new();
    for (command, code, expected) in cases {
        assert_eq!(command.to_message().code, code);
        assert_eq!(command.to_string(), expected);
        codes.insert(u8::from(code));
    }
    // The other six ask or answer.
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7, 9, 10, 12, 16, 17]);
}

proptest! {
    #[test]
    fn every_command_is_read_as_the_message_it_is(command in ipvs::command()) {
        let message = command.to_message();
        prop_assert_eq!(Message::decode(&message.to_bytes()), Ok(message));
    }
}
