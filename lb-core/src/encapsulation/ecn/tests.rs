//! The ECN tables of RFC 6040.

use std::string::{String, ToString};
use std::{format, vec::Vec};

use super::*;

const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];

/// RFC 6040 figure 4; rows are the inner field, columns the outer, `!` an alarm.
const FIGURE_4: &str = "
inner   | Not-ECT  ECT(0)    ECT(1)    CE
Not-ECT | Not-ECT  Not-ECT!  Not-ECT!  drop
ECT(0)  | ECT(0)   ECT(0)    ECT(1)    CE
ECT(1)  | ECT(1)   ECT(1)!   ECT(1)    CE
CE      | CE       CE        CE!       CE
";

#[test]
fn all_sixteen_pairs_are_figure_4() {
    let mut drawn = String::from("\ninner   | Not-ECT  ECT(0)    ECT(1)    CE\n");
    for inner in ALL {
        let cells: Vec<String> = ALL.iter().map(|&outer| cell(egress(inner, outer))).collect();
        let row = format!(
            "{:<7} | {:<8} {:<9} {:<9} {}",
            inner.to_string(),
            cells[0],
            cells[1],
            cells[2],
            cells[3]
        );
        drawn.push_str(&row);
        drawn.push('\n');
    }
    assert_eq!(drawn, FIGURE_4);
}

fn cell(egress: Egress) -> String {
    match egress {
        Egress::Forward(ecn) => ecn.to_string(),
        Egress::Alarm(ecn) => format!("{ecn}!"),
        Egress::Drop => "drop".to_string(),
    }
}

#[test]
fn without_congestion_the_tunnel_is_invisible() {
    for ecn in ALL {
        assert_eq!(egress(ecn, ingress(ecn)), Egress::Forward(ecn));
    }
}

#[test]
fn bits_are_those_of_rfc_3168() {
    for traffic_class in 0..=u8::MAX {
        let ecn = Ecn::of(traffic_class);
        assert_eq!(ecn.set_in(traffic_class), traffic_class);
        assert_eq!(Ecn::NotEct.set_in(traffic_class), traffic_class & 0xfc);
    }
    assert_eq!([1, 2, 3].map(Ecn::of), [Ecn::Ect1, Ecn::Ect0, Ecn::Ce]);
}
