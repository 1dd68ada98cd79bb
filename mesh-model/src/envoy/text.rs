//! What the texts and numbers of objects must be so that Envoy takes them, by the field that they stand in.
//!
//! Envoy refuses a resource for one value that it does not take, and some it does not survive; what is
//! refused is one access point's mistake, so each is told here by name, before it is part of anything. A
//! text of which nothing is said may be any line. What depends on more than one field (weights, names twice)
//! is looked at where the field is used.
//!
//! Source: the rules of `validate` in envoyproxy/envoy `api/envoy`, and what Envoy 1.40 was seen to refuse;
//! `overspill/tests/envoy/random.rs` looks for what is missing here.

use serde_json::Value;

use super::objects::Input;
use super::value::duration;
use super::{Feature, Unsupported, operator, pattern};
use crate::template::{TemplateId, TemplateKind};

/// The longest text of a header that Envoy takes.
const LONGEST: usize = 16_384;

/// The greatest weight of an endpoint: Envoy refuses a locality whose weights come to 2^32 together, and with
/// this it takes over 42,000 endpoints to come there.
const HEAVIEST: u64 = 100_000;

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Anything, as the body of an answer.
    Any,
    /// A line, the longest that there may be.
    Line,
    /// A line with something in it.
    Something,
    /// A line with something in it, at most so many bytes.
    Short(usize),
    /// A name of a parameter of a query.
    Parameter,
    /// A name of a header, a method or a cookie.
    Token,
    /// A token, or `*`.
    TokenOrAny,
    /// A value of a header, with Envoy's commands in it.
    Header,
    /// A host, with `*` first for any label, and a namespace before it.
    Host,
    /// A path, without a query.
    Path,
    /// A pattern of RE2.
    Pattern,
    /// A time; 0 if it may be.
    Time { may_be_zero: bool },
    /// A time of the kernel's, in whole seconds.
    KernelTime,
    /// A text with `*` at one end for anything.
    Starred,
    /// A number of these.
    Between(u64, u64),
    /// Percent.
    Percent,
    /// A cipher that BoringSSL has.
    Cipher,
}

/// What the value at a path must be; steps are fields, `-` for an item.
fn form(kind: TemplateKind, steps: &[&str]) -> Form {
    match kind {
        TemplateKind::AuthorizationPolicy => of_policy(steps),
        TemplateKind::DestinationRule => of_rule(steps),
        TemplateKind::Gateway => match steps {
            ["servers", "-", "hosts", "-"] => Form::Host,
            ["servers", "-", "tls", "cipherSuites", "-"] => Form::Cipher,
            ["servers", "-", "tls", "credentialName" | "subjectAltNames" | "credentialNames", ..] => {
                Form::Short(253)
            }
            _ => Form::Line,
        },
        TemplateKind::ServiceEntry | TemplateKind::WorkloadEntry => match steps {
            [.., "labels", _] => Form::Line,
            ["ports", "-", "number" | "targetPort"] | ["endpoints", "-", "ports", _] | ["ports", _] => {
                Form::Between(1, 65_535)
            }
            ["hosts", "-"] => Form::Host,
            ["weight"] | ["endpoints", "-", "weight"] => Form::Between(0, HEAVIEST),
            [.., "address"] => Form::Something,
            ["subjectAltNames", "-"] => Form::Something,
            _ => Form::Line,
        },
        TemplateKind::VirtualService => of_routes(steps),
        TemplateKind::PeerAuthentication | TemplateKind::Service => Form::Line,
    }
}

fn of_routes(steps: &[&str]) -> Form {
    match steps {
        ["hosts", "-"] | [.., "sniHosts", "-"] => Form::Host,
        [.., "request" | "response", "set" | "add", _] => Form::Header,
        [.., "request" | "response", "remove", "-"] => Form::Token,
        ["http", "-", "match", "-", "uri", "exact" | "prefix"] => Form::Path,
        [.., "uriRegexRewrite", "match"] | [.., "regex"] => Form::Pattern,
        [.., "prefix"] => Form::Something,
        ["http", "-", "timeout"] | [.., "perTryTimeout"] => Form::Time { may_be_zero: true },
        [.., "backoff" | "fixedDelay"] => Form::Time { may_be_zero: false },
        [.., "corsPolicy", "maxAge"] => Form::Time { may_be_zero: true },
        [.., "corsPolicy", "allowMethods" | "allowHeaders" | "exposeHeaders", "-"] => Form::TokenOrAny,
        [.., "percentage" | "mirrorPercentage", "value"] => Form::Percent,
        [.., "directResponse", "body", "string"] => Form::Any,
        [.., "redirect", "port"] => Form::Between(1, 65_535),
        _ => Form::Line,
    }
}

fn of_rule(steps: &[&str]) -> Form {
    match steps {
        [.., "labels", _] => Form::Line,
        [.., "consistentHash", "httpHeaderName"] | [.., "httpCookie", "name"] => Form::Token,
        [.., "consistentHash", "httpQueryParameterName"] => Form::Something,
        [.., "httpCookie", "ttl"] | [.., "idleTimeout"] => Form::Time { may_be_zero: true },
        [.., "tcpKeepalive", "time" | "interval"] => Form::KernelTime,
        [.., "tcpKeepalive", "probes"] => Form::Between(1, 127),
        [.., "connectTimeout" | "maxConnectionDuration" | "baseEjectionTime" | "interval"] => {
            Form::Time { may_be_zero: false }
        }
        [.., "warmup", "duration"] => Form::Time { may_be_zero: false },
        [.., "maxConcurrentStreams"] => Form::Between(0, (1 << 31) - 1),
        [.., "maxEjectionPercent" | "minHealthPercent"] => Form::Between(0, 100),
        [.., "warmup", "minimumPercent"] | [.., "retryBudget", "percent"] => Form::Percent,
        [.., "tls", "sni"] => Form::Short(255),
        [.., "tls", "credentialName"] | [.., "tls", "subjectAltNames", "-"] => Form::Short(253),
        _ => Form::Line,
    }
}

fn of_policy(steps: &[&str]) -> Form {
    match steps {
        [.., "operation", "ports" | "notPorts", "-"] => Form::Line,
        [.., "operation", _, "-"] | [.., "when", "-", "values" | "notValues", "-"] => Form::Starred,
        _ => Form::Line,
    }
}

/// What the keys of a mapping must be.
fn key_form(kind: TemplateKind, steps: &[&str]) -> Form {
    match (kind, steps) {
        (
            TemplateKind::VirtualService,
            ["http", "-", "match", "-", "headers" | "withoutHeaders"]
            | [.., "headers", "request" | "response", "set" | "add"],
        ) => Form::Token,
        (TemplateKind::VirtualService, ["http", "-", "match", "-", "queryParams"]) => Form::Parameter,
        _ => Form::Line,
    }
}

/// The field without which a mapping says nothing that Envoy takes.
fn required(kind: TemplateKind, steps: &[&str]) -> Option<&'static str> {
    match (kind, steps) {
        (TemplateKind::DestinationRule, [.., "consistentHash", "httpCookie"]) => Some("name"),
        (TemplateKind::DestinationRule, [.., "loadBalancer", "warmup"]) => Some("duration"),
        (TemplateKind::VirtualService, [.., "rewrite", "uriRegexRewrite"]) => Some("match"),
        _ => None,
    }
}

/// Why a value is not of its form; `None` if it is.
fn wrong(form: Form, value: &Value) -> Option<&'static str> {
    let Some(text) = value.as_str() else { return wrong_number(form, value) };
    let is_line = !text.contains(['\0', '\r', '\n']) && text.len() <= LONGEST;
    if form == Form::Any {
        return None;
    }
    if !is_line {
        return Some("write one line of at most 16384 bytes, without control characters");
    }
    match form {
        Form::Any | Form::Between(..) | Form::Line | Form::Percent => None,
        Form::Something if text.is_empty() => Some("write something, or leave it out"),
        Form::Something => None,
        Form::Short(most) => (text.is_empty() || text.len() > most).then_some(match most {
            255 => "write 1 to 255 bytes, or leave it out",
            _ => "write 1 to 253 bytes, or leave it out",
        }),
        Form::Parameter => {
            (!(1..=1_024).contains(&text.len())).then_some("a parameter's name has 1 to 1024 bytes")
        }
        Form::Token => (!is_token(text)).then_some("a name is of letters, digits and `-`, `_`, `.`"),
        Form::TokenOrAny => (text != "*" && !is_token(text)).then_some("write names, or `*`"),
        Form::Header => operator::check(text).err(),
        Form::Host => (!is_host(text)).then_some("write a host's name, `*`, or `*.` and a domain"),
        Form::Path if !text.starts_with('/') => Some("a path begins with `/`"),
        Form::Path if text.contains(['?', '#']) => {
            Some("a path is matched without its query; write queryParams, too")
        }
        Form::Path => None,
        Form::Pattern => pattern::check(text).err(),
        Form::Time { may_be_zero } => match duration(text) {
            Some(time) if may_be_zero || time != "0s" => None,
            Some(_) | None => Some("write a duration such as 5s, whole milliseconds up to 100 years"),
        },
        Form::KernelTime => (!is_kernels(text)).then_some("write whole seconds from 1s to 32767s"),
        Form::Starred => {
            let inner = text.strip_prefix('*').or_else(|| text.strip_suffix('*')).unwrap_or(text);
            let is_template = text.contains('{');
            let is_good = text == "*" || (!inner.is_empty() && (is_template || !inner.contains('*')));
            (!is_good).then_some("write a text, with `*` alone or at one end")
        }
        Form::Cipher => (!CIPHERS.contains(&text)).then_some("write a cipher of TLS 1.2 that BoringSSL has"),
    }
}

fn wrong_number(form: Form, value: &Value) -> Option<&'static str> {
    match (form, value.as_f64()) {
        (Form::Between(least, most), Some(_)) => {
            let is_within = value.as_u64().is_some_and(|number| (least..=most).contains(&number));
            (!is_within).then_some(match (least, most) {
                (0, 100) => "write percents, 0 to 100",
                (1, 65_535) => "write a port from 1 to 65535",
                (1, 127) => "write 1 to 127",
                (0, HEAVIEST) => "write at most 100000",
                _ => "write at most 2147483647",
            })
        }
        (Form::Percent, Some(number)) => {
            (!(0.0..=100.0).contains(&number)).then_some("write percents, 0 to 100")
        }
        _ => None,
    }
}

/// A name of a header, a method or a cookie (RFC 9110, `token`).
pub(super) fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=1_024).contains(&text.len()) && text.bytes().all(is_letter)
}

/// A host, which may have a namespace before it and `*` in place of its first label or of the whole.
fn is_host(text: &str) -> bool {
    let host = text.split_once('/').map_or(text, |(_, host)| host);
    let name = host.strip_prefix('*').unwrap_or(host);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host == "*" || ((1..=253).contains(&name.len()) && name.bytes().all(is_letter))
}

fn is_kernels(text: &str) -> bool {
    let seconds = duration(text).and_then(|time| time.strip_suffix('s')?.parse::<u32>().ok());
    seconds.is_some_and(|seconds| (1..=32_767).contains(&seconds))
}

/// The ciphers that a server of TLS 1.2 may have; those of TLS 1.3 are not chosen.
pub(super) const CIPHERS: [&str; 14] = [
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// Where a value stands.
#[derive(Default)]
struct At<'a> {
    steps: Vec<&'a str>,
    pointer: String,
}

/// Finds the values of an object that Envoy would not take.
pub(super) fn walk(input: &Input<'_>, id: &TemplateId, spec: &Value, faults: &mut Vec<Unsupported>) {
    let mut at = At { steps: Vec::new(), pointer: "/spec".to_owned() };
    let mut fault = |pointer: &str, found: &str, right: &'static str| {
        faults.push(Unsupported {
            access_point: input.access_point.clone(),
            object: Some(id.clone()),
            path: pointer.to_owned(),
            feature: Feature::Value { found: crate::nearest::quoted(found), right },
        });
    };
    values(id.kind, spec, &mut at, &mut fault);
}

fn values<'a>(
    kind: TemplateKind,
    value: &'a Value,
    at: &mut At<'a>,
    fault: &mut impl FnMut(&str, &str, &'static str),
) {
    let (steps, length) = (at.steps.len(), at.pointer.len());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.steps.push("-");
                at.pointer += &format!("/{index}");
                values(kind, item, at, fault);
                at.steps.truncate(steps);
                at.pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            if let Some(key) = required(kind, &at.steps).filter(|key| !members.contains_key(*key)) {
                fault(&format!("{}/{key}", at.pointer), "", "write it, or nothing of all this");
            }
            let key_form = key_form(kind, &at.steps);
            for (key, member) in members {
                at.steps.push(key);
                at.pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                if let Some(right) = wrong(key_form, &Value::String(key.clone())) {
                    fault(&at.pointer, key, right);
                }
                values(kind, member, at, fault);
                at.steps.truncate(steps);
                at.pointer.truncate(length);
            }
        }
        Value::Bool(_) | Value::Null => {}
        Value::Number(_) | Value::String(_) => {
            if let Some(right) = wrong(form(kind, &at.steps), value) {
                let found = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                fault(&at.pointer, &found, right);
            }
        }
    }
}
