//! The optimised build: the same digests as the debug build's, and the first command of the README in its time.
//!
//! The tests before this step compared the debug build's digests with the
//! committed table; here the very same test runs optimised. What a user waits
//! for is measured on the binary that this built.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{Context, Outcome};
use crate::metadata::Metadata;

/// What a user tries first; an expectation of it that fails is a failure here.
const COMMAND: [&str; 2] = ["run", "az-loss"];
/// How long that may take on two cores.
const LIMIT: Duration = Duration::from_secs(20);

/// Digests of the optimised build, then the zone loss against the clock.
pub(super) fn run(context: &Context) -> Outcome {
    let digests = ["test", "--release", "--package", "overspill", "--test", "cli", "digests"];
    context.run(&mut context.cargo(&digests)).and(|| zone_loss(context))
}

fn zone_loss(context: &Context) -> Outcome {
    let metadata = match Metadata::read(&context.root) {
        Ok(metadata) => metadata,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    let name = format!("overspill{}", std::env::consts::EXE_SUFFIX);
    let program = metadata.target_directory.join("release").join(name);
    let start = Instant::now();
    let outcome = context.run(Command::new(program).args(COMMAND).current_dir(&context.root));
    let took = start.elapsed();
    outcome.and(|| in_time(took))
}

/// Whether it was quick enough, and how quick it was.
fn in_time(took: Duration) -> Outcome {
    let (command, seconds, limit) = (COMMAND.join(" "), took.as_secs_f64(), LIMIT.as_secs());
    if took < LIMIT {
        Outcome::Passed(format!("`overspill {command}` in {seconds:.1} s (at most {limit})"))
    } else {
        Outcome::Failed(format!("`overspill {command}` took {seconds:.1} s; at most {limit} s are allowed"))
    }
}

#[cfg(test)]
mod tests;
