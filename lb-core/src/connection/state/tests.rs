//! Every pair of state and event, as tables to be read.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::connection::{SctpClass, SctpState, TcpEvent, TcpState};

const TCP_EVENTS: [(&str, TcpEvent); 5] = [
    ("rst", TcpEvent::Rst),
    ("syn", TcpEvent::Syn),
    ("fin", TcpEvent::Fin),
    ("ack", TcpEvent::Ack),
    ("none", TcpEvent::None),
];

const SCTP_CLASSES: [(&str, SctpClass); 10] = [
    ("data", SctpClass::Data),
    ("init", SctpClass::Init),
    ("init_ack", SctpClass::InitAck),
    ("cookie_echo", SctpClass::CookieEcho),
    ("cookie_ack", SctpClass::CookieAck),
    ("shutdown", SctpClass::Shutdown),
    ("shutdown_ack", SctpClass::ShutdownAck),
    ("shutdown_complete", SctpClass::ShutdownComplete),
    ("error", SctpClass::Error),
    ("abort", SctpClass::Abort),
];

/// Checks one row for each event and one column for each state.
fn check<S: Copy, E: Copy>(
    table: &str,
    names: &[(&str, S)],
    events: &[(&str, E)],
    next: impl Fn(S, E) -> String,
) {
    let rows: Vec<Vec<&str>> = table.trim().lines().map(|line| line.split_whitespace().collect()).collect();
    let columns: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows[0], columns, "the columns are the states");
    assert_eq!(rows.len(), events.len() + 1, "one row for each event");
    for (row, (event_name, event)) in rows[1..].iter().zip(events) {
        assert_eq!(row[0], *event_name, "the rows are the events");
        assert_eq!(row.len(), names.len() + 1, "{event_name}: one cell for each state");
        for (cell, (state_name, state)) in row[1..].iter().zip(names) {
            assert_eq!(next(*state, *event), *cell, "{state_name} on {event_name}");
        }
    }
}

#[test]
fn own_tcp() {
    let states = [
        ("-", None),
        ("SynReceived", Some(TcpState::SynReceived)),
        ("Established", Some(TcpState::Established)),
        ("FinWait", Some(TcpState::FinWait)),
        ("Closed", Some(TcpState::Closed)),
    ];
    let table = "
             -            SynReceived  Established  FinWait      Closed
        rst  Closed       Closed       Closed       Closed       Closed
        syn  SynReceived  SynReceived  Established  SynReceived  SynReceived
        fin  FinWait      FinWait      FinWait      FinWait      FinWait
        ack  Established  Established  Established  FinWait      Established
        none Closed       SynReceived  Established  FinWait      Closed";
    check(table, &states, &TCP_EVENTS, |state, event| format!("{:?}", TcpState::next(state, event)));
}

#[test]
fn own_udp() {
    let states = [("-", None), ("New", Some(UdpState::New)), ("Stream", Some(UdpState::Stream))];
    let table = "
                 -      New    Stream
        unproven New    New    Stream
        proven   Stream Stream Stream";
    let events = [("unproven", false), ("proven", true)];
    check(table, &states, &events, |state, proven| format!("{:?}", UdpState::next(state, proven)));
}

#[test]
fn own_sctp() {
    let states = [
        ("-", None),
        ("Init", Some(SctpState::Init)),
        ("Established", Some(SctpState::Established)),
        ("Shutdown", Some(SctpState::Shutdown)),
        ("Closed", Some(SctpState::Closed)),
    ];
    let table = "
                          -           Init        Established Shutdown    Closed
        data              Established Established Established Shutdown    Established
        init              Init        Init        Established Init        Init
        init_ack          Init        Init        Established Init        Init
        cookie_echo       Established Established Established Established Established
        cookie_ack        Established Established Established Established Established
        shutdown          Shutdown    Shutdown    Shutdown    Shutdown    Shutdown
        shutdown_ack      Shutdown    Shutdown    Shutdown    Shutdown    Closed
        shutdown_complete Closed      Closed      Closed      Closed      Closed
        error             Established Init        Established Shutdown    Closed
        abort             Closed      Closed      Closed      Closed      Closed";
    check(table, &states, &SCTP_CLASSES, |state, class| format!("{:?}", SctpState::next(state, class)));
}

const IPVS_TCP: [(&str, IpvsTcpState); 11] = [
    ("NO", IpvsTcpState::None),
    ("ES", IpvsTcpState::Established),
    ("SS", IpvsTcpState::SynSent),
    ("SR", IpvsTcpState::SynRecv),
    ("FW", IpvsTcpState::FinWait),
    ("TW", IpvsTcpState::TimeWait),
    ("CL", IpvsTcpState::Close),
    ("CW", IpvsTcpState::CloseWait),
    ("LA", IpvsTcpState::LastAck),
    ("LI", IpvsTcpState::Listen),
    ("SA", IpvsTcpState::SynAck),
];

/// Linux 6.12, `INPUT-ONLY`.
#[test]
fn ipvs_tcp() {
    let table = "
             NO ES SS SR FW TW CL CW LA LI SA
        rst  CL CL CL SR CL CL CL CL LA LI CL
        syn  SR ES ES SR SR SR SR SR SR SR SR
        fin  CL FW SS TW FW TW CL CW LA LI TW
        ack  ES ES SS ES FW TW CL CW CL LI ES
        none CL CL CL CL CL CL CL CL CL CL CL";
    check(table, &IPVS_TCP, &TCP_EVENTS, |state, event| name_of(&IPVS_TCP, state.next(event)));
}

const IPVS_SCTP: [(&str, IpvsSctpState); 14] = [
    ("NO", IpvsSctpState::None),
    ("I1", IpvsSctpState::Init1),
    ("IN", IpvsSctpState::Init),
    ("CS", IpvsSctpState::CookieSent),
    ("CR", IpvsSctpState::CookieReplied),
    ("CW", IpvsSctpState::CookieWait),
    ("CO", IpvsSctpState::Cookie),
    ("CE", IpvsSctpState::CookieEchoed),
    ("ES", IpvsSctpState::Established),
    ("SS", IpvsSctpState::ShutdownSent),
    ("SR", IpvsSctpState::ShutdownReceived),
    ("SA", IpvsSctpState::ShutdownAckSent),
    ("RJ", IpvsSctpState::Rejected),
    ("CL", IpvsSctpState::Closed),
];

/// Linux 6.12, `INPUT-ONLY`.
#[test]
fn ipvs_sctp() {
    let table = "
                          NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL
        data              ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL
        init              I1 IN IN IN IN IN CO CE ES SS SR SA IN IN
        init_ack          CE CE CE CE CE CE CO CE ES SS SR SA RJ CL
        cookie_echo       ES ES ES ES ES ES CO CE ES SS SR SA RJ CL
        cookie_ack        ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL
        shutdown          SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL
        shutdown_ack      CL IN IN CS CR CW CO CE CL CL SR CL RJ CL
        shutdown_complete CL CL CL CL CL CW CO CE ES SS CL CL RJ CL
        error             CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL
        abort             CL CL CL CL CL RJ CL CL CL CL CL CL CL CL";
    check(table, &IPVS_SCTP, &SCTP_CLASSES, |state, class| name_of(&IPVS_SCTP, state.next(class)));
}

fn name_of<S: PartialEq>(names: &[(&str, S)], state: S) -> String {
    names.iter().find(|(_, other)| *other == state).expect("every state has a name").0.to_string()
}

#[test]
fn first_flag_of_the_order_counts() {
    let flags = |text: &str| {
        let bit = |letter| "fsrpauec".find(letter).expect("a flag's letter");
        TcpEvent::of_flags(text.chars().map(|letter| 1 << bit(letter)).sum())
    };
    let cases = [
        ("", TcpEvent::None),
        ("a", TcpEvent::Ack),
        ("f", TcpEvent::Fin),
        ("fa", TcpEvent::Fin),
        ("s", TcpEvent::Syn),
        ("sa", TcpEvent::Syn),
        ("sf", TcpEvent::Syn),
        ("r", TcpEvent::Rst),
        ("safr", TcpEvent::Rst),
        ("puec", TcpEvent::None),
        ("apuec", TcpEvent::Ack),
    ];
    for (text, event) in cases {
        assert_eq!(flags(text), event, "{text}");
    }
}

#[test]
fn the_machine_only_decides_the_first_state() {
    let cases = [
        (Machine::Own, Segment::ACK, State::Tcp(TcpState::Established)),
        (Machine::Own, Segment::Udp, State::Udp(UdpState::New)),
        (Machine::Own, Segment::Sctp(SctpClass::Init), State::Sctp(SctpState::Init)),
        (Machine::Own, Segment::Other, State::Unknown),
        (Machine::Ipvs, Segment::ACK, State::IpvsTcp(IpvsTcpState::Established)),
        (Machine::Ipvs, Segment::Udp, State::IpvsUdp),
        (Machine::Ipvs, Segment::Sctp(SctpClass::Init), State::IpvsSctp(IpvsSctpState::Init1)),
        (Machine::Ipvs, Segment::Other, State::Unknown),
    ];
    for (machine, segment, state) in cases {
        assert_eq!(next(machine, State::Unknown, segment, false), state, "{machine:?} {segment:?}");
        for other in [Machine::Own, Machine::Ipvs] {
            assert_eq!(
                next(other, state, Segment::Other, false),
                state,
                "a packet without a transport header changes nothing"
            );
        }
    }
}

#[test]
fn a_segment_of_another_protocol_changes_nothing() {
    let segments = [Segment::ACK, Segment::Udp, Segment::Sctp(SctpClass::Data)];
    for machine in [Machine::Own, Machine::Ipvs] {
        for first in segments {
            let state = next(machine, State::Unknown, first, false);
            for second in segments.into_iter().filter(|second| *second != first) {
                assert_eq!(next(machine, state, second, true), state, "{state:?} on {second:?}");
            }
        }
    }
}

/// The kernel's defaults: Linux 6.12, in seconds.
#[test]
fn ipvs_timeouts() {
    let expected = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120];
    for ((name, state), seconds) in IPVS_TCP.iter().zip(expected) {
        assert_eq!(State::IpvsTcp(*state).timeout(&Timeouts::IPVS).as_secs(), seconds, "{name}");
    }
    let expected = [2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61];
    for ((name, state), seconds) in IPVS_SCTP.iter().zip(expected) {
        assert_eq!(State::IpvsSctp(*state).timeout(&Timeouts::IPVS).as_secs(), seconds, "{name}");
    }
    assert_eq!(State::IpvsUdp.timeout(&Timeouts::IPVS).as_secs(), 300);
}
