//! How a cluster chooses among its endpoints.

use serde_json::{Value, json};

use super::Scope;
use super::objects::Called;
use super::value::duration;
use crate::template::TemplateId;
use crate::template::view::{ConsistentHash, TrafficPolicy, ZoneAwareLbSetting};

/// Envoy's largest table of Maglev.
const MAX_TABLE: u64 = 5_000_011;
/// Envoy's largest ring.
const MAX_RING: u64 = 8 << 20;

pub(super) fn balance(
    scope: &mut Scope<'_>,
    rule: Option<&TemplateId>,
    policy: &TrafficPolicy,
    cluster: &mut Value,
) {
    cluster["common_lb_config"] = json!({});
    let settings = policy.load_balancer.clone().unwrap_or_default();
    if let Some(setting) = &settings.zone_aware_lb_setting {
        cluster["common_lb_config"]["zone_aware_lb_config"] = zones(setting);
    }
    if let Some(hash) = &settings.consistent_hash {
        if settings.warmup.is_some() {
            no_warmup(scope, rule, "consistentHash");
        }
        return by_hash(scope, rule, hash, cluster);
    }
    let policy = match settings.simple.as_deref() {
        None | Some("UNSPECIFIED" | "LEAST_CONN" | "LEAST_REQUEST") => "LEAST_REQUEST",
        Some("RANDOM") => "RANDOM",
        Some("ROUND_ROBIN") => "ROUND_ROBIN",
        Some(other) => {
            if let Some(rule) = rule {
                let right = "write LEAST_REQUEST, ROUND_ROBIN or RANDOM";
                scope.value(rule, "/spec/trafficPolicy/loadBalancer/simple", other, right);
            }
            "LEAST_REQUEST"
        }
    };
    cluster["lb_policy"] = json!(policy);
    let Some(warmup) = settings.warmup else { return };
    let config = match policy {
        "LEAST_REQUEST" => "least_request_lb_config",
        "ROUND_ROBIN" => "round_robin_lb_config",
        _ => return no_warmup(scope, rule, policy),
    };
    let mut start = json!({ "slow_start_window": duration(&warmup.duration) });
    super::value::put(
        &mut start,
        "min_weight_percent",
        warmup.minimum_percent.map(|value| json!({ "value": value })),
    );
    if let Some(value) = warmup.aggression {
        // Envoy asks for a key, by which nobody changes it here
        start["aggression"] = json!({ "default_value": value, "runtime_key": "overspill.warmup" });
    }
    cluster[config] = json!({ "slow_start_config": start });
}

/// New endpoints get their whole share at once where a share is not counted out.
fn no_warmup(scope: &mut Scope<'_>, rule: Option<&TemplateId>, balancer: &str) {
    if let Some(rule) = rule {
        let at = "/spec/trafficPolicy/loadBalancer/warmup";
        scope.value(rule, at, balancer, "only LEAST_REQUEST and ROUND_ROBIN warm up");
    }
}

/// A table or a ring of hashes, and its size.
fn by_hash(scope: &mut Scope<'_>, rule: Option<&TemplateId>, hash: &ConsistentHash, cluster: &mut Value) {
    match (&hash.maglev, &hash.ring_hash) {
        (Some(maglev), _) => {
            cluster["lb_policy"] = json!("MAGLEV");
            if let Some(size) = maglev.table_size {
                if size > MAX_TABLE || !is_prime(size) {
                    let right = "write a prime number of at most 5000011";
                    hash_fault(scope, rule, "maglev/tableSize", size, right);
                }
                cluster["maglev_lb_config"] = json!({ "table_size": size });
            }
        }
        (None, ring) => {
            cluster["lb_policy"] = json!("RING_HASH");
            let size = ring.as_ref().and_then(|ring| ring.minimum_ring_size).unwrap_or(1_024);
            if size > MAX_RING {
                hash_fault(scope, rule, "ringHash/minimumRingSize", size, "write at most 8388608");
            }
            cluster["ring_hash_lb_config"] = json!({ "minimum_ring_size": size });
        }
    }
}

/// How zones of the first priority count; the order of regions is in the endpoints' priorities.
fn zones(setting: &ZoneAwareLbSetting) -> Value {
    if setting.is_enabled() {
        json!({ "min_cluster_size": setting.min_hosts() })
    } else {
        json!({ "routing_enabled": { "value": 0 } })
    }
}

/// What of a request is hashed, for routes to a destination that is chosen by hash.
pub(super) fn hash_policy(scope: &Scope<'_>, called: &Called) -> Vec<Value> {
    let hash = scope.input.policy(called).load_balancer.and_then(|settings| settings.consistent_hash);
    let Some(ConsistentHash {
        http_header_name, http_cookie, use_source_ip, http_query_parameter_name, ..
    }) = hash
    else {
        return Vec::new();
    };
    let mut policies = Vec::new();
    if let Some(name) = http_header_name {
        policies.push(json!({ "header": { "header_name": name } }));
    }
    if let Some(cookie) = http_cookie {
        let mut policy = json!({ "name": cookie.name });
        super::value::put(&mut policy, "path", cookie.path);
        super::value::put(&mut policy, "ttl", cookie.ttl.and_then(|text| duration(&text)));
        policies.push(json!({ "cookie": policy }));
    }
    if use_source_ip == Some(true) {
        policies.push(json!({ "connection_properties": { "source_ip": true } }));
    }
    if let Some(name) = http_query_parameter_name {
        policies.push(json!({ "query_parameter": { "name": name } }));
    }
    policies
}

fn hash_fault(scope: &mut Scope<'_>, rule: Option<&TemplateId>, field: &str, size: u64, right: &'static str) {
    if let Some(rule) = rule {
        let at = format!("/spec/trafficPolicy/loadBalancer/consistentHash/{field}");
        scope.value(rule, at, &size.to_string(), right);
    }
}

/// Whether nothing but 1 and itself divides a number, which is of a table's size.
fn is_prime(number: u64) -> bool {
    number > 1
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}
