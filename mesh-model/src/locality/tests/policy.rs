//! What Istio makes of a policy: priorities, weights, what it refuses.

use super::*;

/// Priorities and weights of the localities, in their order.
fn groups(setting: &str, more: &str, endpoints: &str) -> Vec<(u32, u32)> {
    let answer = answer(&format!(
        "{{ from: region1/zone1/sub1, {more} policy: {{ outlierDetection: {{}}, loadBalancer: {{ localityLbSetting: {setting} }} }}, endpoints: [{endpoints}] }}"
    ));
    answer.localities.iter().map(|one| (one.priority, one.weight)).collect()
}

fn endpoints(localities: &[&str]) -> String {
    localities.iter().map(|one| format!("{{ locality: {one}, hosts: 1 }}")).collect::<Vec<_>>().join(", ")
}

const LOCALITIES: [&str; 6] = [
    "region1/zone1/sub1",
    "region1/zone1/sub2",
    "region1/zone2/sub1",
    "region2/zone1/sub1",
    "region3/zone1/sub1",
    "region4/zone1/sub1",
];

#[test]
fn failover_by_distance() {
    let priorities = |setting: &str| -> Vec<u32> {
        groups(setting, "", &endpoints(&LOCALITIES)).into_iter().map(|(priority, _)| priority).collect()
    };
    assert_eq!(priorities("{}"), [0, 1, 2, 3, 3, 3]);
    assert_eq!(priorities("{ failover: [{ from: region1, to: region3 }] }"), [0, 1, 2, 4, 3, 4]);
    let two = "{ failover: [{ from: region1, to: region3 }, { from: region1, to: region4 }] }";
    assert_eq!(priorities(two), [0, 1, 2, 4, 3, 4], "the second rule of a region is not looked at");
    assert_eq!(priorities("{ failover: [{ from: region9, to: region3 }] }"), [0, 1, 2, 3, 3, 3]);
    assert_eq!(priorities("{ enabled: false }"), [0; 6]);
    let far = groups("{}", "", &endpoints(&LOCALITIES[3..]));
    assert_eq!(far, [(0, 1); 3], "numbered from 0 without gaps");
}

#[test]
fn without_outlier_detection_nothing_fails_over() {
    let answer = answer(&format!(
        "{{ from: region1, policy: {{ loadBalancer: {{ localityLbSetting: {{ failover: [{{ from: region1, to: region2 }}] }} }} }}, endpoints: [{}] }}",
        endpoints(&LOCALITIES)
    ));
    assert_eq!(answer.priorities.len(), 1);
}

/// `loadbalancer_test.go`, FailoverPriority including locality.
#[test]
fn failover_by_labels() {
    let endpoint = |network: &str, region: &str, zone: &str| {
        format!(
            "{{ locality: {region}/{zone}, hosts: 1, labels: {{ topology.istio.io/network: {network}, topology.kubernetes.io/region: {region}, topology.kubernetes.io/zone: {zone} }} }}"
        )
    };
    let all = [
        endpoint("n1", "region1", "zone1"),
        endpoint("n2", "region1", "zone1"),
        endpoint("n1", "region2", "zone2"),
        endpoint("n2", "region3", "zone3"),
        endpoint("n2", "region2", "zone2"),
        endpoint("n1", "region3", "zone3"),
    ]
    .join(", ");
    let setting = "{ failoverPriority: [topology.istio.io/network, topology.kubernetes.io/region, topology.kubernetes.io/zone] }";
    let proxy = "proxyLabels: { topology.istio.io/network: n1, topology.kubernetes.io/region: region2, topology.kubernetes.io/zone: zone2 },";
    let priorities = |setting: &str, proxy: &str| -> Vec<u32> {
        groups(setting, proxy, &all).into_iter().map(|(priority, _)| priority).collect()
    };
    assert_eq!(priorities(setting, proxy), [1, 3, 0, 3, 2, 1]);
    assert_eq!(priorities(setting, ""), [0; 6], "a proxy without labels");
    let fixed = "{ failoverPriority: [topology.kubernetes.io/region=region3] }";
    assert_eq!(priorities(fixed, proxy), [1, 1, 1, 0, 1, 0]);
    let twice = "{ failoverPriority: [topology.kubernetes.io/region=region1, topology.kubernetes.io/region=region3] }";
    assert_eq!(priorities(twice, proxy), [1, 1, 1, 0, 1, 0], "the last value of a label holds for all of it");
    let unclear = "{ failoverPriority: [\"topology.kubernetes.io/region=region3=\"] }";
    assert_eq!(priorities(unclear, proxy), [1, 1, 0, 1, 0, 1], "a second `=` fixes nothing");
}

/// Istio's validation refuses three labels beside `failover`, as they are; not that of the network, and
/// not one with a value.
#[test]
fn labels_that_are_no_places_of_the_proxy_compose_with_failover() {
    let of = |locality: &str| {
        let region = locality.split('/').next().unwrap();
        format!("{{ locality: {locality}, hosts: 1, labels: {{ topology.kubernetes.io/region: {region} }} }}")
    };
    let all = ["region1/zone1", "region1/zone2", "region2/zone1", "region3/zone1"].map(of).join(", ");
    let rule = "failover: [{ from: region1, to: region3 }]";
    for (label, expected) in
        [("topology.kubernetes.io/region=region1", [0, 1, 3, 2]), ("topology.istio.io/network", [0, 1, 3, 2])]
    {
        let setting = format!("{{ failoverPriority: [{label}], {rule} }}");
        let found = groups(&setting, "proxyLabels: { app: web },", &all);
        let priorities: Vec<u32> = found.into_iter().map(|(priority, _)| priority).collect();
        assert_eq!(priorities, expected, "{label}: an order of regions, and home is no longer one tier");
    }
}

#[test]
fn labels_and_distance_compose() {
    let of = |version: &str, locality: &str| {
        format!("{{ locality: {locality}, hosts: 1, labels: {{ version: {version} }} }}")
    };
    let all = [of("v1", "region1"), of("v2", "region1"), of("v1", "region2"), of("v2", "region3")].join(", ");
    let found = groups(
        "{ failoverPriority: [version], failover: [{ from: region1, to: region2 }] }",
        "proxyLabels: { version: v1 },",
        &all,
    );
    let priorities: Vec<u32> = found.into_iter().map(|(priority, _)| priority).collect();
    assert_eq!(priorities, [0, 2, 1, 3], "labels first, then distance");
}

/// `TestApplyZoneAwareLoadBalancer` and the integration test of zones in istio/istio, and what its API says.
#[test]
fn a_zone_aware_setting_orders_regions_and_leaves_zones_alone() {
    // the setting, the proxy's labels, the priorities of LOCALITIES
    let table = [
        ("{}", "", [0, 0, 0, 1, 1, 1], "regions are apart without a word of failover"),
        ("{ failover: [{ from: region1, to: region3 }] }", "", [0, 0, 0, 2, 1, 2], "one takes over"),
        (
            "{ failover: [{ from: region9, to: region3 }] }",
            "",
            [0, 0, 0, 1, 1, 1],
            "a rule for others says nothing here",
        ),
        (
            "{ failover: [{ from: region1, to: region3 }, { from: region1, to: region4 }] }",
            "",
            [0, 0, 0, 2, 1, 2],
            "the second rule of a region is not looked at",
        ),
        ("{ enabled: false, failover: [{ from: region1, to: region3 }] }", "", [0; 6], "off"),
        (
            "{ failoverPriority: [version] }",
            "version: v2",
            [2, 0, 2, 3, 1, 3],
            "labels first, regions inside",
        ),
        (
            "{ failoverPriority: [version=v2], failover: [{ from: region1, to: region2 }] }",
            "app: web",
            [2, 0, 2, 3, 1, 4],
            "labels times three, and the order of regions",
        ),
        ("{ failoverPriority: [version] }", "", [0, 0, 0, 1, 1, 1], "a proxy without labels"),
    ];
    let versions = ["v1", "v2", "v1", "v1", "v2", "v1"];
    let endpoints = |outlier: &str, setting: &str, labels: &str| {
        let all = LOCALITIES.iter().zip(versions);
        let all: Vec<String> = all
            .map(|(one, version)| {
                format!("{{ locality: {one}, hosts: 1, labels: {{ version: {version} }} }}")
            })
            .collect();
        let text = format!(
            "{{ from: region1/zone1/sub1, proxyLabels: {{ {labels} }}, policy: {{ {outlier} loadBalancer: {{ zoneAwareLbSetting: {setting} }} }}, endpoints: [{}] }}",
            all.join(", ")
        );
        answer(&text).localities.iter().map(|one| one.priority).collect::<Vec<u32>>()
    };
    for (setting, labels, expected, why) in table {
        assert_eq!(endpoints("outlierDetection: {},", setting, labels), expected, "{why}");
        assert_eq!(endpoints("", setting, labels), expected, "{why}; with nobody ejected, too");
    }
    let far = "{ from: region9, policy: { loadBalancer: { zoneAwareLbSetting: {} } }, endpoints: [{ locality: region1, hosts: 1 }] }";
    assert_eq!(answer(far).localities[0].priority, 0, "numbered from 0, whoever is first");
}

/// Where zones of the first priority are left alone, each host gets the same; weights do not count.
#[test]
fn under_a_zone_aware_setting_hosts_count_and_weights_do_not() {
    let text = "{ from: a/1, policy: { outlierDetection: {}, loadBalancer: { zoneAwareLbSetting: { minClusterSize: 100 } } }, \
         endpoints: [{ locality: a/1, hosts: 30, healthy: 10, weight: 7 }, { locality: a/2, hosts: 70, weight: 1 }, { locality: b, hosts: 1 }] }";
    let shares: Vec<f64> = answer(text).localities.iter().map(|one| one.share).collect();
    assert_eq!(shares, [10.0 / 80.0, 70.0 / 80.0, 0.0]);
}

/// What proxies make of zones by where they are themselves cannot be told from a file.
#[test]
fn a_division_among_zones_is_refused_where_envoy_would_make_one() {
    let of = |setting: &str, endpoints: &str| {
        question(&format!(
            "{{ from: a/1, policy: {{ outlierDetection: {{}}, loadBalancer: {{ zoneAwareLbSetting: {setting} }} }}, endpoints: [{endpoints}] }}"
        ))
    };
    let two =
        "{ locality: a/1, hosts: 3 }, { locality: a/2, hosts: 4, healthy: 3 }, { locality: b, hosts: 90 }";
    let expected = "policy.loadBalancer.zoneAwareLbSetting.minClusterSize: with 6 healthy hosts in the first priority the proxies divide requests among its zones";
    for setting in ["{}", "{ minClusterSize: 6 }", "{ minClusterSize: 1 }"] {
        let refused = of(setting, two).unwrap_err();
        assert!(refused.contains(expected), "{setting}: {refused}");
    }
    let one_zone = "{ locality: a/1, hosts: 90 }, { locality: a/2, hosts: 0 }, { locality: b, hosts: 90 }";
    let fewer = "{ locality: a/1, hosts: 3 }, { locality: a/2, hosts: 4, healthy: 2 }";
    for (setting, endpoints) in
        [("{ minClusterSize: 7 }", two), ("{ enabled: false }", two), ("{}", one_zone), ("{}", fewer)]
    {
        assert!(of(setting, endpoints).is_ok(), "{setting} {endpoints}");
    }
}

/// `cluster_test.go` and `loadbalancer_test.go`: weights are divided and rounded up.
#[test]
fn distribute() {
    let weights = |setting: &str, endpoints: &str| -> Vec<u32> {
        let found = groups(setting, "", endpoints);
        assert!(found.iter().all(|(priority, _)| *priority == 0));
        found.into_iter().map(|(_, weight)| weight).collect()
    };
    let two = "{ locality: region1/zone1, hosts: 4, weight: 40 }, { locality: region1/zone2, hosts: 2, weight: 20 }, { locality: region2, hosts: 1 }";
    let half = "{ distribute: [{ from: region1, to: { region1: 50, region2: 50 } }] }";
    assert_eq!(weights(half, two), [34, 17, 50], "the sum may exceed 50");
    let localities = [
        "region1/zone1/sub1",
        "region1/zone1/sub1",
        "region1/zone1/sub2",
        "region1/zone2",
        "region2",
        "region3",
    ];
    let near = "{ distribute: [{ from: region1/zone1/*, to: { region1/zone1/sub1: 80, region1/zone1/sub2: 15, region1/zone2: 5 } }] }";
    assert_eq!(
        weights(near, &endpoints(&localities)),
        [40, 40, 15, 5, 0, 0],
        "what no rule names is removed"
    );
    let rest = "{ distribute: [{ from: \"*\", to: { region1: 70, \"*\": 30 } }] }";
    assert_eq!(weights(rest, &endpoints(&["region1", "region2", "region3"])), [70, 15, 15]);
    let elsewhere = "{ distribute: [{ from: region7, to: { region1: 100 } }] }";
    assert_eq!(
        weights(elsewhere, &endpoints(&["region1", "region2"])),
        [1, 1],
        "no rule for here changes nothing"
    );
}

#[test]
fn the_panic_threshold_is_istios_where_there_is_outlier_detection() {
    let threshold =
        |text: &str| question(&format!("{{ from: a, {text} endpoints: [] }}")).unwrap().panic_threshold;
    assert_eq!(threshold(""), 50);
    assert_eq!(threshold("policy: { outlierDetection: {} },"), 0);
    assert_eq!(threshold("policy: { outlierDetection: { minHealthPercent: 30 } },"), 30);
    assert_eq!(threshold("policy: { outlierDetection: {} }, panicThreshold: 20,"), 20);
    let nobody = answer("{ from: a, endpoints: [] }");
    assert_eq!((nobody.priorities[0].load, nobody.localities.len()), (100, 0));
}

#[test]
fn what_is_refused() {
    let setting =
        |text: &str| format!("policy: {{ loadBalancer: {{ localityLbSetting: {text} }} }}, endpoints: []");
    let at = "policy.loadBalancer.localityLbSetting";
    let table = [
        (
            setting("{ distribute: [{ from: a, to: { a: 100 } }], failover: [{ from: a, to: b }] }"),
            format!("{at}: distribute and failover exclude"),
        ),
        (
            setting("{ distribute: [{ from: a, to: { a: 99 } }] }"),
            format!("{at}.distribute[0].to: the weights are 99 together"),
        ),
        (setting("{ distribute: [{ from: a, to: { a: 100, b: 0 } }] }"), "each from 1 to 100".to_owned()),
        (
            setting("{ distribute: [{ from: a, to: { a/1: 50, a: 50 } }] }"),
            format!("{at}.distribute[0].to: `a/1` is in `a`"),
        ),
        (
            setting("{ distribute: [{ from: a, to: { a: 100 } }, { from: a/*, to: { b: 100 } }] }"),
            format!("{at}.distribute: `a/*` is in `a`"),
        ),
        (
            setting("{ failover: [{ from: a, to: a }] }"),
            format!("{at}.failover[0].to: a region cannot take over from itself"),
        ),
        (
            setting("{ failover: [{ from: a/1, to: b }] }"),
            format!("{at}.failover[0].from: `a/1` is no region"),
        ),
        (
            setting("{ failover: [{ from: a, to: b }], failoverPriority: [topology.kubernetes.io/zone] }"),
            format!("{at}.failoverPriority: failover and the label"),
        ),
        (
            "policy: { loadBalancer: { localityLbSetting: {}, zoneAwareLbSetting: {} } }, endpoints: []".to_owned(),
            "policy.loadBalancer.zoneAwareLbSetting: localityLbSetting and zoneAwareLbSetting exclude".to_owned(),
        ),
        (
            "policy: { loadBalancer: { zoneAwareLbSetting: { failoverPriority: [topology.kubernetes.io/region=a] } } }, endpoints: []".to_owned(),
            "zoneAwareLbSetting.failoverPriority: `topology.kubernetes.io/region=a` is of a place".to_owned(),
        ),
        (
            "policy: { loadBalancer: { zoneAwareLbSetting: { failover: [{ from: a, to: a }] } } }, endpoints: []".to_owned(),
            "zoneAwareLbSetting.failover[0].to: a region cannot take over from itself".to_owned(),
        ),
        (
            "policy: { loadBalancer: { zoneAwareLbSetting: { minClusterSize: 0 } } }, endpoints: []".to_owned(),
            "policy.loadBalancer.zoneAwareLbSetting.minClusterSize: ".to_owned(),
        ),
        (
            "policy: { loadBalancer: [] }, endpoints: []".to_owned(),
            "policy.loadBalancer: `[]` is not possible here; write a mapping".to_owned(),
        ),
        (
            "policy: { outlierDetecton: { consecutive5xxErrors: 4 } }, endpoints: []".to_owned(),
            "policy.outlierDetecton: no known field; did you mean `outlierDetection`?".to_owned(),
        ),
        (
            "policy: { loadBalancer: { localityLbSettings: {} } }, endpoints: []".to_owned(),
            "policy.loadBalancer.localityLbSettings: no known field; did you mean `localityLbSetting`?".to_owned(),
        ),
        (
            setting("{ failover: [{ from: a, to: b, form: c }] }"),
            format!("{at}.failover[0].form: no known field; did you mean `from`?"),
        ),
        (
            "endpoints: [{ locality: a, hosts: 2, healthy: 2, degraded: 1 }]".to_owned(),
            "endpoints[0].hosts: 3 are healthy, degraded or excluded, of 2 hosts".to_owned(),
        ),
        (
            "endpoints: [{ locality: a, hosts: 2, weight: 0 }]".to_owned(),
            "endpoints[0].weight: 0 is out of range; write 1 to 1000000".to_owned(),
        ),
        (
            "overprovisioningFactor: 99, endpoints: []".to_owned(),
            "overprovisioningFactor: 99 is out of range".to_owned(),
        ),
        ("panicThreshold: 101, endpoints: []".to_owned(), "panicThreshold: 101 is out of range".to_owned()),
        ("version: 2, endpoints: []".to_owned(), "version: version 2 is not known".to_owned()),
        ("endpoints: [{ locality: a, host: 2 }]".to_owned(), "unknown field `host`".to_owned()),
    ];
    for (text, expected) in table {
        let refused = question(&format!("{{ from: a, {text} }}")).unwrap_err();
        assert!(refused.contains(&expected), "{text}: {refused}");
    }
}
