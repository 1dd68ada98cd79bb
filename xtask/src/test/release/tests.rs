//! The limit on the time of the first command.

use super::*;

#[test]
fn the_time_is_told_and_a_long_one_fails() {
    let told = Outcome::Passed("`overspill run az-loss` in 6.3 s (at most 20)".into());
    assert_eq!(in_time(Duration::from_millis(6_300)), told);
    let told = Outcome::Failed("`overspill run az-loss` took 20.0 s; at most 20 s are allowed".into());
    assert_eq!(in_time(LIMIT), told);
}
