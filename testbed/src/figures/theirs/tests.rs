//! Lines of single services.

use super::*;

#[test]
fn the_first_services_keep_their_lines() {
    let lines = "-A -t 1\n-a -t 1 -r 2\n-A -t 2\n-a -t 2 -r 2\n-A -t 3\n";
    assert_eq!(first(lines, 1), "-A -t 1\n-a -t 1 -r 2\n");
    assert_eq!(first(lines, 2), "-A -t 1\n-a -t 1 -r 2\n-A -t 2\n-a -t 2 -r 2\n");
    assert_eq!(first(lines, 9), lines);
}
