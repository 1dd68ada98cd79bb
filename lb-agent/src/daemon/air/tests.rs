//! Tests of the routers' side, with a router of ours on loopback: what is announced before there is a speaker
//! is said once there is one, and what a loop that does nothing leaves unheard holds up no session.

use lb_core::bgp::{Asn, PeerConfig, Reach, Start};
use lb_core::config::{BfdConfig, LbFile};
use tokio::time::timeout;

use super::*;
use crate::routing::Routing;

const SOON: Duration = Duration::from_secs(10);

fn node(bgp: &str) -> NodeConfig {
    let file: LbFile =
        serde_saphyr::from_str(&format!("ownedPrefixes: [203.0.113.0/24]\nservices: []\n{bgp}")).unwrap();
    NodeConfig::try_from(file).unwrap()
}

/// A router of AS 64500 at 127.0.0.`last`, whose port is what is given back.
fn router(last: u8, node: u8) -> (Routing, mpsc::Receiver<RoutingEvent>, u16) {
    let ours = IpAddr::from([127, 0, 0, last]);
    // a port that is free now
    let port = std::net::TcpListener::bind((ours, 0)).unwrap().local_addr().unwrap().port();
    let mut peer = PeerConfig {
        local_address: Some(ours),
        reach: Reach::Hops(1),
        ..PeerConfig::new(IpAddr::from([127, 0, 0, node]), Asn(64_512))
    };
    peer.passive = true;
    let speaker =
        SpeakerConfig { peers: vec![peer], ..SpeakerConfig::new(Asn(64_500), [10, 0, 0, last].into()) };
    let config =
        RoutingConfig { speaker, bfd: BfdConfig::default(), listen: vec![SocketAddr::new(ours, port)] };
    let (routing, events) = Routing::start(config, Start::Cold, Instant::now(), 7).unwrap();
    (routing, events, port)
}

fn bgp(node: u8, peers: &[(u8, u16)]) -> String {
    let mut text = format!("bgp:\n  as: 64512\n  routerId: 10.0.0.{node}\n  peers:\n");
    for (last, port) in peers {
        text += &format!(
            "  - {{ address: 127.0.0.{last}, port: {port}, as: 64500, localAddress: 127.0.0.{node} }}\n"
        );
    }
    text
}

/// Waits until a router has so many routes.
async fn has_routes(router: &Routing, routes: usize) {
    let received = async {
        while router.status().await.unwrap().peers[0].bgp.routes_received != routes {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, received).await.expect("it hears of them soon");
}

#[tokio::test]
async fn a_speaker_that_begins_later_says_what_was_announced_before() {
    let (router, _events, port) = router(21, 22);
    let air = Air::at(0, &node(""), Instant::now(), 7).unwrap();
    air.announce("203.0.113.10/32".parse().unwrap(), Route::default());
    air.announce("203.0.113.11/32".parse().unwrap(), Route::default());
    air.withdraw("203.0.113.11/32".parse().unwrap());
    air.complete();
    air.configure(routing_config(0, &node(&bgp(22, &[(21, port)]))));
    has_routes(&router, 1).await;
    // one that is taken away and comes back is a speaker that begins, too
    air.configure(None);
    has_routes(&router, 0).await;
    air.configure(routing_config(0, &node(&bgp(22, &[(21, port)]))));
    has_routes(&router, 1).await;
    air.end().await;
}

#[test]
fn a_loop_that_is_busy_holds_up_no_session() {
    // the loop's runtime is never polled in the meantime, as while it reads a large file
    let busy = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (port, routing) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let peer = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let (router, _events, at) = router(23, 24);
            port.0.send(at).unwrap();
            has_routes(&router, 1).await;
            routing.0.send(()).unwrap();
        });
    });
    let port = port.1.recv_timeout(SOON).unwrap();
    busy.block_on(async {
        let air = Air::at(0, &node(&bgp(24, &[(23, port)])), Instant::now(), 7).unwrap();
        air.announce("203.0.113.10/32".parse().unwrap(), Route::default());
        routing.1.recv_timeout(2 * SOON).expect("the session comes up by itself");
    });
    peer.join().unwrap();
}
