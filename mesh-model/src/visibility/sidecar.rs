//! Istio's Sidecar: what the workloads of a namespace ask for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::labels::Labels;
use crate::name::Name;
use crate::nearest::quoted;

/// What some workloads of a namespace ask for; gateways ask for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Box<str>,
    /// When it was made, as the server wrote it (RFC 3339, so that order is time); the older is asked first.
    pub created: Box<str>,
    /// The labels of the workloads that it is for; all of the namespace if `None`.
    pub selector: Option<Labels>,
    /// What they see: `namespace/host`; everything if empty.
    egress: Vec<Pattern>,
}

/// One `namespace/host` of an egress listener.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    namespace: Namespace,
    host: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Namespace {
    Any,
    /// Takes away what others gave.
    Except(Name),
    Named(Name),
    Nowhere,
    Own,
}

/// A Sidecar cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSidecarError {
    /// A host of another form.
    #[error(
        "{} is no host of an egress; write namespace/host, with `*`, `.` or `~` for a namespace",
        quoted(found)
    )]
    Host {
        /// As written.
        found: String,
    },
    /// No name, or no namespace.
    #[error("no `{field}` in metadata; write it")]
    Missing {
        /// Which.
        field: &'static str,
    },
}

impl Sidecar {
    /// A Sidecar for all workloads of a namespace, which see these hosts.
    ///
    /// # Errors
    ///
    /// A host is no `namespace/host`.
    pub fn new<'a>(
        namespace: Name,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ParseSidecarError> {
        let egress = hosts.into_iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Self { namespace, name: "default".into(), created: "".into(), selector: None, egress })
    }

    /// Reads the object of Istio.
    ///
    /// # Errors
    ///
    /// It lacks its name or namespace, or a host is none.
    pub fn from_value(object: &Value) -> Result<Self, ParseSidecarError> {
        let text = |field: &str| object.pointer(&format!("/metadata/{field}")).and_then(Value::as_str);
        let missing = |field| ParseSidecarError::Missing { field };
        let namespace = text("namespace").and_then(|name| name.parse().ok());
        let listeners = object.pointer("/spec/egress").and_then(Value::as_array);
        let hosts = listeners.into_iter().flatten().filter_map(|one| one.get("hosts")?.as_array()).flatten();
        let labels = object.pointer("/spec/workloadSelector/labels").and_then(Value::as_object);
        let label = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Ok(Self {
            name: text("name").ok_or_else(|| missing("name"))?.into(),
            created: text("creationTimestamp").unwrap_or_default().into(),
            // a selector without labels selects all, as none does
            selector: labels
                .filter(|labels| !labels.is_empty())
                .map(|labels| labels.iter().filter_map(label).collect()),
            ..Self::new(namespace.ok_or_else(|| missing("namespace"))?, hosts.filter_map(Value::as_str))?
        })
    }

    /// Whether the workloads of `viewer` that it holds for ask for a host of `owner`. The root namespace's
    /// holds for all namespaces, and `.` is each one's own.
    #[must_use]
    pub fn imports(&self, viewer: &Name, owner: &Name, host: &str) -> bool {
        let is_of = |pattern: &Pattern| match &pattern.namespace {
            Namespace::Any => true,
            Namespace::Except(name) | Namespace::Named(name) => name == owner,
            Namespace::Nowhere => false,
            Namespace::Own => owner == viewer,
        };
        let mut matching =
            self.egress.iter().filter(|pattern| is_of(pattern) && covers(&pattern.host, host)).peekable();
        let is_named = self.egress.is_empty() || matching.peek().is_some();
        is_named && !matching.any(|pattern| matches!(pattern.namespace, Namespace::Except(_)))
    }
}

fn pattern(text: &str) -> Result<Pattern, ParseSidecarError> {
    let wrong = || ParseSidecarError::Host { found: text.to_owned() };
    let (namespace, host) = text.split_once('/').ok_or_else(wrong)?;
    let namespace = match namespace {
        "*" => Namespace::Any,
        "." => Namespace::Own,
        "~" => Namespace::Nowhere,
        name => match name.strip_prefix('~') {
            Some(name) => Namespace::Except(name.parse().map_err(|_| wrong())?),
            None => Namespace::Named(name.parse().map_err(|_| wrong())?),
        },
    };
    if host.is_empty() || host.contains('/') || host.trim_start_matches('*').contains('*') {
        return Err(wrong());
    }
    Ok(Pattern { namespace, host: host.into() })
}

/// Whether every name of `host`, which may be a wildcard itself, is of the pattern.
pub(crate) fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.strip_prefix('*').unwrap_or(host).ends_with(suffix),
        None => pattern == host,
    }
}

/// The Sidecar of a workload: of its namespace one that selects it, the oldest first, else one for all;
/// else the root namespace's for all. `None` is everything that is exported.
///
/// Where two would do, Istio calls the result undefined; this is what its code does. [`ambiguous`] finds them.
#[must_use]
pub fn sidecar_for<'a>(
    sidecars: &'a [Sidecar],
    namespace: &Name,
    labels: &Labels,
    root: &Name,
) -> Option<&'a Sidecar> {
    let oldest = |of: &Name, is_right: &dyn Fn(&Sidecar) -> bool| {
        let fitting = sidecars.iter().filter(|one| one.namespace == *of && is_right(one));
        fitting.min_by_key(|one| (&one.created, &one.name))
    };
    let selects = |one: &Sidecar| {
        let selector = one.selector.as_ref();
        selector.is_some_and(|selector| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
    };
    let is_for_all = |one: &Sidecar| one.selector.is_none();
    oldest(namespace, &selects)
        .or_else(|| oldest(namespace, &is_for_all))
        .or_else(|| oldest(root, &is_for_all))
}

/// Pairs of Sidecars of one namespace of which Istio does not say which holds: two for all workloads,
/// or two of which one selects whatever the other does.
#[must_use]
pub fn ambiguous(sidecars: &[Sidecar]) -> Vec<(&Sidecar, &Sidecar)> {
    let contains =
        |one: &Labels, other: &Labels| one.iter().all(|(key, value)| other.get(key) == Some(value));
    let clash = |one: &Sidecar, other: &Sidecar| match (&one.selector, &other.selector) {
        (None, None) => true,
        (Some(one), Some(other)) => contains(one, other) || contains(other, one),
        (None, Some(_)) | (Some(_), None) => false,
    };
    let mut by_namespace: BTreeMap<&Name, Vec<&Sidecar>> = BTreeMap::new();
    for one in sidecars {
        by_namespace.entry(&one.namespace).or_default().push(one);
    }
    let pairs = by_namespace.values().flat_map(|all| {
        let rest = |position: usize| all[position + 1..].iter();
        all.iter()
            .enumerate()
            .flat_map(move |(position, one)| rest(position).map(move |other| (*one, *other)))
    });
    pairs.filter(|(one, other)| clash(one, other)).collect()
}
