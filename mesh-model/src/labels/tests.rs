//! Tests of labels and selectors: Kubernetes' meaning of each operator, and what is no label.

use super::*;

fn selector(yaml: &str) -> Result<Selector, String> {
    let spec = serde_saphyr::from_str(yaml).map_err(|error| error.without_snippet().to_string())?;
    Selector::check(spec, &FieldPath::default().field("selector")).map_err(|error| error.to_string())
}

#[test]
fn operators_as_kubernetes_has_them() {
    let labels: Labels = [("tier", "edge"), ("empty", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let table = [
        ("{}", true),
        ("{ matchLabels: { tier: edge } }", true),
        ("{ matchLabels: { tier: edge, none: x } }", false),
        ("{ matchExpressions: [{ key: tier, operator: In, values: [core, edge] }] }", true),
        ("{ matchExpressions: [{ key: none, operator: In, values: [edge] }] }", false),
        ("{ matchExpressions: [{ key: tier, operator: NotIn, values: [edge] }] }", false),
        ("{ matchExpressions: [{ key: none, operator: NotIn, values: [edge] }] }", true),
        ("{ matchExpressions: [{ key: empty, operator: Exists }] }", true),
        ("{ matchExpressions: [{ key: empty, operator: DoesNotExist }] }", false),
        ("{ matchLabels: { tier: edge }, matchExpressions: [{ key: tier, operator: DoesNotExist }] }", false),
    ];
    for (yaml, expected) in table {
        assert_eq!(selector(yaml).unwrap().matches(&labels), expected, "{yaml}");
    }
}

#[test]
fn what_is_refused() {
    let table = [
        ("{ matchLabels: { a b: c } }", "selector.matchLabels.a b: `a b` is no key"),
        ("{ matchLabels: { a: b c } }", "selector.matchLabels.a: `b c` is no label's value"),
        ("{ matchLabels: { a: -b } }", "selector.matchLabels.a: `-b` is no label's value"),
        (
            "{ matchExpressions: [{ key: a, operator: In }] }",
            "selector.matchExpressions[0].values: no values; write those",
        ),
        (
            "{ matchExpressions: [{ key: a, operator: Exists, values: [b] }] }",
            "selector.matchExpressions[0].values: this operator asks for no value",
        ),
        (
            "{ matchExpressions: [{ key: /a, operator: Exists }] }",
            "selector.matchExpressions[0].key: `/a` is no key",
        ),
        ("{ matchLabel: {} }", "unknown field"),
        ("{ matchExpressions: [{ key: a, operator: Near }] }", "unknown variant"),
    ];
    for (yaml, expected) in table {
        let refused = selector(yaml).unwrap_err();
        assert!(refused.contains(expected), "{yaml}: {refused}");
    }
}

#[test]
fn marks_of_ours() {
    for (key, expected) in [
        ("overspill.dev/access-point", true),
        ("x.overspill.dev/a", true),
        ("notoverspill.dev/a", false),
        ("overspill.dev", false),
        ("a", false),
    ] {
        assert_eq!(is_ours(key), expected, "{key}");
    }
}
