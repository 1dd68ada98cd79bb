//! Two BGP speakers in one process: a node announces a VIP, a router hears of it.
//!
//! ```text
//!   node, AS 64512, 10.0.0.11  ──TCP, here two queues──  router, AS 64500, 10.0.0.1
//!       announces 203.0.113.10/32, then leaves in good order
//! ```
//!
//! Speakers have no sockets: what one wants sent is handed to the other, and
//! the printed lines are what an adapter would log. Run it with
//! `cargo run -p lb-core --example bgp`.

use core::net::IpAddr;
use std::error::Error;

use lb_core::Time;
use lb_core::bgp::{
    Asn, ConnectionId, Event, PeerConfig, PeerId, Route, Speaker, SpeakerConfig, Start, Transmit,
};

const NODE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 11));
const ROUTER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 1));

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = World {
        speakers: [
            ("node  ", NODE, speaker(64_512, "10.0.0.11", PeerConfig::new(ROUTER, Asn(64_500)))?),
            (
                "router",
                ROUTER,
                speaker(
                    64_500,
                    "10.0.0.1",
                    PeerConfig { passive: true, ..PeerConfig::new(NODE, Asn(64_512)) },
                )?,
            ),
        ],
        connection: None,
    };
    let vip = "203.0.113.10/32".parse()?;
    let now = Time::ZERO;

    for (_, _, speaker) in &mut world.speakers {
        speaker.start(now);
    }
    world.exchange(now);

    println!("-- the VIP's backends are healthy: announce it");
    let route = Route { communities: vec!["64512:443".parse()?], ..Route::default() };
    world.speakers[0].2.announce(now, vip, route.clone());
    world.exchange(now);

    println!("-- maintenance: tell that it goes away soon, then withdraw it, then leave");
    world.speakers[0].2.announce(now, vip, Route { graceful_shutdown: true, ..route });
    world.exchange(now);
    world.speakers[0].2.withdraw(now, &vip);
    world.exchange(now);
    world.speakers[0].2.stop(now, "replacing a disk");
    world.exchange(now);
    Ok(())
}

fn speaker(asn: u32, router_id: &str, peer: PeerConfig) -> Result<Speaker, Box<dyn Error>> {
    let config = SpeakerConfig { peers: vec![peer], ..SpeakerConfig::new(Asn(asn), router_id.parse()?) };
    Ok(Speaker::new(config, Start::Cold, asn.into()))
}

struct World {
    speakers: [(&'static str, IpAddr, Speaker); 2],
    /// The two ends of the connection, while there is one.
    connection: Option<[(PeerId, ConnectionId); 2]>,
}

impl World {
    /// Carries what both want sent until neither wants anything, and prints what they tell.
    fn exchange(&mut self, now: Time) {
        loop {
            let mut idle = true;
            for one in [0, 1] {
                while let Some((peer, transmit)) = self.speakers[one].2.poll_transmit() {
                    self.carry(now, one, peer, transmit);
                    idle = false;
                }
                while let Some((_, event)) = self.speakers[one].2.poll_event() {
                    print(self.speakers[one].0, &event);
                }
            }
            if idle {
                return;
            }
        }
    }

    fn carry(&mut self, now: Time, one: usize, peer: PeerId, transmit: Transmit) {
        let other = 1 - one;
        match transmit {
            Transmit::Connect { connection } => {
                let (address, local) = (self.speakers[one].1, self.speakers[other].1);
                let accepted = self.speakers[other]
                    .2
                    .peer_at(address, None)
                    .and_then(|peer| Some((peer, self.speakers[other].2.handle_accepted(now, peer, local)?)));
                let Some(accepted) = accepted else {
                    return self.speakers[one].2.handle_closed(now, peer, connection);
                };
                let mut ends = [accepted; 2];
                ends[one] = (peer, connection);
                self.connection = Some(ends);
                self.speakers[one].2.handle_connected(now, peer, connection, address);
            }
            Transmit::Send { connection, bytes } => {
                self.speakers[one].2.handle_sent(now, peer, connection, bytes.len());
                if let Some((peer, connection)) = self.connection.map(|ends| ends[other]) {
                    self.speakers[other].2.handle_bytes(now, peer, connection, &bytes);
                }
            }
            Transmit::Close { .. } => {
                if let Some((peer, connection)) = self.connection.take().map(|ends| ends[other]) {
                    self.speakers[other].2.handle_closed(now, peer, connection);
                }
            }
        }
    }
}

fn print(who: &str, event: &Event) {
    match event {
        Event::State { from, to } => println!("{who}  {from} -> {to}"),
        Event::Up(agreed) => {
            let families: Vec<_> = agreed.families.iter().map(|family| family.to_string()).collect();
            println!(
                "{who}  up with AS {}, {}, hold time {:?}",
                agreed.asn,
                families.join(" and "),
                agreed.hold_time
            );
        }
        Event::Down(down) => println!("{who}  down: {}", down.reason),
        Event::Received { prefixes, attributes, next_hop } => {
            let path = attributes.as_path.clone().unwrap_or_default();
            let communities: Vec<_> = attributes.communities.iter().map(ToString::to_string).collect();
            println!("{who}  hears {prefixes:?} by {next_hop}, path {path}, communities {communities:?}");
        }
        Event::Withdrawn { prefixes } => println!("{who}  hears that {prefixes:?} is gone"),
        Event::EndOfRib { family } => println!("{who}  has heard all of {family}"),
        other => println!("{who}  {other:?}"),
    }
}
