//! The steps of a test run, in order.

use super::{Context, Outcome, Step, fuzz, release, tools};
use crate::metadata::Metadata;
use crate::testbed::{self, Options, Trouble};
use crate::tidy;

/// Every step; quick ones first, then what builds most on what is built already.
pub(super) const STEPS: [Step; 13] = [
    Step { name: "format", run: format },
    Step { name: "clippy", run: clippy },
    Step { name: "tidy", run: tidy_step },
    Step { name: "tests", run: tests },
    Step { name: "doc tests", run: doc_tests },
    Step { name: "docs", run: docs },
    Step { name: "examples", run: examples },
    Step { name: "benches", run: benches },
    Step { name: "release", run: release::run },
    Step { name: "testbed", run: testbed },
    Step { name: "fuzz lint", run: fuzz::lint },
    Step { name: "fuzz build", run: fuzz::build },
    Step { name: "fuzz run", run: fuzz::run },
];

fn format(context: &Context) -> Outcome {
    if let Err(missing) = tools::component("rustfmt", "fmt") {
        return Outcome::Skipped(missing);
    }
    let fuzz = || context.run(&mut context.cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]));
    context.run(&mut context.cargo(&["fmt", "--all", "--check"])).and(fuzz)
}

fn clippy(context: &Context) -> Outcome {
    if let Err(missing) = tools::component("clippy", "clippy") {
        return Outcome::Skipped(missing);
    }
    let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    context.run(&mut context.cargo(&arguments))
}

fn tidy_step(context: &Context) -> Outcome {
    match tidy::run(&context.root) {
        Ok(findings) if findings.is_empty() => Outcome::Passed(String::new()),
        Ok(findings) => {
            findings.iter().for_each(|finding| println!("{finding}"));
            Outcome::Failed(format!("{} finding(s)", findings.len()))
        }
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

/// Unit, property and integration tests.
fn tests(context: &Context) -> Outcome {
    // a test that lacks its peer or judge says so itself, and fails in CI
    tools::peers().iter().for_each(|missing| println!("{missing}"));
    let run = |arguments: &[&str]| {
        let mut command = context.cargo(arguments);
        match tools::envoy(&context.root) {
            Ok(envoy) => {
                command.env("ENVOY", envoy);
            }
            Err(missing) => println!("{missing}"),
        }
        context.run(&mut command)
    };
    if tools::has_nextest() {
        return run(&["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
    }
    run(&["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--no-fail-fast"])
}

fn doc_tests(context: &Context) -> Outcome {
    context.run(&mut context.cargo(&["test", "--workspace", "--all-features", "--doc"]))
}

fn docs(context: &Context) -> Outcome {
    let arguments = ["doc", "--workspace", "--all-features", "--no-deps", "--document-private-items"];
    context.run(context.cargo(&arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds every example and runs it: each is a small program that needs no argument.
///
/// Those of `benches` are only built: they measure, which unoptimised says nothing.
fn examples(context: &Context) -> Outcome {
    let metadata = match Metadata::read(&context.root) {
        Ok(metadata) => metadata,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    let mut outcome =
        context.run(&mut context.cargo(&["build", "--workspace", "--all-features", "--examples"]));
    let mut count = 0;
    for package in metadata.members().filter(|package| package.name != "benches") {
        for example in
            package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "example"))
        {
            let arguments =
                ["run", "--quiet", "--package", &package.name, "--all-features", "--example", &example.name];
            outcome = outcome.and(|| context.run(&mut context.cargo(&arguments)));
            count += 1;
        }
    }
    outcome.and(|| Outcome::Passed(format!("{count} built and run")))
}

/// Each bench runs once and checks its answer; unoptimised, because nothing is measured here.
fn benches(context: &Context) -> Outcome {
    context.run(&mut context.cargo(&["bench", "--package", "benches", "--profile", "dev", "--", "--test"]))
}

/// Scenarios in a guest with a kernel of its own: the small set, and in CI the whole.
fn testbed(context: &Context) -> Outcome {
    let options = if context.is_ci { Options::whole() } else { Options::smoke() };
    match testbed::run(&context.root, &options) {
        Ok(transcript) if transcript.failures().is_empty() => Outcome::Passed(transcript.summary()),
        Ok(transcript) => Outcome::Failed(transcript.failures().join("; ")),
        Err(Trouble::Missing(what)) => Outcome::Skipped(what),
        Err(Trouble::Failed(error)) => Outcome::Failed(format!("{error:#}")),
    }
}
