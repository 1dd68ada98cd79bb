//! Tests of reading by pages: what ended early, was forgotten by the server or is of two moments is no list.

use serde_json::json;

use super::*;

fn list(version: &str, next: &str, names: &[&str]) -> Value {
    let items: Vec<Value> = names.iter().map(|name| json!({ "metadata": { "name": name } })).collect();
    json!({ "metadata": { "resourceVersion": version, "continue": next }, "items": items })
}

fn names(listing: &Listing) -> Vec<String> {
    let Listed::Complete(objects) = listing.result() else { panic!("{listing:?}") };
    let name = |object: &Value| format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', "");
    objects.iter().map(name).collect()
}

#[test]
fn a_list_is_all_kinds_to_their_ends() {
    let mut listing = Listing::new([("v1", "Service"), ("networking.istio.io/v1", "Gateway")]);
    let (one, other) = (listing.poll_transmit().unwrap(), listing.poll_transmit().unwrap());
    assert_eq!(listing.poll_transmit(), None, "one page of each at a time");
    let mut own = list("4", "", &["a"]);
    (own["items"][0]["kind"], own["items"][0]["apiVersion"]) =
        (json!("Gateway"), json!("networking.istio.io/v1beta1"));
    listing.handle_page(&one, &own);
    listing.handle_page(&other, &list("7", "next", &["b"]));
    assert_eq!(listing.result(), Listed::Reading);
    listing.handle_page(&other, &list("7", "", &["twice"]));
    assert_eq!(listing.result(), Listed::Reading, "an answer that nobody waits for");
    let rest = listing.poll_transmit().unwrap();
    listing.handle_page(&rest, &list("7", "", &["c"]));
    assert_eq!(names(&listing), ["Gateway/a", "Service/b", "Service/c"]);
    let Listed::Complete(objects) = listing.result() else { panic!("just was") };
    let versions: Vec<&Value> = objects.iter().map(|object| &object["apiVersion"]).collect();
    assert_eq!(versions, ["networking.istio.io/v1beta1", "v1", "v1"], "what an item says of itself stays");
}

#[test]
fn a_moment_that_is_forgotten_is_begun_anew_and_not_for_ever() {
    let mut listing = Listing::new([("v1", "Service")]);
    for attempt in 0..=RESTARTS {
        let page = listing.poll_transmit().unwrap();
        assert_eq!(page.continue_at, None, "from the beginning");
        listing.handle_page(&page, &list("7", "next", &["a"]));
        let page = listing.poll_transmit().unwrap();
        match attempt {
            0 => listing.handle_page(&page, &list("8", "", &["b"])), // of another moment
            _ => listing.handle_gone(&page),
        }
    }
    assert_eq!((listing.poll_transmit(), listing.result()), (None, Listed::Failed));
    let mut listing = Listing::new([("v1", "Service")]);
    let page = listing.poll_transmit().unwrap();
    listing.handle_page(&page, &list("7", "next", &["a"]));
    let page = listing.poll_transmit().unwrap();
    listing.handle_gone(&page);
    let page = listing.poll_transmit().unwrap();
    listing.handle_page(&page, &list("9", "", &["a"]));
    assert_eq!(names(&listing), ["Service/a"], "nothing twice");
}

#[test]
fn what_is_no_list_is_none_and_what_is_not_there_is_empty() {
    for list in [json!({}), json!({ "kind": "Status", "code": 500 }), Value::Null] {
        let mut listing = Listing::new([("v1", "Service")]);
        let page = listing.poll_transmit().unwrap();
        listing.handle_page(&page, &list);
        assert_eq!(listing.result(), Listed::Failed, "{list}");
    }
    let mut listing = Listing::of_templates();
    while let Some(page) = listing.poll_transmit() {
        if page.kind == "WorkloadEntry" {
            listing.handle_no_kind(&page);
        } else {
            listing.handle_page(&page, &list("7", "", &["a"]));
        }
    }
    assert_eq!(names(&listing).len(), TemplateKind::ALL.len() - 1);
    listing.handle_failure();
    assert_eq!(listing.result(), Listed::Failed);
}
