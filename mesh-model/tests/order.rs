//! Properties of rendering: the same bytes whatever the order of what has none, and the written
//! order where there is one.
//!
//! The example's access point and fleet, with documents, mappings, templates and overrides turned
//! about; overrides that write one field, of which the last that holds on a target wins.
#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only functions that are one")]

use mesh_model::access_point::AccessPoint;
use mesh_model::api::{FederatedAccessPoint, PlacementLevel};
use mesh_model::fleet::Fleet;
use mesh_model::render::{OWNER_LABEL, Rendering, Revision, compare, render, render_steered};
use mesh_model::template::Schemas;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

const FLEET: &str = include_str!("../../examples/checkout/fleet.yaml");
const ACCESS_POINT: &str = include_str!("../../examples/checkout/access-point.yaml");
/// Three of the fleet, in different regions.
const TARGETS: [&str; 3] = ["slc-a-1", "phx-a-1", "rno-c-3"];

/// The example's access point as plain JSON.
fn object() -> Value {
    serde_saphyr::from_str(ACCESS_POINT).unwrap()
}

/// The fleet's documents.
fn documents() -> Vec<Value> {
    FLEET.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

fn fleet(documents: &[Value], order: &[Index]) -> Fleet {
    let (mut zones, mut clusters) = (Vec::new(), Vec::new());
    for document in documents {
        let text = text(document, order);
        match document["kind"].as_str().unwrap() {
            "AvailabilityZone" => zones.push(serde_json::from_str(&text).unwrap()),
            "Cluster" => clusters.push(serde_json::from_str(&text).unwrap()),
            _ => {}
        }
    }
    Fleet::new(zones, clusters).unwrap()
}

fn access_point(object: &Value, order: &[Index]) -> AccessPoint {
    let object: FederatedAccessPoint = serde_json::from_str(&text(object, order)).unwrap();
    AccessPoint::try_from(object).unwrap()
}

fn rendered(access_point: &AccessPoint, fleet: &Fleet) -> Vec<Rendering> {
    let schemas = Schemas::embedded();
    let targets = TARGETS.iter().map(|name| fleet.target(PlacementLevel::Cluster, name).unwrap());
    let renderings: Vec<Rendering> = targets
        .flat_map(|target| {
            [render(access_point, &target, &schemas), render_steered(access_point, &target, fleet, &schemas)]
        })
        .collect();
    assert!(renderings.iter().all(|rendering| rendering.errors.is_empty()), "{renderings:?}");
    renderings
}

/// JSON whose mappings are written in another order than that of their keys.
fn text(value: &Value, order: &[Index]) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text(item, order)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(key, member)| format!("{}:{}", json!(key), text(member, order));
            let mut members: Vec<String> = members.iter().map(member).collect();
            shuffle(&mut members, order);
            format!("{{{}}}", members.join(","))
        }
        plain => plain.to_string(),
    }
}

fn shuffle<T>(things: &mut [T], order: &[Index]) {
    for (last, index) in (1..things.len()).rev().zip(order.iter().cycle()) {
        things.swap(last, index.index(last + 1));
    }
}

fn orders() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 7)
}

/// An override that writes a label: of which kind of object, on which target (all of them: 3), in which way.
type Labelling = (u8, u8, bool);

/// The overrides of these, each with a value of its own; the n-th writes `label(n)`.
fn overrides(labellings: &[Labelling], label: impl Fn(usize) -> String) -> Value {
    let one = |(number, (kind, target, is_merge)): (usize, &Labelling)| {
        let kind = ["Service", "VirtualService", "Gateway"][usize::from(*kind)];
        let (key, value) = (label(number), format!("v{number}"));
        let rule = if *is_merge {
            json!({ "kind": kind, "merge": { "metadata": { "labels": { key: value } } } })
        } else {
            json!({ "kind": kind, "labels": { key: value } })
        };
        let mut one = json!({ "name": format!("o{number}"), "rules": [rule] });
        if let Some(name) = TARGETS.get(usize::from(*target)) {
            one["targets"] = json!({ "names": [name] });
        }
        one
    };
    labellings.iter().enumerate().map(one).collect()
}

fn labellings() -> impl Strategy<Value = Vec<Labelling>> {
    prop::collection::vec((0..3_u8, 0..4_u8, any::<bool>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn rendering_is_the_same_bytes_whatever_the_order_of_documents_and_mappings(order in orders(), other in orders()) {
        let expected = rendered(&access_point(&object(), &[]), &fleet(&documents(), &[]));
        let mut documents = documents();
        shuffle(&mut documents, &order);
        let renderings = rendered(&access_point(&object(), &other), &fleet(&documents, &other));
        prop_assert_eq!(serde_json::to_string(&renderings).unwrap(), serde_json::to_string(&expected).unwrap());
    }

    #[test]
    fn a_revision_is_the_same_whatever_the_order_of_templates(order in orders()) {
        let fleet = fleet(&documents(), &[]);
        let mut object = object();
        let expected = rendered(&access_point(&object, &[]), &fleet);
        shuffle(object["spec"]["templates"].as_array_mut().unwrap(), &order);
        let renderings = rendered(&access_point(&object, &[]), &fleet);
        prop_assert_eq!(Revision::of(&renderings), Revision::of(&expected));
        prop_assert_eq!(compare(&expected, &renderings).targets, []);
    }

    #[test]
    fn overrides_that_write_different_fields_commute(labellings in labellings(), order in orders()) {
        let fleet = fleet(&documents(), &[]);
        let mut object = object();
        let mut all = object["spec"]["overrides"].as_array().unwrap().clone();
        all.extend(overrides(&labellings, |number| format!("l{number}")).as_array().unwrap().iter().cloned());
        object["spec"]["overrides"] = json!(all);
        let expected = rendered(&access_point(&object, &[]), &fleet);
        shuffle(&mut all, &order);
        object["spec"]["overrides"] = json!(all);
        let renderings = rendered(&access_point(&object, &[]), &fleet);
        for (one, other) in renderings.iter().zip(&expected) {
            prop_assert_eq!(json!(one.objects).to_string(), json!(other.objects).to_string());
        }
    }

    #[test]
    fn precedence_is_total(labellings in labellings()) {
        let fleet = fleet(&documents(), &[]);
        let mut object = object();
        object["spec"]["overrides"] = overrides(&labellings, |_| "one".to_owned());
        let renderings = rendered(&access_point(&object, &[]), &fleet);
        for (rendering, target) in renderings.iter().step_by(2).zip(0_u8..) {
            for (kind, number) in ["Service", "VirtualService", "Gateway"].iter().zip(0_u8..) {
                let holds = |(of, on, _): &Labelling| *of == number && (*on == target || *on == 3);
                let writers: Vec<usize> =
                    labellings.iter().enumerate().filter(|(_, one)| holds(one)).map(|(at, _)| at).collect();
                let object = rendering.objects.iter().find(|object| object["kind"] == *kind).unwrap();
                let last = writers.last().map_or(Value::Null, |last| json!(format!("v{last}")));
                prop_assert_eq!(&object["metadata"]["labels"]["one"], &last, "the last that holds wins");
                let is_it = |entry: &&mesh_model::render::TraceEntry| {
                    entry.object.to_string() == format!("{kind}/checkout") && entry.path.to_string() == "/metadata/labels/one"
                };
                let trace: Vec<_> = rendering.trace.iter().filter(is_it).collect();
                let from: Vec<String> = trace.iter().map(|entry| entry.from.to_string()).collect();
                let expected: Vec<String> = writers.iter().map(|at| format!("override o{at} rule 0")).collect();
                prop_assert_eq!(from, expected, "all of them, in their order");
                prop_assert!(trace.iter().map(|entry| entry.origin).is_sorted_by(|one, other| one < other), "no two are equal");
            }
        }
    }

    #[test]
    fn rendering_is_idempotent(labellings in labellings()) {
        let fleet = fleet(&documents(), &[]);
        let mut object = object();
        object["spec"]["overrides"] = overrides(&labellings, |number| format!("l{}", number % 2));
        let first = rendered(&access_point(&object, &[]), &fleet);
        for (rendering, target) in first.iter().step_by(2).zip(TARGETS) {
            let mut again = object.clone();
            let mut templates = rendering.objects.clone();
            for template in &mut templates {
                template["metadata"]["labels"].as_object_mut().unwrap().remove(OWNER_LABEL);
            }
            again["spec"]["templates"] = json!(templates);
            let target = fleet.target(PlacementLevel::Cluster, target).unwrap();
            let second = render(&access_point(&again, &[]), &target, &Schemas::embedded());
            prop_assert_eq!(&second.errors, &[]);
            prop_assert_eq!(json!(second.objects).to_string(), json!(rendering.objects).to_string());
        }
    }
}
