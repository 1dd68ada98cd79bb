//! Values of headers, in which Envoy puts something in place of `%COMMAND%`.
//!
//! As with Istio these are passed on, so `%%` is a percent sign and one alone is a fault, with which Envoy
//! refuses everything that it was sent beside it. What a command may be is a list: what there is of the request,
//! the connection and the endpoint, but nothing of the gateway itself (`%ENVIRONMENT(..)%` would show a
//! tenant what the platform gave to the process) and nothing of what other filters keep to themselves.
//!
//! Source: envoyproxy/envoy `source/common/formatter/substitution_formatter.cc`; each is tried in Envoy 1.40 by
//! `overspill/tests/envoy/accepts.rs`.

/// The commands without arguments that a header's value may have, as `%NAME%`.
pub const COMMANDS: [&str; 38] = [
    "BYTES_RECEIVED",
    "BYTES_SENT",
    "CONNECTION_ID",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_PEER_CERT",
    "DOWNSTREAM_PEER_CERT_V_END",
    "DOWNSTREAM_PEER_CERT_V_START",
    "DOWNSTREAM_PEER_DNS_SAN",
    "DOWNSTREAM_PEER_FINGERPRINT_256",
    "DOWNSTREAM_PEER_ISSUER",
    "DOWNSTREAM_PEER_SERIAL",
    "DOWNSTREAM_PEER_SUBJECT",
    "DOWNSTREAM_PEER_URI_SAN",
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_REMOTE_PORT",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_VERSION",
    "DURATION",
    "PROTOCOL",
    "REQUESTED_SERVER_NAME",
    "REQUEST_DURATION",
    "RESPONSE_CODE",
    "RESPONSE_CODE_DETAILS",
    "RESPONSE_DURATION",
    "RESPONSE_FLAGS",
    "ROUTE_NAME",
    "START_TIME",
    "STREAM_ID",
    "TRACE_ID",
    "UPSTREAM_CLUSTER",
    "UPSTREAM_HOST",
    "UPSTREAM_REMOTE_ADDRESS",
];

/// The commands whose argument is a header.
const OF_HEADERS: [&str; 2] = ["REQ", "RESP"];

const RIGHT: &str = "write %% for a percent sign, or a command of the request such as %REQ(x-name)% or \
                     %DOWNSTREAM_REMOTE_ADDRESS%";

/// Whether Envoy takes a header's value, or what would be right.
pub(super) fn check(value: &str) -> Result<(), &'static str> {
    let mut rest = value;
    while let Some((_, from)) = rest.split_once('%') {
        if let Some(after) = from.strip_prefix('%') {
            rest = after;
            continue;
        }
        let (command, after) = from.split_once('%').ok_or(RIGHT)?;
        if !is_command(command) {
            return Err(RIGHT);
        }
        rest = after;
    }
    Ok(())
}

fn is_command(command: &str) -> bool {
    let Some((name, argument)) = command.split_once('(') else { return COMMANDS.contains(&command) };
    let Some((headers, length)) = argument.split_once(')') else { return false };
    let is_length = |text: &str| text.is_empty() || text.strip_prefix(':').is_some_and(is_number);
    // a second header is for where there is no first
    let names: Vec<&str> = headers.split('?').collect();
    OF_HEADERS.contains(&name) && names.len() <= 2 && names.into_iter().all(is_name) && is_length(length)
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A header's name, of which one that begins with `:` is read but never changed.
fn is_name(name: &str) -> bool {
    super::text::is_token(name.strip_prefix(':').unwrap_or(name))
}
