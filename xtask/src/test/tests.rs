//! What CI makes of a skip, and how commands are put together.

use super::*;

#[test]
fn a_skip_fails_in_ci_only() {
    let skipped = Outcome::Skipped("g++ is missing".into());
    assert_eq!(strict(skipped.clone(), false), skipped);
    assert_eq!(strict(skipped, true), Outcome::Failed("skipped, and CI=true: g++ is missing".into()));
    for outcome in [Outcome::Passed(String::new()), Outcome::Failed("why".into())] {
        assert_eq!(strict(outcome.clone(), true), outcome);
    }
}

#[test]
fn lock_files_are_not_changed_by_a_run() {
    let context = Context { root: PathBuf::from("."), is_ci: false };
    let words = |command: Command| shown(&command).split_once(' ').expect("has arguments").1.to_owned();
    assert_eq!(words(context.cargo(&["clippy", "--", "-D", "warnings"])), "clippy --locked -- -D warnings");
    assert_eq!(words(context.cargo(&["doc"])), "doc --locked");
    assert_eq!(words(context.cargo(&["fmt", "--check"])), "fmt --check");
}

#[test]
fn the_first_outcome_that_did_not_pass_stands() {
    let passed = || Outcome::Passed(String::new());
    let failed = || Outcome::Failed("one".into());
    assert_eq!(passed().and(failed), failed());
    assert_eq!(failed().and(|| panic!("must not run")), failed());
}

#[test]
fn an_unknown_step_is_an_error() {
    let error = run(Path::new("."), &["nonsense".to_owned()]).expect_err("no such step");
    assert!(error.to_string().starts_with("no step `nonsense`; there are: format, clippy, tidy"), "{error}");
}
