//! One guest: QEMU, its consoles, and a watchdog.
//!
//! Emulation only (`tcg`): a `/dev/kvm` that is there may not work. Options are
//! those that boot every time on a loaded machine; without `no_timer_check` one
//! boot in some forty ends in a panic.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::protocol::{Event, Row, Transcript};

/// The clock is the emulated power management timer: the time stamp counter is the host's, and a
/// guest that measures its pace on a busy host lives several times too fast for ever.
const KERNEL_WORDS: &str = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr notsc \
    clocksource=acpi_pm no_timer_check random.trust_cpu=on";
/// A guest that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(90);

/// What to boot, and for how long at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guest<'a> {
    /// By which lines of several guests are told apart.
    pub(super) name: Option<usize>,
    pub(super) kernel: &'a Path,
    pub(super) image: &'a Path,
    /// Where the kernel's words go.
    pub(super) console: &'a Path,
    /// The arguments of the first process.
    pub(super) words: &'a [String],
    pub(super) limit: Duration,
    pub(super) memory_mb: u32,
}

/// A child that does not outlive us.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // it has ended already, or is ended now; there is no third case to report
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Guest<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        let words = format!("{KERNEL_WORDS} -- {}", self.words.join(" "));
        command
            .args([
                "-accel",
                "tcg",
                "-M",
                "pc",
                "-cpu",
                "qemu64",
                "-smp",
                "1",
                "-m",
                &self.memory_mb.to_string(),
            ])
            .args(["-display", "none", "-monitor", "none", "-nodefaults", "-no-reboot"])
            .arg("-kernel")
            .arg(self.kernel)
            .arg("-initrd")
            .arg(self.image)
            .args(["-append", &words]);
        command
    }

    /// Boots it and adds its events until it is through; that it hangs or dies is a row that failed.
    ///
    /// # Errors
    /// If it could not be started.
    pub(super) fn run(&self, mut transcript: Transcript) -> anyhow::Result<Transcript> {
        let mut command = self.command();
        command.arg("-serial").arg(format!("file:{}", self.console.display())).args(["-serial", "stdio"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = Running(command.spawn().context("could not start qemu-system-x86_64")?);
        let stdout = running.0.stdout.take().expect("is piped");
        let (lines, said) = mpsc::channel();
        std::thread::spawn(move || {
            let read = BufReader::new(stdout).lines().map_while(Result::ok);
            // the listener may have given up
            let _ = read.map(|line| lines.send(line)).find(Result::is_err);
        });
        let start = Instant::now();
        let why = loop {
            let left = self.limit.saturating_sub(start.elapsed());
            match said.recv_timeout(left.min(SILENCE)) {
                Ok(line) => {
                    let event = Event::read(&line);
                    event.progress().into_iter().for_each(|line| self.say(&line));
                    transcript.push(event);
                }
                Err(RecvTimeoutError::Disconnected) if transcript.has_ended() => {
                    self.say(&format!("through after {:.0} s", start.elapsed().as_secs_f64()));
                    return Ok(transcript);
                }
                Err(RecvTimeoutError::Disconnected) => break "it died".to_owned(),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    break format!("not through after {} s", self.limit.as_secs());
                }
                Err(RecvTimeoutError::Timeout) => break format!("said nothing for {} s", SILENCE.as_secs()),
            }
        };
        println!("the end of {}:\n{}", self.console.display(), tail(self.console));
        let scenario = transcript.current().unwrap_or("boot").to_owned();
        let expected = "the guest comes to its end".to_owned();
        let seconds = start.elapsed().as_secs_f64();
        transcript.push(Event::Row(Row { scenario, expected, got: why, pass: false, seconds }));
        Ok(transcript)
    }

    /// A line for the person who waits.
    fn say(&self, line: &str) {
        match self.name {
            Some(name) => println!("{name}| {line}"),
            None => println!("{line}"),
        }
    }

    /// Boots it with its console on ours; what happened is read from a file afterwards.
    pub(super) fn attend(&self, events: &Path, mut transcript: Transcript) -> anyhow::Result<Transcript> {
        let mut command = self.command();
        command.args(["-serial", "mon:stdio"]).arg("-serial").arg(format!("file:{}", events.display()));
        // a second monitor for the key that ends the guest (Ctrl-a x)
        let mut running = Running(command.spawn().context("could not start qemu-system-x86_64")?);
        running.0.wait().context("could not wait for qemu-system-x86_64")?;
        let said = fs::read_to_string(events).with_context(|| format!("{}", events.display()))?;
        said.lines().for_each(|line| transcript.push(Event::read(line)));
        Ok(transcript)
    }
}

/// The last lines of a console.
fn tail(console: &Path) -> String {
    let text = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
