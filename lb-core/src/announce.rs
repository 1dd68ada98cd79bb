//! Announcements: which VIPs a node tells its routers of, and when.
//!
//! A VIP stands while enough of its services do ([`Policy`]); one that flaps is
//! damped, so that its last withdrawal holds for a while ([`Damping`]); one
//! that is to be drained is withdrawn first, and drained only after what was
//! under way has arrived. [`Announcer`] decides that for all VIPs of a node.
//! When a service stands is [`health`](crate::health)'s to say; carrying the
//! routes to the peers is [`bgp`](crate::bgp)'s.
//!
//! Sources: RFC 2439 (damping, here of our own routes where they originate),
//! RFC 8326 (graceful shutdown).

mod announcer;
mod config;
mod damping;
mod vip;

pub use announcer::{Announcer, Event, Transmit};
pub use config::{Aggregate, AnnounceConfig, Policy, VipConfig};
pub use damping::{Damping, DampingError};
pub use vip::{Input, Verdict, VipState};
