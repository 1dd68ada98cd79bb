//! From evidence to cause, all of it; what makes the evidence is tested in small fleets.

use super::{Evidence, Hop};
use crate::model::Cause;
use lb_core::director::Choice;

const CHOICES: [Option<Choice>; 6] = [
    Some(Choice::Existing),
    Some(Choice::New),
    Some(Choice::PickedUp),
    Some(Choice::Rechosen),
    Some(Choice::Untracked),
    None,
];

#[test]
fn a_lost_gateway_is_the_cause_whatever_else_happened() {
    for choice in CHOICES {
        for hop in [Hop::First, Hop::Lost, Hop::Rerouted, Hop::Same] {
            for crowded_out in [false, true] {
                let evidence = Evidence { gateway_lost: true, choice, hop, crowded_out };
                assert_eq!(evidence.cause(), Cause::BackendLost, "{evidence:?}");
            }
        }
    }
}

#[test]
fn every_choice_by_every_hop_has_its_cause() {
    use Cause::{BackendLost, NodeLost, Refused, TableChange, TableFull, Timeout};
    //             lost      rerouted     same and crowded out, same
    let table = [
        (0, [NodeLost, TableChange, TableFull, Timeout]),
        (1, [NodeLost, TableChange, TableFull, Timeout]),
        (2, [NodeLost, TableChange, TableFull, Timeout]),
        (3, [BackendLost, BackendLost, BackendLost, BackendLost]),
        (4, [NodeLost, TableChange, TableFull, Timeout]),
        (5, [NodeLost, Refused, TableFull, Timeout]),
    ];
    for (choice, expected) in table {
        let hops = [(Hop::Lost, true), (Hop::Rerouted, true), (Hop::Same, true), (Hop::Same, false)];
        for ((hop, crowded_out), expected) in hops.into_iter().zip(expected) {
            let evidence = Evidence { gateway_lost: false, choice: CHOICES[choice], hop, crowded_out };
            assert_eq!(evidence.cause(), expected, "{evidence:?}");
        }
    }
}
