//! Kernel settings (sysctls) by typed names: read, compared, set.
//!
//! A name that compiles is a file that exists where its module is loaded, so no
//! text that came from outside can become a path. Where `/proc/sys` lies is an
//! argument ([`Sysctls::at`]), for tests and for namespaces entered by a mount.
//! What values a node or a gateway pod needs is for their plans to say.
//! Source: `Documentation/networking/ip-sysctl.rst`, `ipvs-sysctl.rst`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Errno;
use crate::link::DeviceName;
use crate::network::Command;

mod name;

pub use name::{Conf, Core, Ipv4, Ipv4Conf, Ipv6Conf, Ipvs, Sysctl};

/// A value, with white space between its parts made one blank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(Box<str>);

impl Value {
    /// From a text; what the kernel writes and what a person writes become the same.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a setting has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The setting.
    pub sysctl: Sysctl,
    /// The value that is written if it is not met.
    pub value: Value,
    /// Whether a larger number is as good.
    pub at_least: bool,
}

impl Requirement {
    /// This number and no other.
    #[must_use]
    pub fn exactly(sysctl: Sysctl, number: i64) -> Self {
        Self { sysctl, value: number.into(), at_least: false }
    }

    /// This number or a larger one.
    #[must_use]
    pub fn at_least(sysctl: Sysctl, number: i64) -> Self {
        Self { sysctl, value: number.into(), at_least: true }
    }

    /// Whether `found` will do.
    #[must_use]
    pub fn is_met_by(&self, found: &Value) -> bool {
        let larger = found.number().zip(self.value.number()).is_some_and(|(found, wanted)| found > wanted);
        *found == self.value || (self.at_least && larger)
    }
}

/// The commands after which all requirements are met.
///
/// `observed` gives the present value, none where the file does not exist (yet):
/// such a setting is written, and the write says what is missing.
///
/// ```
/// use lb_netlink::sysctl::{self, Ipvs, Requirement, Sysctl, Value};
///
/// let wanted = [Requirement::exactly(Sysctl::Ipvs(Ipvs::SloppyTcp), 1)];
/// let commands = sysctl::plan(|_| Some(Value::from(0)), &wanted);
/// assert_eq!(commands[0].to_string(), "sysctl -w net.ipv4.vs.sloppy_tcp=1");
/// assert!(sysctl::plan(|_| Some(Value::from(1)), &wanted).is_empty());
/// ```
#[must_use]
pub fn plan(observed: impl Fn(&Sysctl) -> Option<Value>, wanted: &[Requirement]) -> Vec<Command> {
    let unmet = wanted
        .iter()
        .filter(|wanted| !observed(&wanted.sysctl).is_some_and(|found| wanted.is_met_by(&found)));
    unmet.map(|wanted| Command::SetSysctl(wanted.sysctl.clone(), wanted.value.clone())).collect()
}

/// The settings below one folder.
#[derive(Clone, Debug)]
pub struct Sysctls {
    root: PathBuf,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self::at("/proc/sys")
    }
}

impl Sysctls {
    /// Those below `root`, which is `/proc/sys` or looks like it.
    #[must_use]
    pub fn at(root: impl AsRef<Path>) -> Self {
        Self { root: root.as_ref().to_owned() }
    }

    /// The present value.
    ///
    /// # Errors
    ///
    /// [`Problem::Missing`] if there is no such setting here, or the file cannot be read.
    pub fn read(&self, sysctl: &Sysctl) -> Result<Value, SysctlError> {
        let text = std::fs::read_to_string(self.root.join(sysctl.path()));
        text.map(|text| Value::new(&text)).map_err(|error| SysctlError::new(sysctl, &error))
    }

    /// Whether the setting could be written now, without writing it.
    ///
    /// # Errors
    ///
    /// See [`Problem`].
    pub fn check_writable(&self, sysctl: &Sysctl) -> Result<(), SysctlError> {
        self.open(sysctl).map(drop).map_err(|error| SysctlError::new(sysctl, &error))
    }

    /// Sets a value, also if it is the present one.
    ///
    /// # Errors
    ///
    /// See [`Problem`].
    pub fn write(&self, sysctl: &Sysctl, value: &Value) -> Result<(), SysctlError> {
        let write =
            |mut file: std::fs::File| io::Write::write_all(&mut file, format!("{value}\n").as_bytes());
        self.open(sysctl).and_then(write).map_err(|error| SysctlError::new(sysctl, &error))
    }

    /// For writing, without `create`: a file that is not there is a module that is not loaded.
    fn open(&self, sysctl: &Sysctl) -> io::Result<std::fs::File> {
        std::fs::OpenOptions::new().write(true).open(self.root.join(sysctl.path()))
    }
}

/// A setting that could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sysctl}: {problem}")]
pub struct SysctlError {
    /// The setting.
    pub sysctl: Sysctl,
    /// Why not.
    pub problem: Problem,
}

/// Why a setting could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The kernel refuses the value.
    #[error("this kernel does not take the value; look up its range")]
    Invalid,
    /// There is no such file; the text says what would bring it.
    #[error("is not there; {0}")]
    Missing(String),
    /// Only the owner of the namespace may write.
    #[error("not permitted; run as root of this network namespace (CAP_NET_ADMIN)")]
    NotPermitted,
    /// Containers see `/proc/sys` read-only unless they are privileged.
    #[error(
        "/proc/sys is read-only in this container; make it privileged, or have the pod set it \
         (securityContext.sysctls, which the kubelet must allow)"
    )]
    ReadOnly,
    /// Another failure of the system call.
    #[error("{0}")]
    Io(Errno),
}

impl SysctlError {
    fn new(sysctl: &Sysctl, error: &io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => Problem::Missing(sysctl.remedy()),
            io::ErrorKind::PermissionDenied => Problem::NotPermitted,
            io::ErrorKind::ReadOnlyFilesystem => Problem::ReadOnly,
            io::ErrorKind::InvalidInput => Problem::Invalid,
            _ => Problem::Io(Errno(error.raw_os_error().unwrap_or_default())),
        };
        Self { sysctl: sysctl.clone(), problem }
    }

    /// Whether the file is not there.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.problem, Problem::Missing(_))
    }
}

impl Sysctl {
    fn remedy(&self) -> String {
        match self {
            Self::Ipvs(_) => {
                "load IPVS on the host: modprobe ip_vs (an older kernel may lack this one)".to_owned()
            }
            Self::Ipv4Conf(Conf::Device(device), _) | Self::Ipv6Conf(Conf::Device(device), _) => {
                no_device(device)
            }
            Self::Ipv6Conf(Conf::All | Conf::Default, _) => {
                "this kernel runs without IPv6; start it without ipv6.disable=1".to_owned()
            }
            Self::Core(_) | Self::Ipv4(_) | Self::Ipv4Conf(Conf::All | Conf::Default, _) => {
                "this kernel is too old for it, or /proc/sys is not mounted".to_owned()
            }
        }
    }
}

fn no_device(device: &DeviceName) -> String {
    format!("is there a device `{device}`? (ip link show)")
}

#[cfg(test)]
mod tests;
