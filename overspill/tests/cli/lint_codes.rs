//! `overspill lint` and what silently fails: each of it on a small file of its own, told by code, line and what to
//! do, and gone when that is done.

use std::fmt::Write as _;

use crate::{refused, run};

/// Two regions of one gateway cluster each, that carry something and can bear little more; a provider; what is
/// followed.
pub(crate) const FLEET: &str = "\
apiVersion: overspill.dev/v1alpha1
kind: AvailabilityZone
metadata: { name: slc-a }
spec: { region: us-west }
---
apiVersion: overspill.dev/v1alpha1
kind: Cluster
metadata: { name: slc-a-1 }
spec: { zone: slc-a, gateway: true, capacity: { requests: 1000/s } }
status: { requests: 400/s }
---
apiVersion: overspill.dev/v1alpha1
kind: AvailabilityZone
metadata: { name: phx-a }
spec: { region: us-south }
---
apiVersion: overspill.dev/v1alpha1
kind: Cluster
metadata: { name: phx-a-1 }
spec: { zone: phx-a, gateway: true, capacity: { requests: 1000/s } }
status: { requests: 400/s }
---
apiVersion: overspill.dev/v1alpha1
kind: NameProvider
metadata: { name: corp }
spec: { domains: [example.com] }
";

/// The mesh: two gateways, and a service of another team.
const SERVICES: &str = "\
gateways: [{ namespace: edge, labels: { istio: ingress } }]
services: [{ name: ledger, namespace: money, ports: [80] }]
";

/// An access point with a Service, these templates from line 14 on, one a line, and these other fields after them.
pub(crate) fn shop(templates: &[&str], more: &str) -> String {
    access_point("shop", templates, more)
}

fn access_point(name: &str, templates: &[&str], more: &str) -> String {
    let mut text = format!(
        "\
apiVersion: overspill.dev/v1alpha1
kind: FederatedAccessPoint
metadata:
  name: {name}
  namespace: team
spec:
  placement:
    selector: {{}}
  templates:
    - apiVersion: v1
      kind: Service
      metadata: {{ name: {name} }}
      spec: {{ selector: {{ app: {name} }}, ports: [{{ name: http-web, port: 80 }}] }}
"
    );
    for template in templates {
        writeln!(text, "    - {{ apiVersion: networking.istio.io/v1, {template} }}").expect("it is memory");
    }
    text + more
}

/// What lint says, first with what is wrong, then with what is right: one finding, then none.
#[track_caller]
pub(crate) fn told(files: &[(&str, &str)], (wrong, right): (&str, &str), expected: &str) {
    let ran = |mend: bool| {
        let folder = tempfile::tempdir().expect("there is room");
        let known = [("fleet.yaml", FLEET), ("services.yaml", SERVICES)];
        let known = known.into_iter().filter(|(name, _)| files.iter().all(|(other, _)| other != name));
        let mut arguments = vec!["lint"];
        for (name, text) in known.chain(files.iter().copied()) {
            let text = if mend { text.replace(wrong, right) } else { text.to_owned() };
            std::fs::write(folder.path().join(name), text).expect("there is room");
            match name {
                "fleet.yaml" => arguments.extend(["--fleet", name]),
                "services.yaml" => arguments.extend(["--services", name]),
                _ => arguments.push(name),
            }
        }
        run(folder.path(), &arguments, "")
    };
    let found = ran(false);
    assert!(files.iter().any(|(_, text)| text.contains(wrong)), "{wrong} is not there");
    assert_eq!((found.out.as_str(), found.err.as_str()), (expected, ""));
    assert_eq!(found.status, i32::from(expected.contains(": error: ")));
    let mended = ran(true);
    assert!(
        mended.out.ends_with("point: 0 errors, 0 warnings\n")
            || mended.out.ends_with("points: 0 errors, 0 warnings\n"),
        "{}",
        mended.out
    );
    assert_eq!((mended.status, mended.out.lines().count()), (0, 1), "{}", mended.out);
}

/// A DestinationRule with this policy.
pub(crate) fn rule(policy: &str) -> String {
    format!(
        "kind: DestinationRule, metadata: {{ name: shop }}, spec: {{ host: shop, trafficPolicy: {{ {policy} }} }}"
    )
}

pub(crate) const FAILOVER: &str =
    "loadBalancer: { localityLbSetting: { failover: [{ from: us-west, to: us-south }] } }";

/// What is told of a failover by this setting where nothing triggers it.
#[track_caller]
pub(crate) fn told_of_failover(setting: &str, column: usize) {
    let policy = FAILOVER.replace("localityLbSetting", setting) + ", connectionPool: {}";
    let expected = format!(
        "\
shop.yaml:14:{column}: error: failover-without-outlier-detection
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.trafficPolicy.loadBalancer.{setting}
    failover without outlierDetection: no host is ever taken for ill, so nothing
    fails over
    fix: add outlierDetection with maxEjectionPercent: 100
1 access point: 1 error, 0 warnings
"
    );
    let mended = ("connectionPool: {}", "outlierDetection: { maxEjectionPercent: 100 }");
    told(&[("shop.yaml", &shop(&[&rule(&policy)], ""))], mended, &expected);
}

#[test]
fn failover_that_nothing_triggers() {
    told_of_failover("localityLbSetting", 166);
}

#[test]
fn ejection_that_never_gets_far_enough() {
    told(
        &[(
            "shop.yaml",
            &shop(&[&rule(&format!("outlierDetection: {{ maxEjectionPercent: 49 }}, {FAILOVER}"))], ""),
        )],
        ("maxEjectionPercent: 49", "maxEjectionPercent: 50"),
        "\
shop.yaml:14:149: error: ejection-below-local-share
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.trafficPolicy.outlierDetection
    50% of the hosts are in us-south and at most 49% may be ejected, so its
    requests never all go elsewhere
    fix: write maxEjectionPercent: 100
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn distribute_that_forgets_a_region() {
    let policy =
        "loadBalancer: { localityLbSetting: { distribute: [{ from: us-west/*, to: { us-west/*: 100 } }] } }";
    told(
        &[("shop.yaml", &shop(&[&rule(policy)], ""))],
        ("from: us-west/*", "from: '*'"),
        "\
shop.yaml:14:180: error: distribute-without-from
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.trafficPolicy.loadBalancer.localityLbSetting.distribute
    no `from` names us-south/phx-a: requests from there are spread over all
    localities
    fix: add a rule for each, or one from `*`
1 access point: 1 error, 0 warnings
",
    );
}

/// A Sidecar of Istio for all workloads of the namespace.
fn sidecar(name: &str, rest: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{ name: {name}, namespace: team }}\nspec: {{ {rest}egress: [{{ hosts: [./*] }}] }}\n"
    )
}

#[test]
fn two_sidecars_without_a_selector() {
    let [one, other] = [sidecar("default", ""), sidecar("slim", "mark: 1, ")];
    told(
        &[("shop.yaml", &shop(&[], "")), ("one.yaml", &one), ("other.yaml", &other)],
        ("mark: 1, ", "workloadSelector: { labels: { app: shop } }, "),
        "\
shop.yaml:5:14: error: ambiguous-sidecars
    FederatedAccessPoint/team/shop
    metadata.namespace
    the Sidecars default and slim of namespace team hold for the same workloads,
    and Istio does not say which
    fix: merge them, or give them selectors that exclude each other
1 access point: 1 error, 0 warnings
",
    );
}

pub(crate) const GATEWAY: &str = "kind: Gateway, metadata: { name: shop }, spec: { selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [shop.example.com] }] }";

#[test]
fn a_host_that_two_claim() {
    let [one, other] = ["shop", "till"].map(|name| {
        let gateway = GATEWAY.replace("name: shop }", &format!("name: {name} }}"));
        access_point(name, &[&gateway], "")
    });
    told(
        &[("shop.yaml", &one), ("till.yaml", &other.replace("shop.example.com", "shop.example.com "))],
        ("shop.example.com ", "till.example.com"),
        "\
till.yaml:14:194: error: host-claimed-twice
    FederatedAccessPoint/team/till
    spec.templates[1].spec.servers[0].hosts[0]
    shop.example.com is already served by team/shop; which of the two answers is
    undefined
    fix: agree on one owner, or place them on different targets
2 access points: 1 error, 0 warnings
",
    );
}

#[test]
fn a_host_that_its_export_hides() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop], http: [{ route: [{ destination: { host: ledger.money.svc.cluster.local } }] }] }";
    told(
        &[
            ("shop.yaml", &shop(&[routes], "")),
            ("services.yaml", &SERVICES.replace("ports: [80]", "ports: [80], exportTo: [.]")),
        ],
        ("exportTo: [.]", "exportTo: [team]"),
        "\
shop.yaml:14:156: error: hidden-host
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.http[0].route[0].destination.host
    ledger.money.svc.cluster.local is hidden from namespace team, so requests to
    it find no cluster
    fix: add that namespace to the exportTo of the host
1 access point: 1 error, 0 warnings
",
    );
    // by what the mesh says of those that say nothing
    told(
        &[
            ("shop.yaml", &shop(&[routes], "")),
            ("services.yaml", &format!("defaultExportTo: [.]\n{SERVICES}")),
        ],
        ("defaultExportTo: [.]", "defaultExportTo: ['*']"),
        "\
shop.yaml:14:156: error: hidden-host
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.http[0].route[0].destination.host
    ledger.money.svc.cluster.local is hidden from namespace team, so requests to
    it find no cluster
    fix: add that namespace to the exportTo of the host
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_host_that_a_sidecar_hides() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop.example.com], http: [{ route: [{ destination: { host: shop } }] }] }";
    let expected = "\
shop.yaml:14:109: error: hidden-host
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.hosts[0]
    the Sidecar default of namespace team does not ask for shop.example.com, so
    workloads of team do not follow these routes
    fix: add the host to the Sidecar's egress
1 access point: 1 error, 0 warnings
";
    let narrow = sidecar("default", "").replace("./*", "money/*");
    told(
        &[("shop.yaml", &shop(&[routes], "")), ("sidecar.yaml", &narrow)],
        ("hosts: [money/*]", "hosts: [./*]"),
        expected,
    );
    let around = format!("namespaces: {{ team: {{ sidecarEgress: [money/*] }} }}\n{SERVICES}");
    told(
        &[("shop.yaml", &shop(&[routes], "")), ("services.yaml", &around)],
        ("sidecarEgress: [money/*]", "sidecarEgress: [./*]"),
        expected,
    );
    // the object is the fuller truth of the same Sidecar
    let wide = sidecar("default", "mark: 1, ");
    told(
        &[
            ("shop.yaml", &shop(&[routes], "")),
            ("services.yaml", &around),
            ("sidecar.yaml", &wide.replace("./*", "money/*")),
        ],
        ("hosts: [money/*]", "hosts: [./*]"),
        expected,
    );
}

#[test]
fn a_gateway_that_nobody_serves() {
    told(
        &[("shop.yaml", &shop(&[&GATEWAY.replace("ingress", "ingres")], ""))],
        ("istio: ingres ", "istio: ingress "),
        "\
shop.yaml:14:104: error: gateway-selects-nothing
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.selector
    no gateway has these labels, so nobody serves this Gateway
    fix: write labels that gateways of the fleet have
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn weights_that_are_not_100_together() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop], http: [{ route: [{ destination: { host: shop }, weight: 90 }, { destination: { host: ledger.money.svc.cluster.local }, weight: 20 }] }] }";
    told(
        &[("shop.yaml", &shop(&[routes], ""))],
        ("weight: 20", "weight: 10"),
        "\
shop.yaml:14:132: warning: weight-sum
    FederatedAccessPoint/team/shop
    spec.templates[1].spec.http[0].route
    the weights are 110 together, so each is another share than it looks like
    fix: write weights that are 100 together
1 access point: 0 errors, 1 warning
",
    );
}

#[test]
fn an_override_that_never_matches() {
    let more = "  overrides:\n    - name: wide\n      targets: { zones: [slc-b] }\n      rules: [{ kind: Service, labels: { a: b } }]\n";
    told(
        &[("shop.yaml", &shop(&[], more))],
        ("slc-b", "slc-a"),
        "\
shop.yaml:16:16: warning: override-never-matches
    FederatedAccessPoint/team/shop
    spec.overrides[0].targets
    override wide holds on none of the 2 targets
    fix: correct the names, or take the override away
shop.yaml:16:26: error: unknown-zone
    FederatedAccessPoint/team/shop
    spec.overrides[0].targets.zones[0]
    there is no zone slc-b; did you mean `slc-a`?
    fix: name a zone of the fleet
1 access point: 1 error, 1 warning
",
    );
}

#[test]
fn an_address_that_two_demand() {
    let of = |name: &str| access_point(name, &[], "  vip: { scope: all, addresses: [203.0.113.1] }\n");
    told(
        &[("shop.yaml", &of("shop")), ("till.yaml", &of("till").replace("113.1]", "113.1 ]"))],
        ("113.1 ]", "113.2]"),
        "\
till.yaml:14:34: error: vip-claimed-twice
    FederatedAccessPoint/team/till
    spec.vip.addresses[0]
    203.0.113.1 is demanded by team/shop, too, and the two have not agreed to
    share it
    fix: write another address, or one sharingKey and isolationGroup in both
2 access points: 1 error, 0 warnings
",
    );
}

#[test]
fn a_name_whose_provider_is_missing() {
    told(
        &[("shop.yaml", &shop(&[], "  names: [{ fqdn: shop.example.com, provider: crop }]\n"))],
        ("provider: crop", "provider: corp"),
        "\
shop.yaml:14:47: error: unknown-provider
    FederatedAccessPoint/team/shop
    spec.names[0].provider
    there is no NameProvider crop; did you mean `corp`?
    fix: correct the name, or add the provider to the fleet
1 access point: 1 error, 0 warnings
",
    );
}

#[test]
fn a_name_that_two_namespaces_publish() {
    let names = "  names: [{ fqdn: a.example.com, provider: corp }]\n";
    let other = access_point("till", &[], &names.replace("{ fqdn: a.", "{ ttl: 1m, fqdn: a."));
    told(
        &[
            ("shop.yaml", &shop(&[], names)),
            ("till.yaml", &other.replace("namespace: team", "namespace: web")),
        ],
        ("1m, fqdn: a.", "1m, fqdn: b."),
        "\
till.yaml:14:28: error: name-claimed-twice
    FederatedAccessPoint/web/till
    spec.names[0].fqdn
    a.example.com is wanted by FederatedAccessPoint/team/shop, too, which is of
    another namespace: whichever has it published keeps it, and of a new name
    none gets anything
    fix: choose another name, or let the NameProvider reserve it for both
    namespaces
2 access points: 1 error, 0 warnings
",
    );
}

#[test]
fn a_region_whose_loss_the_others_do_not_bear() {
    let routes = "kind: VirtualService, metadata: { name: shop }, spec: { hosts: [shop.example.com], http: [{ route: [{ destination: { host: shop } }] }] }";
    let more = "  traffic: { local: 99%, remote: 1%, failover: true, regions: [us-west, us-south] }\n";
    let shop = shop(&[&rule("outlierDetection: { maxEjectionPercent: 100 }"), routes], more);
    told(
        &[("shop.yaml", &shop), ("fleet.yaml", &FLEET.replacen("requests: 400/s", "requests: 700/s", 1))],
        ("requests: 700/s", "requests: 600/s"),
        "\
fleet.yaml:20:59: warning: region-loss-overloads
    Cluster/phx-a-1
    spec.capacity.requests
    without us-west it would carry 1100/s, 2.75 times as much, of 1000/s
    fix: add capacity, or spread the load
fleet.yaml:9:59: warning: region-loss-overloads
    Cluster/slc-a-1
    spec.capacity.requests
    without us-south it would carry 1100/s, 1.57 times as much, of 1000/s
    fix: add capacity, or spread the load
1 access point: 0 errors, 2 warnings
",
    );
}

#[test]
fn names_that_lead_back_to_themselves() {
    let name = |name: &str, to: &str| {
        format!(
            "apiVersion: overspill.dev/v1alpha1\nkind: NameService\nmetadata: {{ name: {name}, namespace: team }}\nspec: {{ fqdn: {name}.example.com, provider: corp, target: {{ alias: {to}.example.com }} }}\n"
        )
    };
    let names = [name("pay", "buy"), name("buy", "pay")].join("---\n");
    told(
        &[("shop.yaml", &shop(&[], "")), ("names.yaml", &names)],
        ("alias: pay.example.com", "alias: pay.example.net"),
        "\
names.yaml:9:65: error: alias-circle
    NameService/team/buy
    spec.target.alias
    buy.example.com -> pay.example.com -> buy.example.com is a circle, so no
    address is ever found
    fix: let one of them lead to an access point or addresses
names.yaml:4:65: error: alias-circle
    NameService/team/pay
    spec.target.alias
    pay.example.com -> buy.example.com -> pay.example.com is a circle, so no
    address is ever found
    fix: let one of them lead to an access point or addresses
1 access point: 2 errors, 0 warnings
",
    );
}

#[test]
fn what_is_no_sidecar_or_no_services_file_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("there is room");
    write("shop.yaml", &shop(&[], ""));
    write("fleet.yaml", FLEET);
    write("sidecar.yaml", &sidecar("default", "").replace("./*", "all"));
    write("services.yaml", &SERVICES.replace("[{ namespace: edge, labels: { istio: ingress } }]", "[]"));
    let lint = |arguments: &[&str]| {
        refused(&run(folder.path(), &[&["lint", "shop.yaml"], arguments].concat(), "")).to_owned()
    };
    assert_eq!(
        lint(&["sidecar.yaml"]),
        "sidecar.yaml:4:17: error: spec.egress: `all` is no host of an egress; write namespace/host, with `*`, `.` or `~` for a namespace"
    );
    assert_eq!(
        lint(&["--fleet", "fleet.yaml", "--services", "services.yaml"]),
        "services.yaml:1:11: error: gateways: an empty list means neither all nor none; leave the field out, or write at least one"
    );
    let alone = run(folder.path(), &["lint", "shop.yaml", "--services", "services.yaml"], "");
    assert_eq!(alone.status, 2);
    assert!(alone.err.contains("--fleet <FLEET>"), "{}", alone.err);
}
