//! Tests of `deploy/alerts.yaml` against what is exported: no rule, and no test of a rule, speaks of what nobody counts.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const RULES: &str = include_str!("../../../../deploy/alerts.yaml");
const TESTS: &str = include_str!("../../../../deploy/alerts-test.yaml");

/// Every sample's name, and the labels it carries.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics = Metrics::new(None);
    metrics.probe("203.0.113.10:443/tcp", "success", Duration::from_millis(3));
    metrics.late(Duration::from_millis(3));
    let text = metrics.text(status()).unwrap();
    let sample = |line: &str| {
        let (series, _) = line.rsplit_once(' ').unwrap();
        series_of(series)
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

/// `name{label="value",...}` as its name and labels.
fn series_of(text: &str) -> (String, BTreeSet<String>) {
    let (name, labels) = text.split_once('{').unwrap_or((text, ""));
    // a label's name stands before `="`, after a comma or the brace
    let labels = labels.split("=\"").filter_map(|part| part.rsplit([',', ' ', '"']).next());
    (name.to_owned(), labels.filter(|label| !label.is_empty() && *label != "}").map(str::to_owned).collect())
}

/// The names of ours in a text: words that begin with our prefix.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("lb_agent_")).collect()
}

#[test]
fn rules_name_only_what_is_exported() {
    let exported = exported();
    let named = named(RULES);
    assert!(named.len() >= 15, "{named:?}");
    let unknown: Vec<_> = named.iter().filter(|name| !exported.contains_key(**name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}\nis not among\n{:?}", exported.keys());
}

#[test]
fn tests_of_rules_use_the_labels_that_are_exported() {
    let exported = exported();
    let series = TESTS
        .lines()
        .filter_map(|line| line.split_once("series: '")?.1.split_once('\''))
        .map(|(series, _)| series);
    let mut seen = 0;
    for (name, mut labels) in series.map(series_of).filter(|(name, _)| name != "up") {
        // what Prometheus adds
        assert!(labels.remove("job") && labels.remove("instance"), "{name}: {labels:?}");
        assert_eq!(Some(&labels), exported.get(&name), "{name}");
        seen += 1;
    }
    assert!(seen >= 40, "{seen}");
}

#[test]
fn every_rule_is_tested() {
    let rules = RULES.lines().filter_map(|line| line.split_once("- alert: ")).map(|(_, name)| name);
    // `LbKernel.*` stands for all that begin so
    let is_tested = |rule: &str| {
        TESTS.contains(rule)
            || TESTS.match_indices(".*").any(|(end, _)| {
                let prefix = TESTS[..end].rsplit(['"', '|']).next().unwrap_or_default();
                !prefix.is_empty() && rule.starts_with(prefix)
            })
    };
    assert_eq!(rules.filter(|rule| !is_tested(rule)).collect::<Vec<_>>(), Vec::<&str>::new());
}
