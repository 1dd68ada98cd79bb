//! What Istio's charts are told of a cluster, as plain values.
//!
//! The names are those of the Helm charts `base`, `istiod` and `gateway` of Istio 1.24 and later.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::objects::{GATEWAY, GATEWAY_ROLE};
use super::{Member, Mesh};
use crate::fleet::Cluster;

/// The values of Istio's Helm charts for one cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Charts {
    /// Of `istio/base`.
    pub base: Value,
    /// Of `istio/istiod`; in a remote it installs the webhook and the Service that lead to the primary.
    pub istiod: Value,
    /// Of `istio/gateway`, in the primary: the pods of the east-west gateway, whose Service is rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Value>,
}

/// What the primary's charts are told.
pub(super) fn primary(member: &Member<'_>, mesh: &Mesh) -> Charts {
    let Member { primary, remotes, .. } = member;
    let mut istiod = json!({
        "global": global(primary, mesh),
        // services that are in other zones alone have neither a name nor an address in this zone's DNS
        "meshConfig": { "defaultConfig": { "proxyMetadata": { "ISTIO_META_DNS_CAPTURE": "true" } } },
        "pilot": { "env": { "PILOT_ENABLE_IP_AUTOALLOCATE": "true" } }, // the default from 1.25 on
    });
    let mut base = json!({ "global": { "istioNamespace": mesh.namespace } });
    if !remotes.is_empty() {
        base["global"]["externalIstiod"] = json!(true);
        istiod["global"]["externalIstiod"] = json!(true);
    }
    let gateway = json!({
        "name": GATEWAY,
        "labels": { "app": GATEWAY, "istio": GATEWAY_ROLE },
        // its endpoints are those of the zone alone
        "networkGateway": primary.network,
        "env": { "ISTIO_META_ROUTER_MODE": "sni-dnat" },
        "service": { "type": "None" },
    });
    Charts { base, istiod, gateway: Some(gateway) }
}

/// What a remote's charts are told.
pub(super) fn remote(cluster: &Cluster, address: IpAddr, mesh: &Mesh) -> Charts {
    let mut global = global(cluster, mesh);
    global["remotePilotAddress"] = json!(address);
    Charts {
        base: json!({
            "profile": "remote",
            "global": { "externalIstiod": true, "istioNamespace": mesh.namespace },
        }),
        istiod: json!({
            "profile": "remote",
            "global": global,
            "istiodRemote": {
                "injectionPath": format!("/inject/cluster/{}/net/{}", cluster.name, cluster.network),
            },
            "pilot": { "enabled": false },
        }),
        gateway: None,
    }
}

fn global(cluster: &Cluster, mesh: &Mesh) -> Value {
    json!({
        "istioNamespace": mesh.namespace,
        "meshID": mesh.id,
        "multiCluster": { "clusterName": cluster.name },
        "network": cluster.network,
    })
}
