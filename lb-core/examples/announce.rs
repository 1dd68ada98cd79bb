//! Announcements alone, for a node that has health and BGP of its own: which VIPs, and when.
//!
//! ```text
//! state of a service ──> Announcer ──announce, withdraw──> routers
//! drain, maintenance ──>           <──"it was withdrawn"── whoever tells the routers
//! ```
//!
//! A VIP of two services is announced once one of them stands; it falls three
//! times in a row and is held back; then the node is drained: withdrawn first,
//! drained five seconds later. The clock is a number that this program sets.
//! Run it with `cargo run -p lb-core --example announce`.

use core::time::Duration;

use lb_core::Time;
use lb_core::announce::{AnnounceConfig, Announcer, Event, Transmit, VipState};
use lb_core::config::{AnnounceFile, ServiceAddress};
use lb_core::health::ServiceState::{self, Down, Up};

const ANNOUNCE: &str = "
policy: any
drainDelay: 5s
communities: ['64512:100']
damping: { halfLife: 1m, suppress: 2000, reuse: 750, maxSuppress: 5m }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file: AnnounceFile = serde_saphyr::from_str(ANNOUNCE)?;
    let config = AnnounceConfig::try_from(file)?;
    let (http, https): (ServiceAddress, ServiceAddress) =
        ("203.0.113.10:80/tcp".parse()?, "203.0.113.10:443/tcp".parse()?);
    let vip = http.address;
    let mut announcer = Announcer::new(config.clone());
    announcer.configure(Time::ZERO, config, [http, https]);
    let mut node = Node { announcer, now: Time::ZERO };

    node.hear(http, Down);
    assert_eq!(node.announcer.state(vip), Some(VipState::Unknown), "the other is not known yet");
    node.hear(https, Up);
    assert_eq!(node.announcer.state(vip), Some(VipState::Announced));

    for _ in 0..3 {
        node.hear(https, Down);
        node.pass(Duration::from_secs(5));
        node.hear(https, Up);
    }
    assert_eq!(node.announcer.state(vip), Some(VipState::Suppressed));
    node.pass(Duration::from_secs(120));
    assert_eq!(node.announcer.state(vip), Some(VipState::Announced), "its penalty is served");

    node.announcer.handle_node_drain(node.now, true);
    node.drain();
    assert!(!node.announcer.is_drained(), "what is under way still arrives");
    node.pass(Duration::from_secs(5));
    assert!(node.announcer.is_drained());
    Ok(())
}

struct Node {
    announcer: Announcer,
    now: Time,
}

impl Node {
    fn hear(&mut self, service: ServiceAddress, state: ServiceState) {
        println!("{}  {service} is {state:?}", self.now);
        self.announcer.handle_service(self.now, service, state);
        self.drain();
    }

    /// Goes from deadline to deadline, as a daemon would sleep.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.announcer.poll_timeout().filter(|deadline| *deadline <= until) {
            self.now = deadline;
            self.announcer.handle_timeout(deadline);
            self.drain();
        }
        self.now = until;
    }

    /// Carries out what is wanted; here that is a line of text.
    fn drain(&mut self) {
        while let Some(transmit) = self.announcer.poll_transmit() {
            match transmit {
                Transmit::Announce { prefix, .. } => println!("{}    announce {prefix}", self.now),
                Transmit::Withdraw { prefix } => {
                    println!("{}    withdraw {prefix}", self.now);
                    self.announcer.handle_withdrawn(self.now, prefix);
                }
            }
        }
        while let Some(event) = self.announcer.poll_event() {
            match event {
                Event::StateChanged { vip, from, to } => {
                    println!("{}    {vip}: {from:?} -> {to:?}", self.now)
                }
                Event::NodeDrained => println!("{}    the node is drained", self.now),
            }
        }
    }
}
