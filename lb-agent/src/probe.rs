//! Health checks carried out: one check in, one report out.
//!
//! What is asked, and when, is data of [`lb_core::health`]; here are the sockets.
//! [`Preparer`] turns a [`Check`](lb_core::health::Check) into a [`PreparedCheck`] once
//! (certificates read, requests written), [`Executor`] carries out any number of them side
//! by side, each within one time for everything, and hands back a [`Report`]: what was
//! wrong ([`Failure`]), and how long each [`Phase`] took. What a report means for a backend
//! is its machine's ([`BackendHealth`](lb_core::health::BackendHealth)).
//!
//! A check leaves nothing behind: connections end with a reset, so that neither side keeps
//! them in `TIME_WAIT`, and one that only connects is reset before its third packet, so that
//! the application never sees it.
//!
//! ```
//! use std::time::Duration;
//! use lb_agent::probe::{Executor, Failure, Preparer, Settings, Target};
//! use lb_core::health::{Check, CheckFile};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let check = Preparer::new().prepare(&Check::try_from(CheckFile::default())?)?;
//! let mut executor = Executor::new(tokio::runtime::Handle::current(), &Settings::default());
//! executor.start("gateway-1", &check, Target::plain(listener.local_addr()?), Duration::from_secs(1));
//!
//! let finished = executor.finished().await;
//! assert_eq!((finished.key, finished.report.result), ("gateway-1", Ok(())));
//! # Ok(())
//! # }
//! ```

mod dial;
mod dns;
mod executor;
mod failure;
mod http;
mod icmp;
mod limit;
pub mod paths;
mod prepared;
mod radius;
mod report;
mod target;
mod tcp;
mod tls;
mod udp;

pub use dns::DnsFault;
pub use executor::{Executor, Finished, Settings};
pub use failure::{AnswerFault, Failure, LocalFault, NoWay};
pub use http::HttpFault;
pub(crate) use limit::raise_limit;
pub use prepared::{PrepareError, PreparedCheck, Preparer};
pub use radius::{RadiusCode, RadiusFault};
pub use report::{Phase, Report, Timings};
pub use target::Target;
pub use tls::{CertificateFault, TlsFault};
