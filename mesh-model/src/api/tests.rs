//! Tests of the API kinds: the documented access point is read in full and
//! written back, what is no object of ours says so, unknown fields are refused
//! with the nearest name.

use serde::de::DeserializeOwned;
use serde_saphyr::{from_str, to_string};

use super::*;

/// The access point of the documentation.
pub(crate) const ACCESS_POINT: &str = r#"
apiVersion: overspill.dev/v1alpha1
kind: FederatedAccessPoint
metadata: { name: checkout, namespace: payments }
spec:
  placement:
    level: cluster
    follow: { kind: FederatedDeployment, name: checkout }
  vip: { pool: public-v4, scope: target, exclusive: true, isolationGroup: payments }
  names: [{ fqdn: checkout.example.com, ttl: 30s, provider: corp }]
  certificates: { issuer: corp-acme }
  templates:
    - { apiVersion: v1, kind: Service, metadata: { name: checkout }, spec: { ports: [{ port: 443, name: https }], later: kept } }
    - apiVersion: networking.istio.io/v1
      kind: Gateway
      metadata: { name: checkout }
      spec: { selector: { app: gateway }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [checkout.example.com], tls: { mode: SIMPLE, credentialName: checkout } }] }
    - { apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: { name: legacy }, spec: { hosts: [legacy.example.com] } }
  overrides:
    - name: slc-replica-ports
      targets: { zones: [slc-a] }
      rules:
        - { kind: Gateway, name: checkout, patch: [{ op: replace, path: /spec/servers/0/port/number, value: 8443 }] }
        - { kind: Service, merge: { metadata: { labels: { zone: "${zone.name}" } } } }
        - { kind: ServiceEntry, name: legacy, delete: true }
  traffic: { local: 99%, remote: 1%, failover: true, regions: [us-west, us-east] }
  rollout:
    stages: [{ name: canary, targets: { names: [slc-a-1] }, pause: true }, { name: rest, maxConcurrency: 25%, soak: 10m }]
    approval: { fourEyes: true }
    failureBudget: 0
    onFailure: rollback
    windows: [{ cron: "0 9 * * 1-5", duration: 8h, timeZone: America/Los_Angeles }]
status:
  targets:
    - name: slc-a-1
      vip: [203.0.113.10]
      fqdn: [checkout.example.com]
      certificate: { state: issued, serial: "01ab", notAfter: "2027-01-01T00:00:00Z" }
      route: { applied: abc, live: abc }
      freshAt: "2026-11-26T03:00:00Z"
      conditions:
        - { type: Ready, status: "True", reason: Live, message: "", observedGeneration: 3, lastTransitionTime: "2026-11-26T03:00:00Z" }
  conditions: []
  revision: abc
"#;

fn round_trip<S>(text: &str) -> Resource<S>
where
    S: Spec + Serialize + DeserializeOwned + PartialEq + fmt::Debug,
    S::Status: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    let object: Resource<S> = from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let written = to_string(&object).unwrap();
    assert_eq!(from_str::<Resource<S>>(&written).unwrap(), object, "{written}");
    object
}

#[test]
fn the_documented_access_point_is_read_and_written_back() {
    let object = round_trip::<AccessPointSpec>(ACCESS_POINT);
    let spec = &object.spec;
    assert_eq!(spec.templates[0]["spec"]["later"], "kept", "unknown fields of templates stay");
    assert_eq!(spec.rollout.as_ref().unwrap().stages[1].max_concurrency.unwrap().to_string(), "25%");
    assert_eq!(object.status.unwrap().targets[0].vip[0].to_string(), "203.0.113.10");
}

#[test]
fn the_other_kinds_are_read_and_written_back() {
    let frame = |kind: &str, rest: &str| format!("{{ apiVersion: {API_VERSION}, kind: {kind}, {rest} }}");
    round_trip::<AvailabilityZoneSpec>(&frame(
        "AvailabilityZone",
        "metadata: { name: slc-a, labels: { power: a } }, spec: { region: us-west, drain: true, eastWest: { addresses: [198.51.100.1, \"2001:db8::1\"] } }",
    ));
    round_trip::<ClusterSpec>(&frame(
        "Cluster",
        "metadata: { name: slc-a-1 }, spec: { zone: slc-a, gateway: true, network: n1, istio: 1.31.0, capacity: { requests: 12000/s }, \
         proxyMemory: { gateway: 2GiB, sidecar: 256MiB } }, status: { reachability: unreachable, observedAt: \"2026-01-01T00:00:00Z\" }",
    ));
    round_trip::<FederatedDeploymentSpec>(&frame(
        "FederatedDeployment",
        "metadata: { name: checkout, namespace: payments }, spec: { placement: { clusters: [{ name: slc-a-1, replicas: 6 }] } }, \
         status: { clusters: [{ name: slc-a-1, replicas: 6, ready: 5 }] }",
    ));
    round_trip::<VipPoolSpec>(&frame(
        "VipPool",
        "metadata: { name: public-v4 }, spec: { addresses: [203.0.113.0/24], exclude: [203.0.113.0], autoAssign: false, priority: 5, \
         accessPoints: { namespaces: [payments], selector: { matchLabels: { tier: edge } } }, targets: { regions: [us-west] }, quarantine: 2h }, \
         status: { assigned: { 203.0.113.1: [payments/checkout@slc-a-1] } }",
    ));
    round_trip::<NameServiceSpec>(&frame(
        "NameService",
        "metadata: { name: checkout, namespace: payments }, spec: { fqdn: checkout.example.com, ttl: 30s, provider: corp, target: { accessPoint: checkout } }",
    ));
    round_trip::<NameProviderSpec>(&frame(
        "NameProvider",
        "metadata: { name: corp }, spec: { domains: [example.com], owner: fleet-1, maxDeletions: 5 }",
    ));
    round_trip::<IssuerSpec>(&frame(
        "Issuer",
        "metadata: { name: corp-acme }, spec: { acme: { directory: \"https://acme.example.com/dir\", dnsProvider: corp }, lifetime: 30d, maxNames: 10 }",
    ));
}

#[test]
fn what_a_server_adds_is_read() {
    let text = "{ apiVersion: overspill.dev/v1alpha1, kind: Cluster, spec: { zone: a }, metadata: { name: c, uid: x, \
                resourceVersion: \"7\", generation: 3, creationTimestamp: \"2026-01-01T00:00:00Z\", finalizers: [f], \
                managedFields: [{ manager: kubectl }], ownerReferences: [{ kind: X }] } }";
    assert_eq!(round_trip::<ClusterSpec>(text).metadata.generation, 3);
}

#[test]
fn what_is_refused_while_reading() {
    let replaced = |from: &str, to: &str| {
        assert!(ACCESS_POINT.contains(from), "{from}");
        let read = from_str::<FederatedAccessPoint>(&ACCESS_POINT.replacen(from, to, 1));
        read.map(|_| ()).unwrap_err().without_snippet().to_string()
    };
    let table = [
        ("level: cluster", "level: pod", "unknown variant `pod`"),
        ("exclusive: true", "exklusive: true", "unknown field `exklusive`"),
        (
            "apiVersion: overspill.dev/v1alpha1",
            "apiVersion: overspill.dev/v1",
            "is no version of ours: write overspill.dev/v1alpha1",
        ),
        ("kind: FederatedAccessPoint", "kind: FederatedAcessPoint", "did you mean `FederatedAccessPoint`?"),
        (
            "kind: FederatedAccessPoint",
            "kind: Cluster",
            "Cluster is not possible here; write FederatedAccessPoint",
        ),
        (
            "name: checkout, namespace",
            "name: Check_out, namespace",
            "`Check_out` is no name: write 1 to 63 lower-case",
        ),
        ("fqdn: checkout.example.com", "fqdn: checkout", "only one label; write the whole name"),
        ("ttl: 30s", "ttl: 30", "a number without a unit"),
        ("local: 99%", "local: 0.99", "a number without a unit; write a share"),
        ("op: replace", "op: append", "unknown variant `append`"),
        ("0 9 * * 1-5", "0 9 * * 1-8", "`1-8` is no day of week; write *, a number from 0 to 7"),
        ("0 9 * * 1-5", "0 9 * *", "4 fields; write five"),
        ("0 9 * * 1-5", "0 9 31 2 *", "this day is in none of these months"),
        ("America/Los_Angeles", "America/Los_Angelos", "did you mean `America/Los_Angeles`?"),
        ("onFailure: rollback", "onFailure: retry", "unknown variant `retry`"),
        ("pause: true", "pause: true, wait: 1", "unknown field `wait`"),
        ("status: \"True\"", "status: \"Yes\"", "unknown variant `Yes`"),
    ];
    for (from, to, expected) in table {
        let refused = replaced(from, to);
        assert!(refused.contains(expected), "{to}: {refused}");
    }
}

#[test]
fn a_head_tells_the_kind() {
    let head = |api_version: Option<&str>, kind: Option<&str>| {
        Head { api_version: api_version.map(Into::into), kind: kind.map(Into::into) }.kind()
    };
    assert_eq!(head(Some(API_VERSION), Some("VipPool")), Ok(Kind::VipPool));
    assert_eq!(head(None, None), Err(HeadError::NoKind));
    assert_eq!(
        head(Some("v1"), Some("Cluster")),
        Err(HeadError::ApiVersion { kind: Kind::Cluster, found: "v1".into() })
    );
    let refused = head(Some("v1"), Some("Clutser")).unwrap_err().to_string();
    assert!(refused.ends_with("did you mean `Cluster`?"), "{refused}");
}

#[cfg(feature = "schema")]
#[test]
fn every_kind_has_a_schema_that_forbids_what_reading_forbids() {
    fn check<S: Spec + schemars::JsonSchema>()
    where
        S::Status: schemars::JsonSchema,
    {
        let schema = serde_json::to_value(schemars::schema_for!(Resource<S>)).unwrap();
        assert_eq!(schema["properties"]["kind"]["const"], S::KIND.as_str());
        let mut open = Vec::new();
        undocumented(&schema, "", &mut open);
        assert!(open.is_empty(), "{}: {open:?}", S::KIND);
    }
    check::<AccessPointSpec>();
    check::<AvailabilityZoneSpec>();
    check::<ClusterSpec>();
    check::<FederatedDeploymentSpec>();
    check::<IssuerSpec>();
    check::<NameProviderSpec>();
    check::<NameServiceSpec>();
    check::<VipPoolSpec>();
}

/// Mappings of ours that take unknown fields, and fields without a description, at whatever depth.
#[cfg(feature = "schema")]
fn undocumented(schema: &serde_json::Value, at: &str, open: &mut Vec<String>) {
    use serde_json::Value;
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        // objects of other groups, which are passed on as they are, have fields of their own
        let is_ours = !at.ends_with("templates.items");
        if is_ours && schema.get("additionalProperties") != Some(&false.into()) {
            open.push(format!("{at} takes unknown fields"));
        }
        for (field, part) in fields {
            if part.get("description").is_none() {
                open.push(format!("{at}.{field} has no description"));
            }
            undocumented(part, &format!("{at}.{field}"), open);
        }
    }
    for (name, part) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        undocumented(part, name, open);
    }
    for key in ["items", "additionalProperties"] {
        schema.get(key).into_iter().for_each(|part| undocumented(part, &format!("{at}.{key}"), open));
    }
}
