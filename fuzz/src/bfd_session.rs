//! BFD sessions against whatever arrives: raw bytes, plausible packets, commands and time.
//!
//! What must hold in any case: no panic; what is sent can be parsed; the told
//! changes of state form a chain of steps that the transition function allows;
//! no input makes a session talk more than its share; and no deadline lies in
//! the past, so nothing spins.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use lb_core::Time;
use lb_core::bfd::{
    Arrived, Cause, ControlPacket, Diagnostic, Hops, Input, Neighbor, Origin, SessionConfig, SessionState,
    Sessions,
};

/// Operations of one input at most.
const MAX_OPERATIONS: usize = 300;
/// Neighbours; there may be one more address from which packets come.
const NEIGHBORS: u8 = 3;

/// One thing that happens to a set of sessions.
#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Bytes { from: u8, ttl: u8, bytes: &'a [u8] },
    Packet { from: u8, ttl: u8, named: bool, bits: u8, diagnostic: u8, multiplier: u8, intervals: [u16; 2] },
    Pass { milliseconds: u16 },
    Deadline,
    Admin { who: u8, enabled: bool },
    Config { who: u8, intervals: [u16; 2], multiplier: u8 },
    Remove { who: u8 },
    Add { who: u8 },
}

/// Plays the operations that the bytes stand for.
pub fn check(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let mut course = Course::new();
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        course.play(&operation);
        course.settle();
    }
}

struct Course {
    sessions: Sessions,
    now: Time,
    /// What was told last, by neighbour.
    told: [SessionState; NEIGHBORS as usize],
}

impl Course {
    fn new() -> Self {
        let told = [SessionState::Down; NEIGHBORS as usize];
        let mut course =
            Self { sessions: Sessions::new(2 * usize::from(NEIGHBORS), 7), now: Time::ZERO, told };
        (0..NEIGHBORS).for_each(|who| course.add(who));
        course.settle();
        course
    }

    fn add(&mut self, who: u8) {
        if self.sessions.add(self.now, neighbor(who), SessionConfig::default()).is_ok() {
            self.told[usize::from(who)] = SessionState::Down;
        }
    }

    fn play(&mut self, operation: &Operation<'_>) {
        match *operation {
            Operation::Bytes { from, ttl, bytes } => {
                let _ = self.sessions.handle_packet(self.now, origin(from, ttl), bytes);
            }
            Operation::Packet { from, ttl, named, bits, diagnostic, multiplier, intervals } => {
                let session = self.sessions.session(address(from), arrived(from));
                let name = session.filter(|_| named).map_or(0, |session| session.discriminator());
                let packet = ControlPacket {
                    diagnostic: Diagnostic::from_code(diagnostic & 31).expect("five bits"),
                    state: STATES[usize::from(bits & 3)],
                    poll: bits & 4 != 0,
                    final_: bits & 8 != 0,
                    control_plane_independent: bits & 16 != 0,
                    demand: bits & 32 != 0,
                    detect_multiplier: multiplier.max(1),
                    my_discriminator: 1 + u32::from(from),
                    your_discriminator: name,
                    desired_min_tx_us: u32::from(intervals[0]) * 1_000,
                    required_min_rx_us: u32::from(intervals[1]) * 1_000,
                    required_min_echo_rx_us: 0,
                };
                let _ = self.sessions.handle_packet(self.now, origin(from, ttl), &packet.emit());
            }
            Operation::Pass { milliseconds } => self.now += Duration::from_millis(milliseconds.into()),
            Operation::Deadline => self.now = self.sessions.poll_timeout().unwrap_or(self.now).max(self.now),
            Operation::Admin { who, enabled } => {
                self.sessions.handle_admin(self.now, address(who), arrived(who), enabled);
            }
            Operation::Config { who, intervals: [tx, rx], multiplier } => {
                let [tx, rx] = [tx, rx].map(|ms| Duration::from_millis(u64::from(ms).max(1)));
                let config = SessionConfig::new(tx, rx, multiplier.max(1)).expect("within the bounds");
                self.sessions.handle_config(self.now, address(who), arrived(who), config);
            }
            Operation::Remove { who } => self.sessions.remove(self.now, address(who), arrived(who)),
            Operation::Add { who } => self.add(who % NEIGHBORS),
        }
    }

    /// Drains what the operation brought about, checking it.
    fn settle(&mut self) {
        self.sessions.handle_timeout(self.now);
        let mut sent = 0;
        while let Some(transmit) = self.sessions.poll_transmit() {
            let (packet, authentication) =
                ControlPacket::parse(&transmit.bytes).expect("what we send is right");
            assert!(!(packet.poll && packet.final_) && authentication.is_none());
            sent += 1;
        }
        // an answer and a periodic packet from each, those that leave included
        assert!(sent <= 4 * u32::from(NEIGHBORS), "{sent} packets after one operation");
        while let Some(event) = self.sessions.poll_event() {
            let who = (0..NEIGHBORS).find(|who| neighbor(*who) == event.neighbor).expect("one of ours");
            let told = &mut self.told[usize::from(who)];
            assert_eq!(event.change.from, *told, "the chain of what was told");
            assert!(is_possible(event.change.from, event.change.to, event.change.cause), "{event:?}");
            *told = event.change.to;
        }
        if let Some(deadline) = self.sessions.poll_timeout() {
            assert!(deadline > self.now, "{deadline} is due at {} already", self.now);
        }
    }
}

/// Whether some step or two (a packet and the deadline after it) lead there.
fn is_possible(from: SessionState, to: SessionState, cause: Cause) -> bool {
    let last = match cause {
        Cause::Command => [Input::Disabled, Input::Enabled].to_vec(),
        Cause::Expired => vec![Input::Expired],
        Cause::Heard(state) => vec![Input::Heard(state)],
        Cause::Started => return false,
    };
    let mut before = vec![from];
    before.extend(STATES.map(|state| from.after(Input::Heard(state))));
    before.extend([from.after(Input::Disabled), from.after(Input::Enabled)]);
    before.iter().any(|state| last.iter().any(|input| state.after(*input) == to))
}

const STATES: [SessionState; 4] =
    [SessionState::AdminDown, SessionState::Down, SessionState::Init, SessionState::Up];

fn address(who: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1 + who % (NEIGHBORS + 1)))
}

/// The last neighbour is several hops away.
fn neighbor(who: u8) -> Neighbor {
    let hops = if who + 1 == NEIGHBORS { Hops::Many { least_ttl: 128 } } else { Hops::One };
    Neighbor { address: address(who), hops }
}

fn arrived(who: u8) -> Arrived {
    if who % (NEIGHBORS + 1) + 1 == NEIGHBORS { Arrived::ManyHops } else { Arrived::OneHop }
}

/// Half of all TTLs prove enough.
fn origin(from: u8, ttl: u8) -> Origin {
    let ttl = if ttl < 128 { 255 } else { ttl };
    Origin { address: address(from), arrived: arrived(from), ttl }
}
