//! Tests of what the kernel's numbers mean: one table of all that the documentation promises.

use super::{Error, Reason, Refused};
use crate::error::{Errno, Rejection};
use crate::ipvs::{Command, CommandCode, Protocol, ServiceKey};

#[test]
fn a_number_means_what_the_command_makes_of_it() {
    use CommandCode as Code;
    let cases = [
        (Code::NewService, Errno::EEXIST, Reason::ServiceExists),
        (Code::NewService, Errno::ENOENT, Reason::NoSuchScheduler),
        (Code::SetService, Errno::ENOENT, Reason::NoSuchScheduler),
        (Code::SetService, Errno::ESRCH, Reason::NoSuchService),
        (Code::DelService, Errno::ESRCH, Reason::NoSuchService),
        (Code::GetService, Errno::ESRCH, Reason::NoSuchService),
        (Code::Zero, Errno::ESRCH, Reason::NoSuchService),
        (Code::NewDest, Errno::EEXIST, Reason::DestinationExists),
        (Code::NewDest, Errno::ESRCH, Reason::NoSuchService),
        (Code::NewDest, Errno::ERANGE, Reason::OutOfRange),
        (Code::NewDest, Errno::EINVAL, Reason::Invalid),
        (Code::NewDest, Errno::ENOENT, Reason::Other(Errno::ENOENT)),
        (Code::SetDest, Errno::ENOENT, Reason::NoSuchDestination),
        (Code::DelDest, Errno::ENOENT, Reason::NoSuchDestination),
        (Code::NewDaemon, Errno::EEXIST, Reason::DaemonRuns),
        (Code::NewDaemon, Errno::ENODEV, Reason::NoSuchInterface),
        (Code::DelDaemon, Errno::ESRCH, Reason::NoSuchDaemon),
        (Code::Flush, Errno::EPERM, Reason::NotPermitted),
        (Code::NewService, Errno::EAFNOSUPPORT, Reason::FamilyNotSupported),
        (Code::Flush, Errno::ENOMEM, Reason::Other(Errno::ENOMEM)),
    ];
    for (code, errno, reason) in cases {
        assert_eq!(Reason::of(code, errno), reason, "{code:?} {errno}");
    }
}

#[test]
fn a_refusal_says_what_why_and_where() {
    let key = ServiceKey::address(Protocol::TCP, [203, 0, 113, 10].into(), 443);
    let command = Command::DeleteService(key);
    let bytes = command.to_message().to_bytes();
    // Headers of 16 and 4 bytes, one of a nested attribute, then the first attribute within.
    let rejection =
        Rejection { offset: Some(24), message: Some("bad".into()), ..Rejection::new(Errno::ESRCH) };
    let refused = Refused::new(command.to_string(), CommandCode::DelService, &bytes, rejection);
    assert_eq!(
        Error::Refused(Box::new(refused)).to_string(),
        "cannot delete service 203.0.113.10:443/tcp: there is no such service (the kernel refused it: no such object \
         (ESRCH): bad, at IPVS_CMD_ATTR_SERVICE > IPVS_SVC_ATTR_AF)"
    );
}
