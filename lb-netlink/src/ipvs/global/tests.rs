//! Tests of timeouts, daemons and the version: the way to attributes and back, and what must be there.

use proptest::prelude::*;

use super::{Daemon, Info, Timeouts, Version};
use crate::arbitrary::ipvs;
use crate::ipvs::schema::{command, daemon, info};
use crate::ipvs::{CommandCode, DecodeError, Message};

proptest! {
    #[test]
    fn a_daemon_is_read_as_it_was_sent(daemon in ipvs::daemon()) {
        let message = Message::new(CommandCode::NewDaemon, vec![daemon.to_attribute()]);
        let message = Message::decode(&message.to_bytes()).unwrap();
        prop_assert_eq!(Daemon::from_message(&message), Ok(daemon));
    }

    #[test]
    fn timeouts_are_read_as_they_were_sent(timeouts in ipvs::timeouts()) {
        let message = Message::new(CommandCode::SetConfig, timeouts.to_attributes());
        let message = Message::decode(&message.to_bytes()).unwrap();
        prop_assert_eq!(Timeouts::from_message(&message), Ok(timeouts));
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let message = |attributes| Message::new(CommandCode::NewDaemon, attributes);
    let missing = |attribute| DecodeError::Missing { attribute };
    assert_eq!(Daemon::from_message(&message(vec![])), Err(missing("IPVS_CMD_ATTR_DAEMON")));
    let empty = message(vec![command::DAEMON.with(vec![])]);
    assert_eq!(Daemon::from_message(&empty), Err(missing("IPVS_DAEMON_ATTR_STATE")));
    let both = message(vec![command::DAEMON.with(vec![daemon::STATE.with(3)])]);
    let wrong = DecodeError::Value { attribute: "IPVS_DAEMON_ATTR_STATE", value: 3 };
    assert_eq!(Daemon::from_message(&both), Err(wrong));
    assert_eq!(Timeouts::from_message(&message(vec![])), Err(missing("IPVS_CMD_ATTR_TIMEOUT_TCP")));
    assert_eq!(Info::from_message(&message(vec![])), Err(missing("IPVS_INFO_ATTR_VERSION")));
}

#[test]
fn a_kernel_without_udp_has_no_timeout_for_it() {
    let attributes = vec![command::TIMEOUT_TCP.with(900), command::TIMEOUT_TCP_FIN.with(120)];
    let message = Message::new(CommandCode::SetConfig, attributes);
    assert_eq!(Timeouts::from_message(&message), Ok(Timeouts { tcp_s: 900, tcp_fin_s: 120, udp_s: 0 }));
}

#[test]
fn a_version_prints_as_ipvsadm_prints_it() {
    let message = Message::new(
        CommandCode::SetInfo,
        vec![info::VERSION.with(0x01_02_01), info::CONN_TAB_SIZE.with(4096)],
    );
    let info = Info::from_message(&message).unwrap();
    assert_eq!(info, Info { version: Version(0x01_02_01), connection_table_size: 4096 });
    assert_eq!(info.version.to_string(), "1.2.1");
}
