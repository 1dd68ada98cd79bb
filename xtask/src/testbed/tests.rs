//! The command's words, and what the guest is told of them.

use super::*;

fn parse(words: &[&str]) -> anyhow::Result<Options> {
    Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn words_become_what_the_guest_is_told() {
    let options = parse(&["--only", "node killed", "--reference", "--only", "drain"]).expect("known words");
    assert_eq!(options.words(None), ["reference", "only=node_killed", "only=drain"]);
    assert_eq!(options.shards(), [None]);
    assert!(!options.wants(LIVE_TESTS) && options.wants("drain"));
    let figures = parse(&["--figures"]).expect("a known word");
    assert!(!figures.wants(LIVE_TESTS));
    assert_eq!((figures.words(None), figures.shards()), (vec!["figures".to_owned()], vec![None]));
    let whole = parse(&[]).expect("no words");
    assert!(whole.wants(LIVE_TESTS));
    assert_eq!(whole.shards(), [Some((0, 2)), Some((1, 2))]);
    assert_eq!(whole.words(Some((1, 2))), ["shard=1/2"]);
}

#[test]
fn unknown_words_are_errors() {
    let error = parse(&["--fast"]).expect_err("no such option");
    assert!(error.to_string().starts_with("no option `--fast`; there are --smoke"), "{error}");
    assert!(parse(&["--only"]).is_err());
}
