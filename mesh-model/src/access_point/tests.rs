//! Tests of access points: the documented one in full, defaults, and every refusal.

use serde_saphyr::from_str;

use super::*;
use crate::api::tests::ACCESS_POINT;
use crate::api::{FederatedAccessPoint, OnFailure};
use crate::overrides::Action;
use crate::units::Amount;

fn read(text: &str) -> Result<AccessPoint, String> {
    let object: FederatedAccessPoint = from_str(text).map_err(|error| error.without_snippet().to_string())?;
    AccessPoint::try_from(object).map_err(|error| error.to_string())
}

/// An access point of one Service, with more fields in its spec.
fn with(fields: &str) -> String {
    with_templates("{ apiVersion: v1, kind: Service, metadata: { name: web } }", fields)
}

fn with_templates(templates: &str, fields: &str) -> String {
    let placement = if fields.contains("placement") { "" } else { "placement: { selector: {} }, " };
    format!(
        "{{ apiVersion: overspill.dev/v1alpha1, kind: FederatedAccessPoint, metadata: {{ name: web, namespace: shop }}, \
         spec: {{ {placement}templates: [{templates}], {fields} }} }}"
    )
}

#[test]
fn the_documented_one() {
    let access_point = read(ACCESS_POINT).unwrap();
    assert_eq!(access_point.placement.rule, PlacementRule::Follow("checkout".parse().unwrap()));
    let vip = access_point.vip.unwrap();
    assert_eq!((vip.sharing, vip.scope), (Sharing::Exclusive, VipScope::Target));
    assert_eq!(access_point.names[0].ttl, Duration::from_secs(30));
    assert_eq!(access_point.issuer.unwrap(), "corp-acme");
    let ids: Vec<String> = access_point.templates.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["Service/checkout", "Gateway/checkout", "ServiceEntry/legacy"]);
    let rules = &access_point.overrides[0].rules;
    assert!(matches!(&rules[0].action, Action::Patch(operations) if operations.len() == 1));
    assert!(matches!(rules[1].action, Action::Merge(_)) && rules[1].name.is_none());
    assert_eq!(rules[2].action, Action::Delete);
    assert_eq!(access_point.traffic.unwrap().local.to_string(), "99%");
    let rollout = access_point.rollout;
    assert!(rollout.four_eyes && rollout.on_failure == OnFailure::Rollback && rollout.stages[0].pause);
    assert_eq!(rollout.windows[0].time_zone.to_string(), "America/Los_Angeles");
}

#[test]
fn defaults() {
    let access_point = read(&with("")).unwrap();
    assert_eq!(access_point.placement.level, PlacementLevel::Cluster);
    assert_eq!(access_point.rollout, RolloutPolicy::default());
    assert_eq!(access_point.rollout.progress_deadline, Duration::from_secs(600));
    assert!(access_point.vip.is_none() && access_point.traffic.is_none() && access_point.names.is_empty());
    let traffic = |text: &str| read(&with(&format!("traffic: {text}"))).unwrap().traffic.unwrap();
    assert_eq!(
        traffic("{ regions: [a] }"),
        Traffic { local: Share::ALL, failover: true, regions: vec!["a".parse().unwrap()] }
    );
    assert_eq!(traffic("{ remote: 0.5%, regions: [a, b] }").local.to_string(), "99.5%");
    let shared = read(&with("vip: { sharingKey: k }")).unwrap().vip.unwrap();
    assert_eq!(shared.sharing, Sharing::Key("k".parse().unwrap()));
    let stage = &read(&with("rollout: { stages: [{ name: all }] }")).unwrap().rollout.stages[0];
    assert_eq!((stage.max_concurrency, stage.soak, stage.pause), (Amount::Count(1), Duration::ZERO, false));
}

/// Fields of a spec, and what is said of them.
const SPEC_REFUSALS: &[(&str, &str)] = &[
    (
        "placement: {}",
        "spec.placement: write one of names, selector, zones, regions or follow; none is given",
    ),
    (
        "placement: { names: [a], zones: [b] }",
        "spec.placement: write one of names, selector, zones, regions or follow; given are zones and names",
    ),
    ("placement: { names: [a], follow: { name: b } }", "given are names and follow"),
    ("placement: { names: [] }", "spec.placement.names: an empty list means neither all nor none"),
    ("placement: { zones: [a, b, a] }", "spec.placement.zones[2]: `a` is already [0] of this list"),
    (
        "placement: { selector: { matchLabels: { a: \"b c\" } } }",
        "spec.placement.selector.matchLabels.a: `b c` is no label's value",
    ),
    (
        "vip: { exclusive: true, sharingKey: k }",
        "spec.vip.sharingKey: a sharingKey says nothing without exclusive: false",
    ),
    ("vip: { exclusive: false }", "spec.vip.exclusive: exclusive: false says nothing without a sharingKey"),
    ("vip: { families: [] }", "spec.vip.families: an empty list"),
    ("vip: { scope: all, addresses: [] }", "spec.vip.addresses: an empty list"),
    ("vip: { scope: all, addresses: [\"ff02::1\"] }", "spec.vip.addresses[0]: ff02::1 can be no VIP"),
    (
        "vip: { scope: all, families: [ipv4, ipv6], addresses: [203.0.113.1] }",
        "spec.vip.addresses: these are not of the families that are asked for",
    ),
    (
        "vip: { scope: all, families: [ipv4], addresses: [\"2001:db8::1\", 203.0.113.1] }",
        "spec.vip.addresses: these are not of the families",
    ),
    ("vip: { families: [ipv4, ipv4] }", "spec.vip.families[1]: `ipv4` is already"),
    ("vip: { addresses: [203.0.113.1] }", "spec.vip.addresses: an address says nothing without scope: all"),
    (
        "vip: { scope: all, addresses: [203.0.113.1, 203.0.113.2] }",
        "spec.vip.addresses[1]: `203.0.113.2` is a second address",
    ),
    (
        "names: [{ fqdn: a.b, provider: p }, { fqdn: A.b., provider: q }]",
        "spec.names[1].fqdn: `a.b` is already",
    ),
    ("names: [{ fqdn: a.b, provider: p, ttl: 1500ms }]", "spec.names[0].ttl: 1500ms is no time to live"),
    ("names: [{ fqdn: a.b, provider: p, ttl: 8d }]", "spec.names[0].ttl: 8d is no time to live"),
    ("names: [{ fqdn: a.b }]", "missing field `provider`"),
    ("traffic: { regions: [] }", "spec.traffic.regions: an empty list"),
    ("traffic: { regions: [a, a] }", "spec.traffic.regions[1]: `a` is already"),
    (
        "traffic: { local: 99%, remote: 2%, regions: [a, b] }",
        "spec.traffic: local and remote are 101% together",
    ),
    (
        "traffic: { local: 99%, regions: [a] }",
        "spec.traffic.regions: a remote share says nothing without a second region",
    ),
    ("rollout: { stages: [{ name: a }, { name: a }] }", "spec.rollout.stages[1].name: `a` is already"),
    (
        "rollout: { stages: [{ name: a, maxConcurrency: 0 }] }",
        "spec.rollout.stages[0].maxConcurrency: 0 lets nothing happen",
    ),
    ("rollout: { stages: [{ name: a, maxConcurrency: 0% }] }", "maxConcurrency: 0% lets nothing happen"),
    (
        "rollout: { stages: [{ name: a, targets: { regions: [] } }] }",
        "spec.rollout.stages[0].targets.regions: an empty list",
    ),
    ("rollout: { progressDeadline: 0s }", "spec.rollout.progressDeadline: 0s lets nothing happen"),
    ("rollout: { windows: [] }", "spec.rollout.windows: an empty list"),
    (
        "rollout: { windows: [{ cron: \"0 9 * * *\", duration: 8d }] }",
        "spec.rollout.windows[0].duration: 8d is too long; write at most 7d",
    ),
];

#[test]
fn what_a_spec_is_refused_for() {
    for (fields, expected) in SPEC_REFUSALS {
        let refused = read(&with(fields)).unwrap_err();
        assert!(refused.contains(expected), "{fields}: {refused}");
    }
    let annotated = with("").replace("namespace: shop", "namespace: shop, annotations: { a b: c }");
    assert!(read(&annotated).unwrap_err().starts_with("metadata.annotations.a b: `a b` is no key"));
    let of_a_tool = with("").replace("namespace: shop", "namespace: shop, annotations: { Example.com/a: c }");
    assert!(read(&of_a_tool).is_ok(), "domains of annotations may have capitals");
    let no_namespace = with("").replace(", namespace: shop", "");
    assert_eq!(
        read(&no_namespace).unwrap_err(),
        "metadata.namespace: missing; this kind of object belongs to a namespace"
    );
}

#[test]
fn what_a_template_is_refused_for() {
    let table = [
        ("1", "spec.templates[0]: a Kubernetes object is wanted here"),
        ("{ apiVersion: v1, metadata: { name: a } }", "spec.templates[0].kind: missing; write the kind"),
        (
            "{ apiVersion: apps/v1, kind: Deployment, metadata: { name: a } }",
            "spec.templates[0].kind: `Deployment` can be no template",
        ),
        ("{ apiVersion: v1, kind: Servise, metadata: { name: a } }", "did you mean `Service`?"),
        (
            "{ apiVersion: v2, kind: Service, metadata: { name: a } }",
            "spec.templates[0].apiVersion: `v2` is no version of Service; write v1",
        ),
        (
            "{ apiVersion: networking.istio.io/v2, kind: Gateway, metadata: { name: a } }",
            "write networking.istio.io/v1 or networking.istio.io/v1beta1",
        ),
        (
            "{ apiVersion: v1, kind: Service }",
            "spec.templates[0].metadata: missing; write metadata with a name",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { generateName: a- } }",
            "spec.templates[0].metadata.name: missing",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a.b } }",
            "spec.templates[0].metadata.name: `a.b` is no name of such an object; write 1 to 63 lower-case",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: 1st } }",
            "spec.templates[0].metadata.name: `1st` is no name of such an object; write 1 to 63 lower-case letters, digits and `-`, a letter first",
        ),
        (
            "{ apiVersion: networking.istio.io/v1, kind: Gateway, metadata: { name: a_b } }",
            "spec.templates[0].metadata.name: `a_b` is no name of such an object; write 1 to 253 lower-case",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a, namespace: other } }",
            "metadata.namespace: `other` is not the access point's namespace; leave it out, `shop`",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a, uid: x } }",
            "metadata.uid: the server or a controller writes this",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a }, status: {} }",
            "spec.templates[0].status: the server",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a, labels: { a: 1 } } }",
            "metadata.labels.a: a text (in quotes) is wanted",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a, labels: { overspill.dev/access-point: x } } }",
            "is a mark of overspill.dev",
        ),
        (
            "{ apiVersion: v1, kind: Service, metadata: { name: a } }, { apiVersion: v1, kind: Service, metadata: { name: a } }",
            "spec.templates[1].metadata.name: Service/a is [0] of the templates already",
        ),
        ("", "spec.templates: an empty list"),
    ];
    for (templates, expected) in table {
        let refused = read(&with_templates(templates, "")).unwrap_err();
        assert!(refused.contains(expected), "{templates}: {refused}");
    }
}

/// Kubernetes limits a subdomain as a whole, not each of its labels.
#[test]
fn names_as_long_as_kubernetes_takes_them() {
    let gateway = |name: &str| {
        let template =
            format!("{{ apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {{ name: {name} }} }}");
        read(&with_templates(&template, ""))
    };
    assert_eq!(gateway(&"a".repeat(253)).unwrap().templates[0].id.name.len(), 253);
    assert!(gateway(&"a".repeat(254)).is_err());
    assert!(gateway("1st.example.com").is_ok());
}

#[test]
fn what_a_rule_is_refused_for() {
    let rules = "spec.overrides[0].rules[0]";
    let table = [
        ("kind: Servise, delete: true", ".kind: `Servise` is no kind of templates; did you mean `Service`?"),
        ("kind: Gateway, delete: true", ".kind: no template is a Gateway"),
        ("kind: Service, name: wep, delete: true", ".name: no template Service/wep; did you mean `web`?"),
        ("kind: Service", ": write one of patch, merge, labels, annotations or delete: true; none is given"),
        ("kind: Service, merge: {}, delete: true", "; given are merge and delete: true"),
        ("kind: Service, patch: []", ".patch: an empty list"),
        ("kind: Service, patch: [{ op: remove, path: spec }]", ".patch[0].path: `spec` is no pointer"),
        ("kind: Service, patch: [{ op: add, path: /spec/a }]", ".patch[0].value: add needs it"),
        (
            "kind: Service, patch: [{ op: remove, path: /spec/a, value: 1 }]",
            ".patch[0].value: remove has no use for it",
        ),
        ("kind: Service, patch: [{ op: move, path: /spec/a }]", ".patch[0].from: move needs it"),
        (
            "kind: Service, patch: [{ op: move, path: /spec/a, from: /kind }]",
            ".patch[0].from: `/kind` is not for overrides",
        ),
        (
            "kind: Service, patch: [{ op: replace, path: /metadata/name, value: x }]",
            ".patch[0].path: `/metadata/name` is not",
        ),
        ("kind: Service, patch: [{ op: remove, path: /metadata }]", ".patch[0].path: `/metadata` is not"),
        (
            "kind: Service, patch: [{ op: replace, path: \"\", value: {} }]",
            ".patch[0].path: `` is not for overrides",
        ),
        ("kind: Service, patch: [{ op: add, path: /status, value: {} }]", "`/status` is not"),
        (
            "kind: Service, patch: [{ op: remove, path: /metadata/labels/overspill.dev~1access-point }]",
            "is not for overrides",
        ),
        (
            "kind: Service, patch: [{ op: add, path: /spec/a, value: \"${zone.nam}\" }]",
            ".patch[0].value: no variable `zone.nam`; did you mean",
        ),
        ("kind: Service, merge: { kind: Other }", ".merge.kind: `/kind` is not"),
        (
            "kind: Service, merge: { metadata: { namespace: x } }",
            ".merge.metadata.namespace: `/metadata/namespace` is not",
        ),
        ("kind: Service, merge: { metadata: null }", ".merge.metadata: `/metadata` is not"),
        ("kind: Service, merge: null", ".merge: a merge patch of an object is a mapping"),
        (
            "kind: Service, merge: { spec: { a: [\"${zone.name\"] } }",
            ".merge.spec.a[0]: `${` without `}` in `${zone.name`",
        ),
        ("kind: Service, labels: {}", ".labels: an empty list"),
        ("kind: Service, labels: { a: \"b c\" }", ".labels.a: `b c` is no label's value"),
        (
            "kind: Service, annotations: { overspill.dev/x: y }",
            ".annotations.overspill.dev/x: `overspill.dev/x` is a mark",
        ),
    ];
    for (rule, expected) in table {
        let refused = read(&with(&format!("overrides: [{{ name: o, rules: [{{ {rule} }}] }}]"))).unwrap_err();
        assert!(refused.starts_with(rules) && refused.contains(expected), "{rule}: {refused}");
    }
    let refused = |text: &str| read(&with(text)).unwrap_err();
    assert!(
        refused("overrides: [{ name: o, rules: [] }]").starts_with("spec.overrides[0].rules: an empty list")
    );
    let rule = "rules: [{ kind: Service, delete: true }]";
    let twice = refused(&format!("overrides: [{{ name: o, {rule} }}, {{ name: o, {rule} }}]"));
    assert!(twice.starts_with("spec.overrides[1].name: `o` is already"), "{twice}");
}

#[test]
fn marks_of_ours_are_nobody_elses() {
    let table = [
        (
            "kind: Service, merge: { metadata: { labels: { overspill.dev/access-point: x } } }",
            ".merge.metadata.labels.overspill.dev/access-point: `overspill.dev/access-point` is a mark",
        ),
        (
            "kind: Service, merge: { metadata: { annotations: { a b: x } } }",
            ".merge.metadata.annotations.a b: `a b` is no key",
        ),
        (
            "kind: Service, patch: [{ op: add, path: /metadata/labels, value: { overspill.dev/access-point: x } }]",
            ".patch[0].value.overspill.dev/access-point: `overspill.dev/access-point` is a mark",
        ),
    ];
    for (rule, expected) in table {
        let refused = read(&with(&format!("overrides: [{{ name: o, rules: [{{ {rule} }}] }}]"))).unwrap_err();
        assert!(refused.contains(expected), "{rule}: {refused}");
    }
}

#[test]
fn null_is_a_value_and_not_a_missing_one() {
    let rule = "overrides: [{ name: o, rules: [{ kind: Service, patch: [{ op: add, path: /spec/a, value: null }] }] }]";
    let access_point = read(&with(rule)).unwrap();
    let Action::Patch(operations) = &access_point.overrides[0].rules[0].action else { panic!("a patch") };
    assert!(matches!(&operations[0], crate::patch::Operation::Add { value, .. } if value.is_null()));
}

#[test]
fn cron_lines_as_cron_has_them() {
    let table = [
        ("* * * * *", "2026-11-26T03:21:00", true),
        ("*/15 8-18/2 * * *", "2026-11-26T10:45:00", true),
        ("*/15 8-18/2 * * *", "2026-11-26T11:45:00", false),
        ("0 0 1,15 * *", "2026-11-15T00:00:00", true),
        ("0 0 * * 7", "2026-11-29T00:00:00", true),
        ("0 0 * * 0", "2026-11-29T00:00:00", true),
        // both days restricted: one is enough
        ("0 0 26 * 0", "2026-11-26T00:00:00", true),
        ("0 0 26 * 0", "2026-11-29T00:00:00", true),
        ("0 0 26 * 0", "2026-11-27T00:00:00", false),
        ("0 0 29 2 *", "2028-02-29T00:00:00", true),
        ("30/10 * * * *", "2026-11-26T00:50:00", true),
        ("30/10 * * * *", "2026-11-26T00:20:00", false),
    ];
    for (line, moment, expected) in table {
        let cron: Cron = line.parse().unwrap();
        assert_eq!(cron.matches(moment.parse().unwrap()), expected, "{line} at {moment}");
        assert_eq!(cron.to_string().parse(), Ok(cron), "{line}");
    }
    for line in [
        "60 * * * *",
        "* 24 * * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "1,,2 * * * *",
        "",
        "0 0 30 2 *",
        "+5 * * * *",
        "*/+5 * * * *",
    ] {
        assert!(line.parse::<Cron>().is_err(), "{line}");
    }
}
