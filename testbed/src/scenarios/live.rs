//! The packages' own live tests, in a namespace of this kernel.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::namespace::Namespace;
use crate::world::World;

/// Where the image has them.
const FOLDER: &str = "/tests";

/// The program that makes pods and sends packets: it takes half a minute, too long for the small set.
const SLOW: &str = "live_dsr";

/// A program that is not through after so long hangs; on a busy machine the slow one takes two minutes.
const LIMIT: Duration = Duration::from_secs(300);
/// The host gives up on a guest that says nothing, so something is said.
const WORD: Duration = Duration::from_secs(30);

/// Runs each quick program of tests that the image brought.
pub(super) fn netlink(world: &mut World<'_>) -> anyhow::Result<()> {
    tests(world, "live", |name| name != SLOW)
}

/// Runs the slow one.
pub(super) fn dsr(world: &mut World<'_>) -> anyhow::Result<()> {
    tests(world, "live-dsr", |name| name == SLOW)
}

fn tests(world: &mut World<'_>, namespace: &'static str, is_wanted: fn(&str) -> bool) -> anyhow::Result<()> {
    let programs = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut programs: Vec<_> =
        programs.filter(|program| program.file_name().to_str().is_some_and(is_wanted)).collect();
    programs.sort_by_key(fs::DirEntry::file_name);
    let added = Command::new("/bin/ip").args(["netns", "add", namespace]).status()?;
    anyhow::ensure!(added.success(), "no namespace for the tests");
    let namespace = Namespace::open(namespace)?;
    namespace.ip("link set lo up\n")?;
    for program in programs {
        let name = program.file_name().to_string_lossy().into_owned();
        let log = format!("/tmp/{name}.log");
        let file = fs::File::create(&log)?;
        let mut command = Command::new(program.path());
        command
            .arg("--test-threads=1")
            .env("CI", "true")
            .env("OVERSPILL_LIVE", "1")
            .env("PATH", "/bin")
            .env("OVERSPILL_AGENT", "/bin/lb-agent")
            .current_dir("/tmp");
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = wait(world, namespace.spawn(&mut command)?)?;
        let text = fs::read_to_string(&log)?;
        let summary = text.lines().rfind(|line| line.starts_with("test result:"));
        let result = match (status, summary) {
            (None, _) => format!("not through after {} s", LIMIT.as_secs()),
            (Some(status), None) => format!("no result, {status}"),
            (Some(_), Some(summary)) => summary.to_owned(),
        };
        let passed = status.is_some_and(|status| status.success()) && !result.contains(" 0 passed");
        if !passed {
            text.lines().for_each(|line| world.report.remark(line));
        }
        world.report.row(&format!("{name} passes"), &result, passed);
    }
    Ok(())
}

/// Waits for a program; one that hangs is killed, and has no status.
fn wait(world: &World<'_>, mut program: Child) -> anyhow::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut said = Duration::ZERO;
    while start.elapsed() < LIMIT {
        if start.elapsed() > said + WORD {
            said = start.elapsed();
            world.report.remark(&format!("still running after {} s", said.as_secs()));
        }
        if let Some(status) = program.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    program.kill()?;
    program.wait()?;
    Ok(None)
}
