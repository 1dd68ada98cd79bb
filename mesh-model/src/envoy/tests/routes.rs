//! Tests of what a route takes: the matches of requests as Envoy has them.

use serde_json::{Value, json};

use super::{configured, refused, simple};

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

#[test]
fn retries_after_nothing_are_istios_own() {
    let retried = |said: Value| -> Result<Value, Vec<String>> {
        let objects = simple("a.example.com", &[("2/spec/http/0/retries", said)]);
        let config = configured(&objects).map_err(|_| refused(&objects))?;
        let policy = &config.routes["shop/edge:80"]["virtual_hosts"][0]["routes"][0]["route"]["retry_policy"];
        Ok(json!([policy["num_retries"], policy["retry_on"], policy["retriable_status_codes"]]))
    };
    let own = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
    for said in [json!({ "attempts": 3 }), json!({ "attempts": 3, "retryOn": "" })] {
        assert_eq!(retried(said), Ok(json!([3, own, [503]])));
    }
    assert_eq!(retried(json!({ "attempts": 3, "retryOn": "5xx" })), Ok(json!([3, "5xx", null])));
    // Envoy would never retry
    let line = |said: &str| {
        format!(
            "shop/edge: VirtualService/shop/spec/http/0/retries/retryOn: `{said}` is not possible here; write conditions that Envoy has, or statuses"
        )
    };
    for said in [",", " ", " , "] {
        assert_eq!(retried(json!({ "attempts": 3, "retryOn": said })), Err(vec![line(said)]), "{said:?}");
    }
}
