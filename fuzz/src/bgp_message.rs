//! BGP messages: any octets are read or refused, and what was read is written and read alike.

use lb_core::bgp::message::{self, Dialect, Message, Parsed};

/// The dialect is in the first octet, the rest is a stream of messages.
pub fn check(bytes: &[u8]) {
    let Some((choice, mut stream)) = bytes.split_first() else { return };
    let dialect = Dialect {
        four_octet_as: choice & 1 != 0,
        extended_messages: choice & 2 != 0,
        extended_next_hop: choice & 4 != 0,
        external: choice & 8 != 0,
    };
    while let Ok(Some(length)) = message::frame_length(stream, dialect) {
        let Some((first, rest)) = stream.split_at_checked(length) else { break };
        one(first, dialect);
        stream = rest;
    }
    one(stream, dialect);
}

fn one(bytes: &[u8], dialect: Dialect) {
    match message::parse(bytes, dialect) {
        Err(error) => {
            let told = Message::Notification(error.notification());
            let written =
                told.emit(Dialect { extended_messages: true, ..dialect }).expect("it quotes one message");
            assert_eq!(read(&written, Dialect { extended_messages: true, ..dialect }), told);
        }
        Ok(Parsed { message, faults }) => {
            if let Message::Update(update) = &message {
                let gone = update.clone().into_withdrawal().all_withdrawn().len();
                let came: usize = update.all_announced().iter().map(|(_, prefixes)| prefixes.len()).sum();
                // those without a next hop lead nowhere, but may have been told before
                assert!(gone >= update.all_withdrawn().len() + came);
                assert!(gone <= bytes.len() && faults.len() <= bytes.len());
            }
            // The path of an old speaker may be longer in our words, for it has the true numbers besides.
            let Ok(again) = message.emit(dialect) else { return assert!(!dialect.four_octet_as) };
            let (written, once_more) = (read(&again, dialect), message);
            // Numbers of a confederation are not told to an old speaker, and what is not told is not read back.
            if dialect.four_octet_as {
                assert_eq!(written, once_more);
            }
        }
    }
}

fn read(bytes: &[u8], dialect: Dialect) -> Message {
    message::parse(bytes, dialect).expect("what we write can be read").message
}
