//! Inputs of the mesh's targets: the example's objects, small ones of other kinds, patches.

const ACCESS_POINT: &str = include_str!("../../../examples/checkout/access-point.yaml");
const FLEET: &str = include_str!("../../../examples/checkout/fleet.yaml");

/// One object each; access points with a fleet after them.
pub(crate) fn objects() -> Vec<(&'static str, Vec<u8>)> {
    // one that selects instead of following, so that it is placed in this small fleet
    let selecting = ACCESS_POINT
        .replace("follow: { kind: FederatedDeployment, name: checkout }", "selector: {}")
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let fleet: Vec<&str> = FLEET.split("\n---\n").collect();
    let of = |kind: &str| {
        let object = fleet.iter().find(|text| text.contains(&format!("\nkind: {kind}\n")));
        object.expect("the example has one").as_bytes().to_vec()
    };
    let with_fleet = [selecting.as_str(), fleet[0], fleet[1], fleet[2]].join("\n---\n");
    let locality = "from: west/a\npolicy: { outlierDetection: {}, loadBalancer: { localityLbSetting: { failover: [{ from: west, to: east }] } } }\n\
                    endpoints:\n- { locality: west/a, hosts: 10, healthy: 4, degraded: 1, excluded: 2 }\n- { locality: east/b, hosts: 9, weight: 3 }\n";
    vec![
        ("access_point", with_fleet.into_bytes()),
        ("cluster", of("Cluster")),
        ("deployment", of("FederatedDeployment")),
        ("issuer", of("Issuer")),
        ("locality", locality.into()),
        ("name_provider", of("NameProvider")),
        ("pool", of("VipPool")),
        ("zone", fleet[0].into()),
    ]
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
