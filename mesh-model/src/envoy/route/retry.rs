//! How often a call is tried again, and after what.

use serde_json::{Value, json};

use crate::envoy::Scope;
use crate::envoy::value::{duration, typed};
use crate::template::TemplateId;
use crate::template::view::HttpRetry;

/// What Istio retries where nothing is said.
const RETRY_ON: &str = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// What Envoy can try again after; of others it would say nothing.
const RETRY_CONDITIONS: [&str; 16] = [
    "5xx",
    "cancelled",
    "connect-failure",
    "deadline-exceeded",
    "envoy-ratelimited",
    "gateway-error",
    "http3-post-connect-failure",
    "internal",
    "refused-stream",
    "reset",
    "reset-before-request",
    "resource-exhausted",
    "retriable-4xx",
    "retriable-headers",
    "retriable-status-codes",
    "unavailable",
];

pub(super) fn retries(
    scope: &mut Scope<'_>,
    id: &TemplateId,
    at: &str,
    retry: Option<&HttpRetry>,
) -> Option<Value> {
    let default = HttpRetry { attempts: 2, ..HttpRetry::default() };
    let retry = retry.unwrap_or(&default);
    if retry.attempts == 0 {
        return None;
    }
    let mut policy = json!({ "num_retries": retry.attempts });
    let (mut conditions, mut statuses) = (Vec::new(), Vec::new());
    // nothing in it is nothing said
    let said = retry.retry_on.as_deref().filter(|said| !said.is_empty());
    let words = said.unwrap_or(RETRY_ON).split(',').map(str::trim);
    let mut words = words.filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        let right = "write conditions that Envoy has, or statuses";
        scope.value(id, format!("{at}/retries/retryOn"), said.unwrap_or_default(), right);
    }
    for word in words {
        match word.parse::<u16>() {
            Ok(status) if (100..600).contains(&status) => statuses.push(status),
            Err(_) if RETRY_CONDITIONS.contains(&word) => conditions.push(word),
            _ => scope.value(
                id,
                format!("{at}/retries/retryOn"),
                word,
                "write conditions that Envoy has, or statuses",
            ),
        }
    }
    if said.is_none() {
        statuses.push(503);
    }
    if !statuses.is_empty() && !conditions.contains(&"retriable-status-codes") {
        conditions.push("retriable-status-codes");
    }
    policy["retry_on"] = json!(conditions.join(","));
    if !statuses.is_empty() {
        policy["retriable_status_codes"] = json!(statuses);
    }
    for (name, text) in [("per_try_timeout", &retry.per_try_timeout), ("retry_back_off", &retry.backoff)] {
        let Some(time) = text.as_deref().and_then(duration) else { continue };
        policy[name] = if name == "retry_back_off" { json!({ "base_interval": time }) } else { json!(time) };
    }
    if retry.retry_ignore_previous_hosts != Some(false) {
        let message = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";
        policy["retry_host_predicate"] = json!([{ "name": "envoy.retry_host_predicates.previous_hosts", "typed_config": typed(message, json!({})) }]);
        policy["host_selection_retry_max_attempts"] = json!("5");
    }
    if retry.retry_remote_localities == Some(true) {
        let message = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
        policy["retry_priority"] = json!({
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": typed(message, json!({ "update_frequency": 1 })),
        });
    }
    Some(policy)
}
