//! The simulated packet path: agenda, router, the real director, gateway.
//!
//! Dimensions: one zone of 4 L4 nodes and 8 gateways, connections of ten
//! packets, ten thousand at a time. There is no peer: no simulator of fleets
//! that is known to us runs a balancer's own code on packet bytes.

use sim::PacketPath;

use crate::{Case, Scale, Work, timed};

/// All cases; an operation is one packet.
pub const CASES: &[Case] = &[Case::new("packets", packets)];

/// Packets of one connection.
const EACH: u32 = 10;

fn packets(_: Scale) -> Work {
    let mut path = PacketPath::new(4, 8);
    Box::new(move |count| {
        let rest = (count % u64::from(EACH)) as u32;
        timed(|| {
            let mut delivered = path.send(count / u64::from(EACH), EACH);
            if rest > 0 {
                delivered += path.send(1, rest);
            }
            assert_eq!(delivered, count, "every packet reaches a gateway");
        })
    })
}
