//! Tests of what overrides make of objects: a fault that one brings is told with the
//! rule and the targets, one that it mends is not, and one that it leaves alone stays.

use super::*;

/// A Service, its rule and routes to it; complete but for what a test puts in.
fn shop(overrides: &str) -> String {
    let rule = istio(
        "DestinationRule",
        "{ host: web, trafficPolicy: { loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } }, outlierDetection: { maxEjectionPercent: 100 } } }",
    );
    let routes =
        istio("VirtualService", "{ hosts: [web], http: [{ route: [{ destination: { host: web } }] }] }");
    format!("{}, overrides: [{overrides}]", templates(&[SERVICE, &rule, &routes]))
}

/// What is found, with its words.
fn told(parts: &str) -> Vec<String> {
    let findings = lint(&[access_point("shop", parts)], Some(&facts()), &Schemas::embedded());
    findings.iter().map(|one| format!("{} {}: {}", one.code, one.path, one.message)).collect()
}

#[test]
fn what_an_override_brings_is_told_with_its_rule_and_its_targets() {
    let no_detection = "failover-without-outlier-detection spec.templates[1].spec.trafficPolicy.loadBalancer.localityLbSetting";
    let table = [
        (
            "{ name: here, targets: { zones: [slc-a] }, rules: [{ kind: DestinationRule, merge: { spec: { trafficPolicy: { outlierDetection: null } } } }] }",
            format!("{no_detection}: on slc-a-1: failover without outlierDetection"),
        ),
        (
            "{ name: everywhere, rules: [{ kind: DestinationRule, merge: { spec: { trafficPolicy: { outlierDetection: null } } } }] }",
            format!("{no_detection}: failover without outlierDetection"),
        ),
        (
            "{ name: here, targets: { zones: [slc-a] }, rules: [{ kind: Service, labels: { a: b } }, { kind: DestinationRule, merge: { spec: { trafficPolicy: { outlierDetection: { maxEjectionPercent: 10 } } } } }] }",
            "ejection-below-local-share spec.overrides[0].rules[1]: on slc-a-1: DestinationRule/web: 50% of the hosts".into(),
        ),
        (
            "{ name: here, targets: { zones: [slc-a] }, rules: [{ kind: VirtualService, patch: [{ op: add, path: /spec/http/0/route/0/weight, value: 60 }, { op: add, path: /spec/http/0/route/-, value: { destination: { host: web }, weight: 30 } }] }] }",
            "weight-sum spec.overrides[0].rules[0]: on slc-a-1: VirtualService/web: the weights are 90".into(),
        ),
        (
            "{ name: here, targets: { zones: [slc-a] }, rules: [{ kind: VirtualService, merge: { spec: { gateways: [wbe] } } }] }",
            "unknown-gateway spec.overrides[0].rules[0]: on slc-a-1: VirtualService/web: no access point has the Gateway `team/wbe`".into(),
        ),
    ];
    for (overrides, expected) in table {
        let told = told(&shop(overrides));
        assert!(told.len() == 1 && told[0].starts_with(&expected), "{overrides}: {told:#?}");
    }
}

#[test]
fn a_fault_stays_one_where_an_override_changes_something_else() {
    let wrong = shop("").replace(
        "route: [{ destination: { host: web } }]",
        "route: [{ destination: { host: web, subset: v2 } }]",
    );
    let expected = ["unknown-subset"];
    let codes = |parts: &str| -> Vec<String> {
        told(parts).iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&wrong), expected);
    let label = "overrides: [{ name: all, rules: [{ kind: VirtualService, labels: { a: b } }, { kind: DestinationRule, labels: { a: b } }] }]";
    assert_eq!(codes(&wrong.replace("overrides: []", label)), expected);
}

#[test]
fn a_fault_that_overrides_mend_is_told_of_the_other_targets_alone() {
    let wrong =
        |overrides: &str| shop(overrides).replace("maxEjectionPercent: 100", "maxEjectionPercent: 10");
    let mend = |targets: &str| {
        format!(
            "{{ name: more, {targets} rules: [{{ kind: DestinationRule, merge: {{ spec: {{ trafficPolicy: {{ outlierDetection: {{ maxEjectionPercent: 90 }} }} }} }} }}] }}"
        )
    };
    assert_eq!(told(&wrong(&mend(""))), Vec::<String>::new());
    let told = told(&wrong(&mend("targets: { zones: [slc-a] },")));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("templates[1]") && told[0].contains(": on phx-a-1: 50% of the hosts"),
        "{told:#?}"
    );
}

#[test]
fn a_template_that_no_server_takes_is_told_and_hides_nothing_else() {
    let gateway = istio(
        "Gateway",
        "{ selector: { istio: ingress }, servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: SIMPL, credentialName: web } }] }",
    );
    let label = "{ name: all, rules: [{ kind: Service, labels: { zone: '${zone.name}' } }] }";
    let with_gateway = |overrides: &str| {
        shop(overrides)
            .replace("maxEjectionPercent: 100", "maxEjectionPercent: 10")
            .replace("], overrides", &format!(", {gateway}], overrides"))
    };
    let of_gateway =
        "schema-violation spec.templates[3].spec.servers[0].tls.mode: `SIMPL` is not possible here";
    let of_rule = "ejection-below-local-share spec.templates[1].spec.trafficPolicy.outlierDetection: 50%";
    let steered = ", traffic: { local: 99%, regions: [us-west, us-south] }";
    for more in ["", steered] {
        for overrides in ["", label] {
            let told = told(&format!("{}{more}", with_gateway(overrides)));
            let has = |start: &str| told.iter().filter(|one| one.starts_with(start)).count() == 1;
            assert!(has(of_gateway) && has(of_rule), "{overrides}{more}: {told:#?}");
        }
    }
    // nor does a rule that cannot be applied, or what one brings; each is told with object and place
    let fails = "{ name: all, rules: [{ kind: Service, patch: [{ op: remove, path: /spec/selectr }] }] }";
    let told = told(&with_gateway(fails));
    let expected =
        "does-not-render spec.overrides[0].rules[0]: on phx-a-1 and 1 more: Service/web: /spec/selectr: ";
    assert!(told.iter().any(|one| one.starts_with(expected)), "{told:#?}");
    assert!(told.iter().any(|one| one.starts_with(of_rule)), "{told:#?}");
}

#[test]
fn what_a_rule_of_an_override_writes_is_told_with_the_field() {
    let merge = |field: &str| {
        let overrides = format!(
            "{{ name: all, rules: [{{ kind: DestinationRule, merge: {{ spec: {{ trafficPolicy: {{ connectionPool: {{ http: {{ {field} }} }} }} }} }} }}] }}"
        );
        told(&shop(&overrides))
    };
    let place = "DestinationRule/web: /spec/trafficPolicy/connectionPool/http/";
    let at = "spec.overrides[0].rules[0]: ";
    assert_eq!(
        merge("http2MaxRequest: 1"),
        [format!(
            "unknown-field {at}{place}http2MaxRequest: no known field; did you mean `http2MaxRequests`?"
        )]
    );
    let told = merge("http2MaxRequests: many");
    let expected = format!("does-not-render {at}on phx-a-1 and 1 more: {place}http2MaxRequests: ");
    assert!(told.len() == 1 && told[0].starts_with(&expected), "{told:#?}");
}

#[test]
fn a_label_that_targets_lack_is_told_once() {
    let overrides = "{ name: all, rules: [{ kind: Service, labels: { tier: '${cluster.labels.tier}' } }] }";
    assert_eq!(
        told(&shop(overrides)),
        [
            "does-not-render spec.overrides[0].rules[0]: on phx-a-1 and 1 more: Service/web: /metadata/labels/tier: `cluster.labels.tier` has no value on this target; give it the label"
        ]
    );
}

#[test]
fn a_hidden_host_is_told_where_it_stands() {
    let of = |overrides: &str| {
        let routes = istio(
            "VirtualService",
            "{ hosts: [a.example.com], http: [{ match: [{ uri: { prefix: /a } }], route: [{ destination: { host: web } }] }, { route: [{ destination: { host: web.others.svc.cluster.local } }] }] }",
        );
        let shop = format!("{}, overrides: [{overrides}]", templates(&[SERVICE, &routes]));
        let hidden =
            SERVICE.replace("name: web", "name: web, annotations: { networking.istio.io/exportTo: . }");
        found(&[access_point("shop", &shop), access_point("other", &templates(&[&hidden]))], Some(&facts()))
    };
    let at = ["shop spec.templates[1].spec.http[1].route[0].destination.host hidden-host"];
    assert_eq!(of(""), at);
    let elsewhere =
        "{ op: add, path: /spec/http/0/headers, value: { response: { set: { from: '${cluster.name}' } } } }";
    assert_eq!(
        of(&format!("{{ name: all, rules: [{{ kind: VirtualService, patch: [{elsewhere}] }}] }}")),
        at
    );
    // the override's own
    let here =
        "{ op: replace, path: /spec/http/1/route/0/destination/host, value: web.others.svc.cluster.local }";
    assert_eq!(
        of(&format!("{{ name: all, rules: [{{ kind: VirtualService, patch: [{here}] }}] }}")),
        ["shop spec.overrides[0].rules[0] hidden-host"]
    );
}
