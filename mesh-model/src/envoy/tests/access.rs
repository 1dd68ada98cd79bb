//! Tests of whom access rules are about: pods whatever leads to them, and the gateway itself.

use serde_json::{Value, json};

use super::{configured, endpoints, input, proxy, simple};
use crate::envoy::{Endpoint, EnvoyConfig, Feature, HostEndpoints, Proxy, Unsupported, configure};

const HOST: &str = "led.example.com";

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let group = if kind == "AuthorizationPolicy" { "security" } else { "networking" };
    json!({ "apiVersion": format!("{group}.istio.io/v1"), "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// A rule about addresses.
fn policy(name: &str, selector: Value, action: &str) -> Value {
    let from = json!([{ "source": { "notIpBlocks": ["10.0.0.0/8"] } }]);
    let selector = json!({ "matchLabels": selector });
    object(
        "AuthorizationPolicy",
        name,
        json!({ "selector": selector, "action": action, "rules": [{ "from": from }] }),
    )
}

fn workload(labels: Value) -> Value {
    object("WorkloadEntry", "one", json!({ "address": "10.9.0.1", "labels": labels }))
}

/// One route to a ServiceEntry of a host, with a change, and more objects.
fn by_entry(change: Value, more: &[Value]) -> Result<EnvoyConfig, Vec<Unsupported>> {
    let mut entry = json!({
        "hosts": [HOST], "location": "MESH_INTERNAL", "resolution": "STATIC",
        "ports": [{ "number": 80, "name": "http", "protocol": "HTTP" }],
    });
    entry.as_object_mut().unwrap().append(&mut change.as_object().unwrap().clone());
    let mut all = simple("a.example.com", &[("2/spec/http/0/route/0/destination/host", json!(HOST))]);
    all.push(object("ServiceEntry", "ledger", entry));
    all.extend(more.iter().cloned());
    configured(&all)
}

/// The names of the rules of pods that the first route is held to, by action.
fn held(config: &EnvoyConfig) -> Vec<String> {
    let route = &config.routes["shop/edge:80"]["virtual_hosts"][0]["routes"][0];
    let filters = route["typed_per_filter_config"].as_object().into_iter().flatten();
    let rules = filters.map(|(_, filter)| &filter["rbac"]["rules"]);
    let names = |rules: &Value| -> Vec<String> {
        let action = rules["action"].as_str().unwrap();
        rules["policies"].as_object().unwrap().keys().map(|name| format!("{action} {name}")).collect()
    };
    rules.flat_map(names).collect()
}

#[test]
fn a_rule_of_pods_holds_for_a_service_entry_that_leads_to_them() {
    let selects = |labels: Value| json!({ "workloadSelector": { "labels": labels } });
    let lists = |one: Value| json!({ "endpoints": [one] });
    let admin = || policy("admin", json!({ "app": "web" }), "DENY");
    let (led, web) = (json!({ "app": "led" }), json!({ "app": "web" }));
    let name = |name: &str| json!({ "resolution": "DNS", "endpoints": [{ "address": name }] });
    let outside = json!({ "address": "web.example.net", "labels": led });
    for (entry, workload_labels, is_held, why) in [
        (selects(web.clone()), web.clone(), true, "a workload that both select"),
        (selects(led.clone()), led.clone(), false, "other pods"),
        (selects(web.clone()), led.clone(), true, "before there is a pod"),
        (
            selects(json!({ "tier": "edge" })),
            json!({ "tier": "edge", "app": "web" }),
            true,
            "by another label",
        ),
        (lists(json!({ "address": "10.9.0.9", "labels": web })), led.clone(), true, "its own endpoint"),
        (lists(json!({ "address": "10.9.0.9", "labels": led })), led.clone(), false, "another's"),
        (lists(json!({ "address": "10.9.0.1" })), web.clone(), true, "a workload's address"),
        (lists(json!({ "address": "10.1.0.3" })), led.clone(), true, "an address behind the Service"),
        (name("web.shop.svc.cluster.local"), led.clone(), true, "the Service's name"),
        (name("Web.shop.svc."), led.clone(), true, "as a resolver takes it"),
        (name("web.shop"), led.clone(), true, "and in short"),
        (json!({ "resolution": "DNS", "endpoints": [outside] }), led.clone(), false, "another name"),
    ] {
        for location in ["MESH_INTERNAL", "MESH_EXTERNAL"] {
            let mut entry = entry.clone();
            entry["location"] = json!(location);
            let config = by_entry(entry, &[workload(workload_labels.clone()), admin()]).unwrap();
            let expected: &[&str] = if is_held { &["DENY admin/0"] } else { &[] };
            assert_eq!(held(&config), expected, "{why} {location}");
        }
    }
}

#[test]
fn a_workload_is_who_is_at_its_address_and_all_that_select_it_are_added_up() {
    let selects = || json!({ "workloadSelector": { "labels": { "tier": "pay" } } });
    let mut other = workload(json!({ "tier": "pay", "app": "other" }));
    other["spec"]["address"] = json!("web.shop.svc");
    let config = by_entry(
        json!({ "resolution": "DNS", "workloadSelector": { "labels": { "tier": "pay" } } }),
        &[other, policy("admin", json!({ "app": "web" }), "DENY")],
    );
    assert_eq!(held(&config.unwrap()), ["DENY admin/0"]);
    // what the entry selects by says less of a workload than its labels do, and is no other pods
    let own = workload(json!({ "tier": "pay", "app": "led" }));
    let all = [
        own,
        policy("led", json!({ "app": "led" }), "ALLOW"),
        policy("pay", json!({ "tier": "pay" }), "ALLOW"),
    ];
    assert_eq!(held(&by_entry(selects(), &all).unwrap()), ["ALLOW led/0", "ALLOW pay/0"]);
}

#[test]
fn where_nobody_says_what_an_entry_leads_to_the_rule_is_refused() {
    let unnamed = || json!({ "endpoints": [{ "address": "10.9.0.9" }] });
    let admin = || policy("admin", json!({ "app": "web" }), "DENY");
    let faults = by_entry(unnamed(), &[admin()]).unwrap_err();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "shop/edge: AuthorizationPolicy/admin/spec/selector: whether it protects led.example.com nobody can say, for an endpoint of that ServiceEntry has no labels; write labels there, or location MESH_EXTERNAL where there is no workload of the mesh"
        ]
    );
    // a rule that needs no address is for sidecars, and one of the gateway holds for all
    let mut by_path = admin();
    by_path["spec"]["rules"] = json!([{ "to": [{ "operation": { "paths": ["/admin"] } }] }]);
    for other in [by_path, policy("admin", json!({ "istio": "ingressgateway" }), "DENY")] {
        assert_eq!(held(&by_entry(unnamed(), &[other]).unwrap()), [""; 0]);
    }
    let mut outside = unnamed();
    outside["location"] = json!("MESH_EXTERNAL");
    assert_eq!(held(&by_entry(outside, &[admin()]).unwrap()), [""; 0]);
}

#[test]
fn a_rule_of_some_pods_of_a_host_holds_for_all_that_may_be_chosen() {
    let of = |host: &str, subset: Option<&str>, policies: &[Value]| {
        let mut all = simple("a.example.com", &[("2/spec/http/0/route/0/destination/host", json!(host))]);
        all[2]["spec"]["http"][0]["route"][0]["destination"]["port"] = json!({ "number": 80 });
        if let Some(subset) = subset {
            all[2]["spec"]["http"][0]["route"][0]["destination"]["subset"] = json!(subset);
            let one = |name: &str| json!({ "name": name, "labels": { "version": name } });
            let spec = json!({ "host": host, "subsets": [one("v1"), one("v2")] });
            all.push(object("DestinationRule", "web", spec));
        }
        all.extend(policies.iter().cloned());
        let mut told: Vec<HostEndpoints> =
            ["web", "api"].map(|name| endpoints(&format!("{name}.shop.svc.cluster.local"), 80)).into();
        told.push(endpoints("web.other.svc.cluster.local", 80));
        let endpoints: Vec<&mut Endpoint> = told[1].endpoints.iter_mut().collect();
        endpoints.into_iter().for_each(|one| drop(one.labels.insert("app".into(), "api".into())));
        configure(&proxy(), &[input("shop/edge", "203.0.113.10", &all, &told)]).whole()
    };
    let v2 = |action| policy("v2", json!({ "version": "v2" }), action);
    let held = |host: &str, subset, policies: &[Value]| held(&of(host, subset, policies).unwrap());
    assert_eq!(held("web", None, &[v2("DENY")]), ["DENY v2/0"], "one of its pods is");
    assert_eq!(held("web", Some("v2"), &[v2("DENY")]), ["DENY v2/0"]);
    assert_eq!(held("web", Some("v1"), &[v2("DENY")]), [""; 0]);
    // a Service that is no template of the access point's, and one that is another namespace's
    let api = policy("api", json!({ "app": "api" }), "DENY");
    assert_eq!(held("api.shop.svc.cluster.local", None, std::slice::from_ref(&api)), ["DENY api/0"]);
    assert_eq!(held("web", None, &[api]), [""; 0]);
    assert_eq!(held("web.other.svc.cluster.local", None, &[v2("DENY")]), [""; 0]);
    // what two allow for different pods nobody may add up
    let both = [v2("ALLOW"), policy("v1", json!({ "version": "v1" }), "ALLOW")];
    let faults = of("web", None, &both).unwrap_err();
    assert_eq!((faults.len(), faults[0].path.as_str()), (1, "/spec/selector"), "{faults:?}");
    assert!(faults[0].to_string().contains("different callers"), "{faults:?}");
    assert_eq!(held("web", Some("v2"), &both), ["ALLOW v2/0"]);
    let same = [policy("a", json!({ "app": "web" }), "ALLOW"), policy("b", json!({ "app": "web" }), "ALLOW")];
    assert_eq!(held("web", None, &same), ["ALLOW a/0", "ALLOW b/0"]);
    assert_eq!(held("web", None, &both[..1]), ["ALLOW v2/0"], "what is open otherwise is not opened by it");
}

#[test]
fn no_copy_passes_a_rule_of_pods_by() {
    let with = |field: &str, to: Value, policy: Value| {
        let mut all = simple("a.example.com", &[]);
        all.push(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "copy" },
            "spec": { "selector": { "app": "copy" }, "ports": [{ "port": 80 }] } }));
        all[2]["spec"]["http"][0][field] = to;
        all.push(policy);
        configured(&all)
    };
    let copy = || json!({ "host": "copy" });
    let rule = |app: &str| policy("rule", json!({ "app": app }), "DENY");
    for (field, to) in [("mirror", copy()), ("mirrors", json!([{ "destination": copy() }]))] {
        let faults = with(field, to.clone(), rule("copy")).unwrap_err();
        assert_eq!(
            (faults.len(), faults[0].path.clone()),
            (1, format!("/spec/http/0/{field}")),
            "{faults:?}"
        );
        assert_eq!(
            held(&with(field, to, rule("web")).unwrap()),
            ["DENY rule/0"],
            "copies are of what passed"
        );
    }
    assert!(with("mirror", json!({ "host": "web" }), rule("web")).is_ok(), "those are held to it already");
    // an answer of the gateway's own is not copied
    let mut answers = simple("a.example.com", &[]);
    answers[2]["spec"]["http"] =
        json!([{ "directResponse": { "status": 200 }, "mirror": { "host": "web" } }]);
    answers.push(rule("web"));
    assert!(configured(&answers).is_ok());
}

#[test]
fn a_policy_without_a_selector_is_for_all_of_its_own_namespace() {
    let of =
        |access_point: &str, proxy: &Proxy, policies: &[Value]| -> Result<Vec<String>, Vec<Unsupported>> {
            let mut all = simple("a.example.com", &[]);
            all.extend(policies.iter().cloned());
            let namespace = access_point.split_once('/').unwrap().0;
            let told = [endpoints(&format!("web.{namespace}.svc.cluster.local"), 80)];
            let config = configure(proxy, &[input(access_point, "203.0.113.10", &all, &told)]).whole()?;
            let manager = &config.listeners[&format!("{access_point}:80")]["filter_chains"][0]["filters"][0];
            let filters = manager["typed_config"]["http_filters"].as_array().unwrap().clone();
            let action = |one: &Value| Some(one["typed_config"]["rules"]["action"].as_str()?.to_owned());
            let route = &config.routes[&format!("{access_point}:80")]["virtual_hosts"][0]["routes"][0];
            let of_pods = route["typed_per_filter_config"].as_object().into_iter().flatten();
            let of_pods =
                of_pods.map(|(_, one)| format!("pods {}", one["rbac"]["rules"]["action"].as_str().unwrap()));
            Ok(filters.iter().filter_map(action).chain(of_pods).collect())
        };
    let at = |namespace: &str| Proxy { namespace: Some(namespace.parse().unwrap()), ..proxy() };
    let root = |root: &str| Proxy { root_namespace: Some(root.parse().unwrap()), ..at("edge") };
    let nothing = || object("AuthorizationPolicy", "allow-nothing", json!({}));
    let all = |selector: Value| policy("outside", selector, "DENY");
    let (pods, own) = (["pods DENY".to_owned()], ["DENY".to_owned()]);
    for (access_point, proxy, is_own) in [
        ("shop/edge", at("istio-system"), false),
        ("shop/edge", at("shop"), true),
        ("shop/edge", root("shop"), true),
        ("istio-system/edge", at("edge"), true),
        ("istio-system/edge", root("mesh"), false),
    ] {
        let found = of(access_point, &proxy, &[nothing()]).unwrap();
        assert_eq!(found, if is_own { &["ALLOW"][..] } else { &[] }, "{access_point} {proxy:?}");
        // by addresses it is for the pods wherever the gateway is; no labels are as good as no selector
        let found = of(access_point, &proxy, &[all(json!({}))]).unwrap();
        assert_eq!(found, if is_own { &own[..] } else { &pods[..] }, "{access_point} {proxy:?}");
        let found = of(access_point, &proxy, &[all(json!({ "istio": "ingressgateway" }))]).unwrap();
        assert_eq!(found, own, "what names the gateway is the gateway's");
    }
    let allow = policy("inside", json!({ "app": "web" }), "ALLOW");
    assert_eq!(of("shop/edge", &at("istio-system"), &[nothing(), allow.clone()]).unwrap(), ["pods ALLOW"]);
    // nobody said where the gateway is
    let somewhere = Proxy { namespace: None, ..proxy() };
    for one in [nothing(), all(json!({}))] {
        let faults = of("shop/edge", &somewhere, std::slice::from_ref(&one)).unwrap_err();
        assert_eq!((faults.len(), &faults[0].feature), (1, &Feature::UnknownNamespace));
        assert_eq!(faults[0].path, "/spec/selector");
        assert!(of("istio-system/edge", &somewhere, &[one]).is_ok(), "that is for all namespaces");
    }
    assert_eq!(of("shop/edge", &somewhere, &[allow]).unwrap(), ["pods ALLOW"]);
}

#[test]
fn a_host_in_a_rule_has_no_port() {
    let rule = |rule: Value| {
        let spec = json!({ "selector": { "matchLabels": { "istio": "ingressgateway" } }, "action": "DENY", "rules": [rule] });
        let mut all = simple("a.example.com", &[]);
        all.push(object("AuthorizationPolicy", "rule", spec));
        let config = configured(&all)?;
        let manager = &config.listeners["shop/edge:80"]["filter_chains"][0]["filters"][0]["typed_config"];
        let rules = &manager["http_filters"][0]["typed_config"]["rules"];
        Ok::<Value, Vec<Unsupported>>(rules["policies"]["rule/0"]["permissions"][0].clone())
    };
    let field = |field: &str, text: &str| rule(json!({ "to": [{ "operation": { field: [text] } }] }));
    let when = |key: &str, text: &str| rule(json!({ "when": [{ "key": key, "values": [text] }] }));
    let host = |matcher: &str, text: &str| json!({ "header": { "name": ":authority", "string_match": { matcher: text, "ignore_case": true } } });
    for (text, matcher, expected) in [
        ("a.example.com", "exact", "a.example.com"),
        ("a.example.com:*", "exact", "a.example.com"),
        ("*.example.com", "suffix", ".example.com"),
        ("a.*", "prefix", "a."),
        ("[2001:db8::1]", "exact", "[2001:db8::1]"),
        ("[2001:db8::1]:*", "exact", "[2001:db8::1]"),
        ("[2001:db8:*", "prefix", "[2001:db8:"),
        ("*::1]", "suffix", "::1]"),
    ] {
        let expected = host(matcher, expected);
        assert_eq!(field("hosts", text).unwrap(), expected, "{text}");
        assert_eq!(field("notHosts", text).unwrap(), json!({ "not_rule": expected }), "{text}");
        // by whatever name the header is asked for
        for key in ["request.headers[:authority]", "request.headers[Host]"] {
            assert_eq!(when(key, text).unwrap(), expected, "{text}");
        }
    }
    for text in
        ["a.example.com:8080", "*:8080", "a.example.com:80*", "a.example.com:", "[2001:db8::1]:80", ":*"]
    {
        for (faults, at) in [
            (field("hosts", text), "/spec/rules/0/to/0/operation/hosts/0"),
            (field("notHosts", text), "/spec/rules/0/to/0/operation/notHosts/0"),
            (when("request.headers[:authority]", text), "/spec/rules/0/when/0/values/0"),
        ] {
            let faults = faults.unwrap_err();
            assert_eq!((faults.len(), faults[0].path.as_str()), (1, at), "{text}");
            assert!(faults[0].to_string().contains("without its port"), "{faults:?}");
        }
    }
    assert_eq!(
        when("request.headers[x-a]", "b:80").unwrap(),
        json!({ "header": { "name": "x-a", "string_match": { "exact": "b:80" } } })
    );
}
