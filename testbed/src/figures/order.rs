//! What it costs to put an order right that an earlier history left.
//!
//! One service of a hundred backends, with one unit each and with eight. The
//! usual case: a backend in the middle was away and came back, which puts it
//! behind all others. The worst: somebody restored `ipvsadm -S`, which turns
//! the whole order round.

use lb_core::ipvs::{Desired, DesiredService, Grain};

use super::content::{BACKENDS, one, services};
use super::meter::{grouped, seconds};
use super::programmer::Programmer;
use crate::report::Report;

/// Measures in this thread's namespace, and reports rows.
pub(super) fn measure(report: &Report) -> anyhow::Result<()> {
    let service = services(1, BACKENDS)?.remove(0);
    for (grain, units) in [(Grain::Whole, 1), (Grain::Fine, 8)] {
        let (key, right) = one(&service, BACKENDS, None, grain)?;
        let middle = right.destinations[BACKENDS / 2].endpoint.address;
        let returned = reordered(&right, |service| {
            service.destinations.sort_by_key(|destination| destination.endpoint.address == middle);
        });
        let reversed = reordered(&right, |service| service.destinations.reverse());
        for (what, wrong) in [("a backend in the middle came back", returned), ("all turned round", reversed)]
        {
            let mut programmer = Programmer::open()?;
            programmer.list()?;
            programmer.reconcile(&Desired::default(), report)?;
            programmer.reconcile(&Desired { services: [(key, wrong)].into() }, report)?;
            programmer.list()?;
            let right = Desired { services: [(key, right.clone())].into() };
            let work = programmer.reconcile(&right, report)?;
            programmer.list()?;
            let left = programmer.planned(&right).commands.len();
            let held = programmer
                .believed()
                .services
                .values()
                .map(|service| service.destinations.len())
                .sum::<usize>();
            report.row(
                &format!("{held} destinations in order"),
                &format!("{left} writes left"),
                left == 0 && held == BACKENDS * units,
            );
            let each = work.cost.time / u32::try_from(work.writes.max(1))?;
            report.figure(&[
                format!("order of {BACKENDS} x {units} put right: {what}"),
                format!(
                    "{} writes in {} datagrams, {}",
                    grouped(work.writes),
                    work.cost.sent,
                    seconds(work.cost.time)
                ),
                format!("{} a write", seconds(each)),
            ]);
        }
    }
    Ok(())
}

fn reordered(right: &DesiredService, change: impl FnOnce(&mut DesiredService)) -> DesiredService {
    let mut wrong = right.clone();
    change(&mut wrong);
    wrong
}
