//! The node's file is one that an agent takes.

use lb_core::config::LbFile;
use lb_core::node::NodeConfig;

use super::*;

#[test]
fn the_file_is_what_an_agent_takes() {
    let mut services = Services::usual();
    services.slow_start = Some(Duration::from_secs(2));
    let text = document(1, &services, 7, "/run/node2.sock").to_string();
    let file: LbFile = files::Source::new("node2.yaml", &text).parse().expect("an LB file");
    let config = NodeConfig::try_from(file).expect("a node's file");
    assert_eq!(config.lb.services.len(), services.list.len());
    assert_eq!(config.lb.generation, 7);
    assert_eq!(config.bgp.expect("has peers").peers[0].address, IpAddr::from([10, 1, 2, 1]));
}
