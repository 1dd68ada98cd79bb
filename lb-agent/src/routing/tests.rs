//! Two speakers on loopback: sockets, commands, flushes and farewells. Real routers are met in
//! `tests/interop`, BFD too: two speakers of one namespace would fight for its port.

use std::net::IpAddr;
use std::time::Duration;

use lb_core::bgp::{Asn, DownReason, Event, Password, PeerConfig, Reach, State};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(10);
const PASSWORD: &str = "sesame";

/// A speaker of AS 64512 or 64513 at an address, and its events.
struct End {
    routing: Routing,
    events: mpsc::Receiver<RoutingEvent>,
}

/// The configuration of the speaker at `ours` with the one at `theirs` as its peer.
fn config(ours: SocketAddr, theirs: SocketAddr, password: &str) -> RoutingConfig {
    let asn = |address: SocketAddr| Asn(64_000 + u32::from(address.port()) % 1_000);
    let mut peer = PeerConfig {
        port: theirs.port(),
        local_address: Some(ours.ip()),
        password: Some(Password::new(password.to_owned())),
        reach: Reach::Secured(1),
        ..PeerConfig::new(theirs.ip(), asn(theirs))
    };
    peer.timers.connect_retry = Duration::from_millis(200);
    peer.timers.idle_hold_max = Duration::from_secs(1);
    peer.export.next_hop_v4 = Some("127.0.0.9".parse().unwrap());
    let router_id = [10, 0, (ours.port() >> 8) as u8, ours.port() as u8].into();
    let speaker = SpeakerConfig { peers: vec![peer], ..SpeakerConfig::new(asn(ours), router_id) };
    RoutingConfig { speaker, bfd: BfdConfig::default(), listen: vec![ours] }
}

impl End {
    fn start(config: RoutingConfig, seed: u64) -> Self {
        let (routing, events) = Routing::start(config, Start::Cold, Instant::now(), seed).unwrap();
        Self { routing, events }
    }

    /// The first event that `wanted` takes.
    async fn event<T>(&mut self, mut wanted: impl FnMut(RoutingEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("it runs");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        timeout(SOON, found).await.expect("it happens soon")
    }

    async fn up(&mut self) {
        let up = |event| matches!(event, RoutingEvent::Bgp { event: Event::Up(_), .. }).then_some(());
        self.event(up).await;
    }

    async fn down(&mut self) -> DownReason {
        self.event(|event| match event {
            RoutingEvent::Bgp { event: Event::Down(down), .. } => Some(down.reason),
            _ => None,
        })
        .await
    }

    async fn received(&self) -> usize {
        self.routing.status().await.unwrap().peers[0].bgp.routes_received
    }
}

/// Both ends of a session, at two addresses of loopback.
async fn pair(addresses: [&str; 2], ports: [u16; 2]) -> [End; 2] {
    let [left, right] =
        [0, 1].map(|end| SocketAddr::new(addresses[end].parse::<IpAddr>().unwrap(), ports[end]));
    let mut ends =
        [End::start(config(left, right, PASSWORD), 1), End::start(config(right, left, PASSWORD), 2)];
    for end in &mut ends {
        end.up().await;
    }
    ends
}

async fn eventually(mut look: impl AsyncFnMut() -> bool) {
    let found = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, found).await.expect("it happens soon");
}

#[tokio::test]
async fn what_is_flushed_was_written_and_arrives() {
    let [left, right] = pair(["127.0.0.1", "127.0.0.2"], [20_112, 20_113]).await;
    let vip = |number: u32| IpNet::from(IpAddr::V4((0xc612_0000 + number).into()));
    for number in 0..5_000 {
        left.routing.announce(vip(number), Route::default()).await.unwrap();
    }
    timeout(SOON, left.routing.flush()).await.unwrap().unwrap();
    let status = left.routing.status().await.unwrap();
    assert_eq!((status.routes, status.peers[0].bgp.routes_announced), (5_000, 5_000));
    // our default keeps a thousand of a peer's routes and counts the rest
    eventually(async || {
        let bgp = right.routing.status().await.unwrap().peers[0].bgp.clone();
        bgp.routes_received as u64 + bgp.routes_ignored == 5_000
    })
    .await;
    left.routing.withdraw(vip(7)).await.unwrap();
    timeout(SOON, left.routing.flush()).await.unwrap().unwrap();
    eventually(async || right.received().await == 999).await;
}

#[tokio::test]
async fn a_farewell_arrives_with_its_text_and_a_leave_says_nothing() {
    let [left, mut right] = pair(["127.0.0.1", "127.0.0.3"], [20_114, 20_115]).await;
    left.routing.stop("going home").await.unwrap();
    let DownReason::NotificationReceived(notification) = right.down().await else { panic!("no farewell") };
    assert!(notification.to_string().contains("going home"), "{notification}");

    let [left, mut right] = pair(["::1", "::1"], [20_116, 20_117]).await;
    left.routing.leave().await.unwrap();
    assert_eq!(right.down().await, DownReason::ConnectionLost);
}

#[tokio::test]
async fn a_dropped_speaker_closes_its_sockets() {
    let [left, mut right] = pair(["127.0.0.1", "127.0.0.4"], [20_118, 20_119]).await;
    drop(left);
    assert_eq!(right.down().await, DownReason::ConnectionLost);
}

#[tokio::test]
async fn another_password_ends_the_session_until_the_other_end_has_it_too() {
    let (ours, theirs) = ("127.0.0.1:20120".parse().unwrap(), "127.0.0.5:20121".parse().unwrap());
    let [mut left, mut right] = pair(["127.0.0.1", "127.0.0.5"], [20_120, 20_121]).await;
    left.routing.configure(config(ours, theirs, "other")).await.unwrap();
    left.down().await;
    right.down().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_ne!(left.routing.status().await.unwrap().peers[0].bgp.state, State::Established);
    right.routing.configure(config(theirs, ours, "other")).await.unwrap();
    left.up().await;
    right.up().await;
}

#[tokio::test]
async fn strangers_are_closed_at_once() {
    let (ours, theirs) = ("127.0.0.1:20122".parse().unwrap(), "127.0.0.6:20123".parse().unwrap());
    let _end = End::start(config(ours, theirs, PASSWORD), 1);
    let mut stranger = TcpStream::connect(ours).await.unwrap();
    let read = timeout(SOON, stranger.read(&mut [0; 64])).await.expect("at once");
    assert_eq!(read.unwrap_or(0), 0, "not a word");
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (ours, theirs) = ("127.0.0.1:20124".parse().unwrap(), "127.0.0.7:20125".parse().unwrap());
    let mut odd = config(ours, theirs, PASSWORD);
    odd.speaker.peers[0].bfd = Some("fast".to_owned());
    let error = Routing::start(odd, Start::Cold, Instant::now(), 1).unwrap_err();
    let expected = "no BFD profile `fast` for peer 127.0.0.7; add it to `bfd.profiles`, or write `bfd: true`";
    assert_eq!(error.to_string(), expected);

    let ours = "127.0.0.1:20126".parse().unwrap();
    let first = End::start(config(ours, theirs, PASSWORD), 1);
    let taken = Routing::start(config(ours, theirs, PASSWORD), Start::Cold, Instant::now(), 1).unwrap_err();
    assert!(matches!(taken, RoutingError::Listen { address, .. } if address == ours), "{taken}");
    first.routing.stop("").await.unwrap();
}
