//! The command's words, what is chosen by them, and what guests are told.

use super::*;

fn parse(words: &[&str]) -> anyhow::Result<Options> {
    Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

fn refusal(words: &[&str]) -> String {
    parse(words).expect_err("no such thing").to_string()
}

fn names(scenarios: &[&Scenario]) -> Vec<&'static str> {
    scenarios.iter().map(|scenario| scenario.name).collect()
}

#[test]
fn a_name_means_that_scenario_and_else_all_that_start_so() {
    let chosen = |name| names(&parse(&["--only", name]).expect("is known").scenarios);
    assert_eq!(chosen("path MTU"), ["path MTU"]);
    assert_eq!(chosen("Path mtu w"), ["path MTU with a narrow hop"]);
    assert_eq!(chosen("node's"), ["node's agent killed", "node's host dies", "node's agent stops"]);
    let both = parse(&["--only", "slow start", "--only", "live tests"]).expect("known names");
    assert_eq!(names(&both.scenarios), ["slow start", "live tests"]);
    assert!(both.has_live_tests() && !parse(&["--only", "slow start"]).expect("is known").has_live_tests());
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let unknown = refusal(&["--only", "slow stat"]);
    assert!(
        unknown.starts_with("no scenario `slow stat`; did you mean `slow start`? There are:\n"),
        "{unknown}"
    );
    assert!(SCENARIOS.iter().all(|scenario| unknown.contains(scenario.name)), "{unknown}");
    assert!(refusal(&["--only", ""]).starts_with("no scenario ``"));
    assert!(refusal(&["--fast"]).starts_with("no option `--fast`; there are --smoke"));
    assert_eq!(refusal(&["--only"]), "--only needs the name of a scenario");
    assert_eq!(refusal(&["--repeat", "0"]), "--repeat needs a number from 1");
    assert_eq!(refusal(&["--smoke", "--shell"]), "--smoke and --shell exclude each other; write one of them");
    assert_eq!(refusal(&["--shell", "--keep"]), "--shell runs no scenario; leave out --keep and --repeat");
}

#[test]
fn the_whole_set_is_two_guests_of_like_length() {
    let whole = parse(&[]).expect("no words");
    let shares = whole.shares();
    assert_eq!(shares.len(), 2);
    let mut all: Vec<&str> = shares.iter().flat_map(|share| names(share)).collect();
    all.sort_unstable();
    let mut wanted = names(&whole.scenarios);
    wanted.sort_unstable();
    assert_eq!(all, wanted, "each once");
    let seconds = |share: &[&Scenario]| share.iter().map(|scenario| u32::from(scenario.seconds)).sum::<u32>();
    assert!(
        seconds(&shares[0]).abs_diff(seconds(&shares[1])) <= 5,
        "{} {}",
        seconds(&shares[0]),
        seconds(&shares[1])
    );
}

#[test]
fn the_small_set_is_one_guest_of_less_than_a_minute() {
    let smoke = parse(&["--smoke"]).expect("a known word");
    assert_eq!(smoke, Options::smoke());
    assert!(smoke.seconds() <= ONE_GUEST_SECONDS, "{}", smoke.seconds());
    assert_eq!(smoke.shares().len(), 1);
}

#[test]
fn guests_are_told_names_and_nothing_to_choose_by() {
    let options = parse(&["--only", "node's agent k", "--only", "backend a", "--repeat", "3"]);
    let options = options.expect("known words");
    let words = options.words(&options.shares()[0]);
    assert_eq!(words, ["run=node's_agent_killed,backend_added", "repeat=3"]);
    let figures = parse(&["--figures"]).expect("a known word");
    assert_eq!(
        (figures.words(&figures.shares()[0]), figures.has_live_tests()),
        (vec!["figures".to_owned()], false)
    );
}

#[test]
fn names_can_be_told_and_are_told_apart() {
    for (place, Scenario { id, name, proves, .. }) in SCENARIOS.iter().enumerate() {
        assert!(!name.contains([',', '_', '"']), "{name}: a guest could not read it");
        assert!(!proves.is_empty());
        assert!(
            SCENARIOS[..place].iter().all(|other| other.name != *name && other.id != *id),
            "{name} twice"
        );
    }
}

#[test]
fn the_help_lists_every_scenario_with_what_it_proves() {
    let help = help();
    for scenario in &SCENARIOS {
        assert!(help.contains(scenario.name) && help.contains(scenario.proves), "{}", scenario.name);
    }
    assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
}
