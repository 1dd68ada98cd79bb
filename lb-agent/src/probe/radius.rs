//! RADIUS: an Access-Request with PAP, and a reply that knows the secret.
//!
//! The request carries a Message-Authenticator, which servers of today demand; the reply's is
//! verified if it has one. A server that holds another secret drops the request, so a wrong
//! secret shows as a timeout; one that answers nevertheless fails the authenticator.

mod packet;

use lb_core::health::{RadiusCheck, RadiusReply};
use rustix::rand::{GetRandomFlags, getrandom};

use super::dial;
use super::failure::{Failure, LocalFault};
use super::report::{Phase, Progress};
use super::target::Target;
use super::udp;

use packet::{Nonces, Request};
pub use packet::{RadiusCode, RadiusFault};

/// The largest packet (RFC 2865 3).
const LARGEST: usize = 4_096;

/// A request and the reply to it.
pub(super) async fn check(
    check: &RadiusCheck,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut random = [0; 17];
    getrandom(&mut random, GetRandomFlags::empty()).map_err(|errno| LocalFault::of(&errno.into()))?;
    let (identifier, authenticator) = random.split_first().expect("17 bytes");
    let authenticator = authenticator.try_into().expect("16 bytes are left");
    let request = Request::new(check, Nonces { identifier: *identifier, authenticator });

    let socket = dial::udp(target, port)?;
    progress.enter(Phase::Answer);
    udp::send(&socket, request.bytes()).await?;
    let mut buffer = vec![0; LARGEST];
    loop {
        let length = udp::receive(&socket, &mut buffer).await?;
        // The answer to an earlier check from this port.
        let Some(code) = request.read(&buffer[..length]) else { continue };
        let code = code?;
        let is_wanted = match check.reply {
            RadiusReply::Accept => code == RadiusCode::Accept,
            RadiusReply::Any => true,
            RadiusReply::Challenge => code == RadiusCode::Challenge,
            RadiusReply::Reject => code == RadiusCode::Reject,
        };
        return if is_wanted { Ok(()) } else { Err(RadiusFault::Reply { got: code }.into()) };
    }
}
