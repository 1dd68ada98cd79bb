//! Inputs of the mesh's targets that read text: the example's objects, small ones of other kinds, files, patches.

const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");
const FLEET: &str = include_str!("../../../examples/checkout/fleet.yaml");

/// Every field of gateway configuration that there is, as objects.
const EVERYTHING: &str = include_str!("../../../mesh-model/src/envoy/tests/everything.yaml");

/// The example's access point and a small one, each with a small fleet after it.
pub(crate) fn access_points() -> Vec<(&'static str, Vec<u8>)> {
    // one that selects instead of following, so that it is placed in this small fleet
    let selecting = ACCESS_POINT
        .replace("follow: { kind: FederatedDeployment, name: checkout }", "selector: {}")
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let fleet: Vec<&str> = FLEET.split("\n---\n").collect();
    let with_fleet = |text: &str| [text, fleet[0], fleet[1], fleet[2]].join("\n---\n").into_bytes();
    let small = "apiVersion: overspill.dev/v1alpha1\nkind: FederatedAccessPoint\nmetadata: { name: web, namespace: shop }\nspec:\n  placement: { selector: {} }\n  \
                 templates:\n  - { apiVersion: v1, kind: Service, metadata: { name: web }, spec: { ports: [{ port: 80 }] } }\n  \
                 overrides:\n  - { name: a, rules: [{ kind: Service, labels: { zone: \"${zone.name}\" } }] }\n  \
                 - { name: b, targets: { names: [slc-a-2] }, rules: [{ kind: Service, patch: [{ op: remove, path: /spec/nothing }] }] }\n";
    let templates =
        EVERYTHING.split("\n---\n").map(|text| format!("  - {}", text.trim_end().replace('\n', "\n    ")));
    let templates: Vec<String> = templates.collect();
    let everything = format!(
        "apiVersion: overspill.dev/v1alpha1\nkind: FederatedAccessPoint\nmetadata: {{ name: edge, namespace: shop }}\nspec:\n  placement: {{ selector: {{}} }}\n  templates:\n{}\n",
        templates.join("\n")
    );
    vec![
        ("access_point", with_fleet(&selecting)),
        ("everything", with_fleet(&everything)),
        ("small", with_fleet(small)),
    ]
}

/// The files of the commands that plan.
pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let desired = "provider: { apiVersion: overspill.dev/v1alpha1, kind: NameProvider, metadata: { name: corp }, spec: { domains: [example.com], owner: fleet-1 } }\n\
                   names:\n- { name: a.example.com, ttl: 30s, members: [{ owner: n/x@t, addresses: [10.0.0.1], health: healthy }] }\n- { name: b.example.com, alias: a.example.com, owner: n/x }\n\
                   ---\nrecords: [{ name: c.example.com, kind: A, values: [10.0.0.2], ttl: 60s }]\n";
    let claims = "claims: [{ owner: n/x@t, ports: [443/tcp] }, { owner: n/y, vip: { scope: all } }]\n\
                  held: [{ owner: n/z@t, pool: p, addresses: [10.0.0.1, \"2001:db8::1\"], sharingKey: k, ports: [80/tcp] }]\n\
                  released: [{ held: { owner: n/x@t, pool: p, addresses: [10.0.0.2] }, until: \"2026-11-26T00:00:00Z\" }]\n";
    let services = "workers: 2\ndefaultExportTo: ['.']\ndiscoverySelectors: [{ matchLabels: { mesh: 'on' } }]\n\
                    namespaces: { shop: { labels: { mesh: 'on' }, sidecarEgress: ['./*', 'istio-system/*'] } }\n\
                    services: [{ name: cart, namespace: shop, ports: [80, 443], endpoints: 3, exportTo: ['*'] }]\n";
    let recording = r#"{"at":"0s","wall":"2026-11-26T12:00:00Z","kind":"join","targets":[]}
{"at":"1s","kind":"revision","revision":"0101010101010101010101010101010101010101010101010101010101010101","author":"ann"}
{"at":"5s","kind":"report","target":"t","health":"ready","since":"3s"}
{"at":"14s","kind":"approval","hash":"0101010101010101010101010101010101010101010101010101010101010101","by":"bob"}
{"at":"16s","kind":"restart"}
{"at":"18s","kind":"resume","by":"bob"}
{"at":"19s","kind":"leave","targets":["t"]}
{"at":"20s","kind":"abort","by":"bob"}
{"at":"21s","kind":"timeout"}
"#;
    vec![
        ("claims", claims.into()),
        ("desired", desired.into()),
        ("recording", recording.into()),
        ("services", services.into()),
    ]
}

/// One object each; access points with a fleet after them.
pub(crate) fn objects() -> Vec<(&'static str, Vec<u8>)> {
    let fleet: Vec<&str> = FLEET.split("\n---\n").collect();
    let of = |kind: &str| {
        let object = fleet.iter().find(|text| text.contains(&format!("\nkind: {kind}\n")));
        object.expect("the example has one").as_bytes().to_vec()
    };
    let locality = "from: west/a\npolicy: { outlierDetection: {}, loadBalancer: { localityLbSetting: { failover: [{ from: west, to: east }] } } }\n\
                    endpoints:\n- { locality: west/a, hosts: 10, healthy: 4, degraded: 1, excluded: 2 }\n- { locality: east/b, hosts: 9, weight: 3 }\n";
    let mut all = access_points();
    all.extend([
        ("cluster", of("Cluster")),
        ("deployment", of("FederatedDeployment")),
        ("issuer", of("Issuer")),
        ("locality", locality.into()),
        ("name_provider", of("NameProvider")),
        ("pool", of("VipPool")),
        ("zone", fleet[0].into()),
    ]);
    all
}

/// Documents with a patch each.
pub(crate) fn patches() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("add", br#"[{"a":[1]},[{"op":"add","path":"/a/-","value":{"b":null}}]]"#.into()),
        ("copy", br#"[{"a":[1]},[{"op":"copy","from":"","path":"/a/0"},{"op":"test","path":"/a/1","value":1.0}]]"#.into()),
        ("escape", br#"[{"a/b":{"~":1}},[{"op":"replace","path":"/a~1b/~0","value":2}]]"#.into()),
        ("merge", br#"[{"a":{"b":1},"c":[1]},{"a":{"b":null,"d":{"e":null}},"c":{}}]"#.into()),
        ("move", br#"[{"a":{"b":[1,2]}},[{"op":"move","from":"/a/b/1","path":"/a/c"},{"op":"remove","path":"/a/b"}]]"#.into()),
    ]
}
