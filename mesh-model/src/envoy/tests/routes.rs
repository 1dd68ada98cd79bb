//! Tests of what a route takes: the matches of requests as Envoy has them.

use serde_json::{Value, json};

use super::{configured, simple};

#[test]
fn who_lacks_a_header_does_not_have_the_value_that_it_must_not_have() {
    let headers = |wanted: Value| -> Value {
        let objects = simple("a.example.com", &[("2/spec/http/0/match", json!([wanted]))]);
        let config = configured(&objects).unwrap();
        config.routes["shop/edge:80"]["virtual_hosts"][0]["routes"][0]["match"]["headers"].clone()
    };
    assert_eq!(
        headers(json!({ "withoutHeaders": { "x-canary": { "exact": "true" } } })),
        json!([{
            "name": "x-canary", "string_match": { "exact": "true" },
            "invert_match": true, "treat_missing_header_as_empty": true,
        }])
    );
    // whether a header is there at all is another question
    assert_eq!(
        headers(json!({ "withoutHeaders": { "x-canary": {} } })),
        json!([{ "name": "x-canary", "present_match": true, "invert_match": true }])
    );
    assert_eq!(
        headers(json!({ "headers": { "x-canary": { "exact": "true" } } })),
        json!([{ "name": "x-canary", "string_match": { "exact": "true" } }])
    );
}
