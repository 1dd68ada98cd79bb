//! BFD alone: two nodes on a line that breaks, and how soon each knows.
//!
//! ```text
//! node ──24 bytes every 100 ms──> router
//!      <──────────────────────────        the line breaks in one direction at 10 s
//! ```
//!
//! The node hears nothing any more and is the first to know; its last packets
//! tell the router why. The clock is a number that this program sets.
//! Run it with `cargo run -p lb-core --example bfd`.

use core::time::Duration;

use lb_core::Time;
use lb_core::bfd::{Arrived, Hops, Neighbor, Origin, SENT_TTL, SessionConfig, SessionState, Sessions};

const BREAKS: Time = Time::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (node, router) = ("10.0.0.11".parse()?, "10.0.0.1".parse()?);
    let config = SessionConfig::new(Duration::from_millis(100), Duration::from_millis(100), 3)?;
    let neighbor = |address| Neighbor { address, hops: Hops::One };
    let origin = |address| Origin { address, arrived: Arrived::OneHop, ttl: SENT_TTL };

    let (mut here, mut there) = (Sessions::new(8, 1), Sessions::new(8, 2));
    here.add(Time::ZERO, neighbor(router), config)?;
    there.add(Time::ZERO, neighbor(node), config)?;
    let (mut now, mut here_known, mut there_known) = (Time::ZERO, None, None);
    while now < Time::from_secs(12) {
        here.handle_timeout(now);
        there.handle_timeout(now);
        while let Some(transmit) = there.poll_transmit() {
            if now < BREAKS {
                here.handle_packet(now, origin(router), &transmit.bytes)?;
            }
        }
        while let Some(transmit) = here.poll_transmit() {
            there.handle_packet(now, origin(node), &transmit.bytes)?;
        }
        let ends = [("node", &mut here, &mut here_known), ("router", &mut there, &mut there_known)];
        for (who, end, known) in ends {
            while let Some(event) = end.poll_event() {
                println!(
                    "{now}  {who}: {} -> {} ({:?})",
                    event.change.from, event.change.to, event.change.cause
                );
                if event.change.is_failure() && known.is_none() {
                    *known = Some(now - BREAKS);
                }
            }
        }
        let next = [here.poll_timeout(), there.poll_timeout()].into_iter().flatten().min();
        now = next.expect("a session always waits for something").max(now + Duration::from_nanos(1));
    }
    assert!(here_known.expect("it knows") <= Duration::from_millis(300), "three packets");
    assert_eq!(here_known, there_known, "the router is told at once");
    let session = there.session(node, Arrived::OneHop).expect("it is there");
    assert_eq!(session.remote().0, SessionState::Down);
    println!("the router knows why: {}", session.remote().1);
    Ok(())
}
