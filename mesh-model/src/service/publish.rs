//! What a Service says of itself: its addresses, and that it may not go before they are withdrawn.
//!
//! The finalizer is the mark of ownership: it is set before the first address is
//! written, nothing is written without it, and what carries it is put right.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::{CLOUD_FINALIZER, FINALIZER, Settings, is_going, is_ours, name_of, text};
use crate::federation::ObjectKey;
use crate::names::DrainState;

/// One write to a Service; each carries the version that was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ServiceCommand {
    /// Write these finalizers in the place of those that were seen.
    SetFinalizers {
        /// Which.
        object: ObjectKey,
        /// The version that was seen.
        resource_version: Option<String>,
        /// All of them, others' too.
        finalizers: Vec<String>,
    },
    /// Write these addresses into its status.
    SetIngress {
        /// Which.
        object: ObjectKey,
        /// The version that was seen.
        resource_version: Option<String>,
        /// `status.loadBalancer.ingress`; empty for none.
        ingress: Vec<Value>,
    },
}

/// Another controller serves a Service that is ours by its class; it is let be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusConflict {
    /// It wrote addresses.
    #[error(
        "{service} has addresses of another controller ({addresses}); name a loadBalancerClass, or let that controller take them out"
    )]
    Addresses {
        /// The Service.
        service: String,
        /// What is there.
        addresses: String,
    },
    /// It set its mark, and addresses follow.
    #[error(
        "{service} is held by the finalizer {CLOUD_FINALIZER} of a cloud's controller; name a loadBalancerClass, or take it out where that controller runs no more"
    )]
    Finalizer {
        /// The Service.
        service: String,
    },
}

/// What is to be written to a Service, one step at a time; nothing if all is right.
///
/// `announced` are its addresses that are announced, `None` if nobody knows;
/// `drain` is how far the withdrawal of its address is, `None` if it never had one.
///
/// # Errors
///
/// Another controller thinks that it serves the Service.
pub fn publish(
    service: &Value,
    settings: &Settings,
    announced: Option<&[IpAddr]>,
    drain: Option<DrainState>,
) -> Result<Option<ServiceCommand>, StatusConflict> {
    let Some(object) = ObjectKey::of(service) else { return Ok(None) };
    let resource_version = text(service, "/metadata/resourceVersion").map(str::to_owned);
    let finalizers = service.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    let finalizers: Vec<String> = finalizers.filter_map(Value::as_str).map(str::to_owned).collect();
    let ingress = service.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    let ingress = ingress.map(Vec::as_slice).unwrap_or_default();
    let is_held = finalizers.iter().any(|one| one == FINALIZER);
    let is_wanted = is_ours(service, settings) && !is_going(service);
    Ok(match (is_wanted, is_held) {
        (false, false) => None,
        (true, false) if ingress.is_empty() && finalizers.iter().any(|one| one == CLOUD_FINALIZER) => {
            return Err(StatusConflict::Finalizer { service: name_of(service) });
        }
        (true, false) if ingress.is_empty() => {
            let finalizers = finalizers.into_iter().chain([FINALIZER.to_owned()]).collect();
            Some(ServiceCommand::SetFinalizers { object, resource_version, finalizers })
        }
        (true, false) => {
            let text = |one: &Value| {
                one.get("ip").or_else(|| one.get("hostname")).and_then(Value::as_str).map(str::to_owned)
            };
            let addresses = ingress.iter().filter_map(text).collect::<Vec<_>>().join(", ");
            return Err(StatusConflict::Addresses { service: name_of(service), addresses });
        }
        (true, true) => announced
            .map(entries)
            .filter(|wanted| !are_same(wanted, ingress))
            .map(|ingress| ServiceCommand::SetIngress { object, resource_version, ingress }),
        // names and address go first
        (false, true) if drain.is_some_and(|state| state != DrainState::Gone) => None,
        (false, true) if !ingress.is_empty() => {
            Some(ServiceCommand::SetIngress { object, resource_version, ingress: Vec::new() })
        }
        (false, true) => {
            let finalizers = finalizers.into_iter().filter(|one| one != FINALIZER).collect();
            Some(ServiceCommand::SetFinalizers { object, resource_version, finalizers })
        }
    })
}

fn entries(addresses: &[IpAddr]) -> Vec<Value> {
    // the packets' destination is the address itself, so kube-proxy must take them
    addresses.iter().map(|address| json!({ "ip": address, "ipMode": "VIP" })).collect()
}

/// Whether a status says what it should: what a server adds (`ports`) is no difference.
fn are_same(wanted: &[Value], there: &[Value]) -> bool {
    let one = |(wanted, there): (&Value, &Value)| {
        ["ip", "ipMode"].iter().all(|field| wanted.get(*field) == there.get(*field))
    };
    wanted.len() == there.len() && wanted.iter().zip(there).all(one)
}
