//! Words as the host writes them.

use super::*;

#[test]
fn words_of_the_host_are_read_and_others_left() {
    let words = ["smoke", "figures", "nosuch", "only=node_killed", "only=drain", "shard=1/2", "x=y"]
        .map(str::to_owned);
    let expected = Words {
        is_smoke: true,
        is_figures: true,
        is_kept: false,
        is_shell: false,
        kind: Kind::Agent,
        only: vec!["node killed".to_owned(), "drain".to_owned()],
        shard: Some((1, 2)),
    };
    assert_eq!(Words::read(words), expected);
}
