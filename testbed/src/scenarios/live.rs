//! The packages' own live tests, in a namespace of this kernel.

use std::fs;
use std::process::{Command, Stdio};

use crate::namespace::Namespace;
use crate::world::World;

/// Where the image has them.
const FOLDER: &str = "/tests";

/// Runs each program of tests that the image brought.
pub(super) fn tests(world: &mut World<'_>) -> anyhow::Result<()> {
    let mut programs: Vec<_> = fs::read_dir(FOLDER).into_iter().flatten().flatten().collect();
    programs.sort_by_key(fs::DirEntry::file_name);
    let added = Command::new("/bin/ip").args(["netns", "add", "live"]).status()?;
    anyhow::ensure!(added.success(), "no namespace for the tests");
    let namespace = Namespace::open("live")?;
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
            .current_dir("/tmp");
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = namespace.spawn(&mut command)?.wait()?;
        let text = fs::read_to_string(&log)?;
        let result =
            text.lines().rfind(|line| line.starts_with("test result:")).unwrap_or("no result").to_owned();
        if !status.success() {
            print!("{text}");
        }
        world.report.row(
            &format!("{name} passes"),
            &result,
            status.success() && !result.contains(" 0 passed"),
        );
    }
    Ok(())
}
