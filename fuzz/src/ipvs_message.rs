//! Any bytes as a message of IPVS: read or refused, and what is read is emitted and read again alike.

use lb_netlink::ipvs::{
    AddressFamily, Daemon, Info, ListedDestination, ListedService, Message, Service, Timeouts,
};
use lb_netlink::socket::Request;
use lb_netlink::socket::exchange::{Batch, Dump, Exchange, OnFailure};

/// Puts `bytes` through the codec, the typed values, and the machines that read datagrams.
pub fn check(bytes: &[u8]) {
    conversation(bytes);
    let Ok(message) = Message::decode(bytes) else { return };
    let emitted = message.to_bytes();
    assert_eq!(Message::decode(&emitted).as_ref(), Ok(&message), "what was emitted is read alike");
    values(&message);
}

/// What is made of a message is sent as what it was read as.
fn values(message: &Message) {
    let again = |attribute| Message::new(message.code, vec![attribute]);
    if let Ok(listed) = ListedService::from_message(message) {
        let sent = again(listed.service.to_attribute());
        // all but the kernel's own flag
        let flags = listed.service.flags.settable();
        let expected = Service { flags, ..listed.service };
        assert_eq!(ListedService::from_message(&sent).map(|sent| sent.service), Ok(expected));
    }
    for family in [AddressFamily::V4, AddressFamily::V6] {
        if let Ok(listed) = ListedDestination::from_message(message, family) {
            let sent = again(listed.destination.to_attribute());
            let sent = ListedDestination::from_message(&sent, family).map(|sent| sent.destination);
            assert_eq!(sent, Ok(listed.destination));
        }
    }
    if let Ok(daemon) = Daemon::from_message(message) {
        assert_eq!(Daemon::from_message(&again(daemon.to_attribute())), Ok(daemon));
    }
    let _ = (Timeouts::from_message(message), Info::from_message(message));
}

/// The same bytes as a datagram of the kernel, in answer to a dump and to a batch.
fn conversation(bytes: &[u8]) {
    let requests = vec![Request { kind: 32, flags: 0, payload: vec![] }; 3];
    let mut dump = Dump::new(&requests[0], 1);
    let mut batch = Batch::new(&requests, OnFailure::Continue, 1);
    let _ = (dump.poll_transmit(), batch.poll_transmit());
    let _ = (dump.handle_datagram(bytes), batch.handle_datagram(bytes));
    assert!(dump.open_dump().is_none() || !dump.is_finished());
    let (_, report) = batch.into_output();
    assert!(report.executed <= requests.len() && report.failures.len() <= report.executed);
}
