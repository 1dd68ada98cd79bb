//! What is to be written: one value for each write.

use alloc::boxed::Box;
use core::fmt;

use super::destination::KernelDestination;
use super::service::{KernelService, ServiceKey};
use crate::identity::Endpoint;

/// One write to the kernel; all but the last are netlink messages.
///
/// They are carried out in order, in as few sends as possible, for a delete and
/// the add after it belong together. The first that fails ends the plan: what
/// the kernel holds was not what was observed, so observe again and plan anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a service (`NEW_SERVICE`).
    AddService {
        /// Which.
        key: ServiceKey,
        /// Its settings.
        service: Box<KernelService>,
    },
    /// Changes a service's settings (`SET_SERVICE`).
    SetService {
        /// Which.
        key: ServiceKey,
        /// Its settings, all of them.
        service: Box<KernelService>,
    },
    /// Deletes a service with its destinations (`DEL_SERVICE`).
    DeleteService {
        /// Which.
        key: ServiceKey,
    },
    /// Adds a destination, at the head of the kernel's list (`NEW_DEST`).
    AddDestination {
        /// To which service.
        key: ServiceKey,
        /// The destination.
        destination: KernelDestination,
    },
    /// Changes a destination, its place in the list stays (`SET_DEST`).
    SetDestination {
        /// Of which service.
        key: ServiceKey,
        /// The destination, all of it.
        destination: KernelDestination,
    },
    /// Deletes a destination (`DEL_DEST`).
    DeleteDestination {
        /// Of which service.
        key: ServiceKey,
        /// Which.
        endpoint: Endpoint,
    },
    /// Writes `net.ipv4.vs.expire_nodest_conn`: whether a connection whose
    /// destination was deleted ends at its next packet.
    SetExpireNodestConn {
        /// 1 or 0.
        value: bool,
    },
}

impl Command {
    /// The service that it is about; the sysctl is about all.
    #[must_use]
    pub const fn key(&self) -> Option<&ServiceKey> {
        match self {
            Self::AddService { key, .. }
            | Self::SetService { key, .. }
            | Self::DeleteService { key }
            | Self::AddDestination { key, .. }
            | Self::SetDestination { key, .. }
            | Self::DeleteDestination { key, .. } => Some(key),
            Self::SetExpireNodestConn { .. } => None,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService { key, service } => {
                write!(f, "add service {key}, scheduler {}", service.scheduler)
            }
            Self::SetService { key, service } => {
                write!(f, "set service {key}, scheduler {}", service.scheduler)
            }
            Self::DeleteService { key } => write!(f, "delete service {key}"),
            Self::AddDestination { key, destination } => {
                write!(f, "add {} to {key}, weight {}", destination.endpoint, destination.weight)
            }
            Self::SetDestination { key, destination } => {
                write!(f, "set {} of {key} to weight {}", destination.endpoint, destination.weight)
            }
            Self::DeleteDestination { key, endpoint } => write!(f, "delete {endpoint} of {key}"),
            Self::SetExpireNodestConn { value } => {
                write!(f, "set net.ipv4.vs.expire_nodest_conn to {}", u8::from(*value))
            }
        }
    }
}
