//! Network namespaces: the machines of the test-bed.
//!
//! A thread enters one and stays there until it ends, which is soon; sockets
//! made and programs started meanwhile belong to that namespace for good.
//! No program like `ip netns exec` is started for it: that costs a tenth of a
//! second under emulation.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A namespace by name, open.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: &'static str,
    file: File,
}

impl Namespace {
    /// Opens a namespace that `ip netns add` made.
    pub(crate) fn open(name: &'static str) -> anyhow::Result<Self> {
        let path = format!("/run/netns/{name}");
        Ok(Self { name, file: File::open(&path).context(path)? })
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Does something inside, in a thread of its own.
    pub(crate) fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the first process may enter its own namespaces");
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| {
            std::panic::resume_unwind(panic);
        })
    }

    /// Starts a program inside.
    pub(crate) fn spawn(&self, command: &mut Command) -> anyhow::Result<Child> {
        let name = command.get_program().to_string_lossy().into_owned();
        self.run(|| command.spawn()).with_context(|| format!("starting {name} in {}", self.name))
    }

    /// Runs a program inside, with words on its standard input; what it printed.
    pub(crate) fn output(&self, program: &str, words: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(&mut command)?;
        child.stdin.take().expect("is piped").write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        let faults = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} in {}: {faults}", words_of(program, words), self.name);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a program inside that answers by its exit status too; what it printed, whatever that was.
    pub(crate) fn answer(&self, program: &str, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let output = self.spawn(&mut command)?.wait_with_output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs lines of `ip` inside, all by one process.
    pub(crate) fn ip(&self, lines: &str) -> anyhow::Result<()> {
        self.output("/bin/ip", &["-batch", "-"], lines).map(drop)
    }

    /// Sets kernel parameters, named with dots; a `*` stands for all interfaces.
    pub(crate) fn sysctl(&self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        self.run(|| settings.iter().try_for_each(|(key, value)| set(key, value)))
            .with_context(|| format!("in {}", self.name))
    }
}

fn words_of(program: &str, words: &[&str]) -> String {
    format!("{program} {}", words.join(" "))
}

fn set(key: &str, value: &str) -> anyhow::Result<()> {
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    let Some((above, below)) = path.split_once("/*/") else {
        return fs::write(&path, value).context(path);
    };
    for entry in fs::read_dir(above).with_context(|| above.to_owned())? {
        let path = entry?.path().join(below);
        fs::write(&path, value).with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
}
