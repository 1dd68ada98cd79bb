//! Where a host's endpoints come from: Service, ServiceEntry, WorkloadEntry.
//!
//! Sources: the Kubernetes API; istio/api `networking/v1alpha3/service_entry.proto`
//! and `workload_entry.proto`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::View;
use crate::template::TemplateKind;

/// What a Service says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// `ClusterIP` (the default), `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub service_type: Option<String>,
    /// The labels of its pods.
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// `None` for a headless one.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// `PreferSameZone`, `PreferSameNode` or `PreferClose`.
    pub traffic_distribution: Option<String>,
}

impl View for Service {
    const KIND: TemplateKind = TemplateKind::Service;
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name, which tells its protocol in a mesh: `http-web`.
    pub name: Option<String>,
    /// Its number.
    pub port: u16,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
    /// The pods' port: a number or a name.
    pub target_port: Option<Value>,
    /// Its protocol, where the name does not tell it.
    pub app_protocol: Option<String>,
}

/// What a ServiceEntry says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntry {
    /// Its hosts.
    pub hosts: Vec<String>,
    /// Its virtual addresses.
    pub addresses: Vec<String>,
    /// Its ports.
    pub ports: Vec<EntryPort>,
    /// `MESH_EXTERNAL` or `MESH_INTERNAL`.
    pub location: Option<String>,
    /// `NONE`, `STATIC`, `DNS`, `DNS_ROUND_ROBIN` or `DYNAMIC_DNS`.
    pub resolution: Option<String>,
    /// Its endpoints.
    pub endpoints: Vec<WorkloadEntry>,
    /// The workloads that are its endpoints.
    pub workload_selector: Option<WorkloadSelector>,
    /// Who sees it.
    pub export_to: Vec<String>,
    /// Names that its endpoints' certificates may have.
    pub subject_alt_names: Vec<String>,
}

impl View for ServiceEntry {
    const KIND: TemplateKind = TemplateKind::ServiceEntry;
}

/// A port of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntryPort {
    /// Its number.
    pub number: u32,
    /// `HTTP`, `HTTPS`, `GRPC`, `HTTP2`, `MONGO`, `TCP` or `TLS`.
    pub protocol: String,
    /// Its name.
    pub name: String,
    /// The endpoints' port.
    pub target_port: Option<u32>,
}

/// A choice among workloads of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadSelector {
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

/// What a WorkloadEntry says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadEntry {
    /// Its address or name.
    pub address: Option<String>,
    /// Its ports by the names of the service's.
    pub ports: BTreeMap<String, u32>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its network.
    pub network: Option<String>,
    /// `region/zone/subzone`.
    pub locality: Option<String>,
    /// Its share, relative to the others'; 1 if `None`.
    pub weight: Option<u32>,
    /// Whose identity it has.
    pub service_account: Option<String>,
}

impl View for WorkloadEntry {
    const KIND: TemplateKind = TemplateKind::WorkloadEntry;
}
