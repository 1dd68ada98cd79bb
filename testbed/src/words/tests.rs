//! Words as the host writes them.

use super::*;

#[test]
fn words_of_the_host_are_read_and_others_left() {
    let words =
        ["figures", "nosuch", "run=slow_start,node's_agent_killed", "repeat=3", "x=y"].map(str::to_owned);
    let Words { is_figures, is_kept, is_shell, scenarios, repeat } = Words::read(words);
    assert_eq!((is_figures, is_kept, is_shell, repeat), (true, false, false, 3));
    let names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names, ["slow start", "node's agent killed"], "in the order of the words");
}
