//! A histogram as Linux 6.1 prints it.

use super::*;

#[test]
fn a_histogram_is_summed_up() {
    let text = "# event histogram\n#\n# trigger info: hist:keys=id:vals=hitcount:sort=hitcount:size=1024 [active]\n#\n\n\
        { id:         41 } hitcount:          2\n{ id:         47 } hitcount:          7\n\
        { id:         46 } hitcount:          4\n\nTotals:\n    Hits: 13\n    Entries: 3\n    Dropped: 0\n";
    assert_eq!(parse(text), Calls { all: 13, sends: 4, receives: 7 });
    assert_eq!(parse(""), Calls::default());
}
