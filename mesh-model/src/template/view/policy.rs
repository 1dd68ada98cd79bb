//! Who may call, and whether callers must have certificates.
//!
//! Sources: istio/api `security/v1beta1/authorization_policy.proto`,
//! `peer_authentication.proto`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::View;
use crate::template::TemplateKind;

/// What an AuthorizationPolicy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationPolicy {
    /// The workloads that it protects; all of the namespace if `None`.
    pub selector: Option<PolicySelector>,
    /// What happens to requests that a rule matches.
    pub action: AuthorizationAction,
    /// The rules; a request matches if one of them does, and none does if there is none.
    pub rules: Vec<AuthorizationRule>,
}

impl View for AuthorizationPolicy {
    const KIND: TemplateKind = TemplateKind::AuthorizationPolicy;
}

/// A choice among workloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySelector {
    /// Their labels.
    pub match_labels: BTreeMap<String, String>,
}

/// What happens to a request that matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthorizationAction {
    /// It passes; others do not.
    #[default]
    Allow,
    /// It is written down.
    Audit,
    /// Somebody else is asked.
    Custom,
    /// It does not pass.
    Deny,
}

/// One rule: all three parts must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationRule {
    /// Who calls, one of these; anybody if empty.
    pub from: Vec<RuleFrom>,
    /// What is called, one of these; anything if empty.
    pub to: Vec<RuleTo>,
    /// What else must hold, all of these.
    pub when: Vec<RuleCondition>,
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleFrom {
    /// The caller.
    pub source: RuleSource,
}

/// A caller: every list that is not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleSource {
    /// Identities.
    pub principals: Vec<String>,
    /// Not these identities.
    pub not_principals: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Not these namespaces.
    pub not_namespaces: Vec<String>,
    /// Addresses of the connection.
    pub ip_blocks: Vec<String>,
    /// Not these addresses.
    pub not_ip_blocks: Vec<String>,
    /// Addresses of the client, as forwarded.
    pub remote_ip_blocks: Vec<String>,
    /// Not these addresses.
    pub not_remote_ip_blocks: Vec<String>,
}

/// What is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleTo {
    /// The operation.
    pub operation: RuleOperation,
}

/// An operation: every list that is not empty must hold; `*` at one end stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleOperation {
    /// Hosts.
    pub hosts: Vec<String>,
    /// Not these hosts.
    pub not_hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<String>,
    /// Not these ports.
    pub not_ports: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Not these methods.
    pub not_methods: Vec<String>,
    /// Paths.
    pub paths: Vec<String>,
    /// Not these paths.
    pub not_paths: Vec<String>,
}

/// What else must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleCondition {
    /// An attribute, such as `request.headers[x-token]`.
    pub key: String,
    /// What it may be.
    pub values: Vec<String>,
    /// What it may not be.
    pub not_values: Vec<String>,
}

/// What a PeerAuthentication says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PeerAuthentication {
    /// The workloads that it is about; all of the namespace if `None`.
    pub selector: Option<PolicySelector>,
    /// Whether callers must have certificates.
    pub mtls: Option<MutualTls>,
    /// What differs for single ports.
    pub port_level_mtls: BTreeMap<String, MutualTls>,
}

impl View for PeerAuthentication {
    const KIND: TemplateKind = TemplateKind::PeerAuthentication;
}

/// Whether callers must have certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MutualTls {
    /// Whether.
    pub mode: MutualTlsMode,
}

/// Whether callers must have certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MutualTlsMode {
    /// No encryption.
    Disable,
    /// They may.
    Permissive,
    /// They must.
    Strict,
    /// As the namespace, or else the mesh, says.
    #[default]
    Unset,
}
