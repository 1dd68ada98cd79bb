//! The kernel test-bed: a Debian kernel in QEMU, and in it routers, nodes and backends.
//!
//! The host's side only prepares and judges: it fetches the [`pieces`] from Debian
//! packages, builds our programs statically ([`programs`]), packs both into an
//! [`image`], boots a [`guest`] and reads what happened there ([`protocol`]).
//! What is set up and measured inside is the package `testbed`, the guest's first
//! process. Emulation in software is slow but exact, and needs neither root nor
//! anything of the host's kernel.

mod archive;
mod guest;
mod image;
mod modules;
mod pieces;
mod programs;
mod protocol;
mod recheck;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::metadata::Metadata;
use crate::test::tools;
use guest::Guest;
use protocol::Transcript;

/// The whole set has this long, in all of its guests together.
const LIMIT: Duration = Duration::from_secs(360);
/// The smoke set's guest has this long; on a quiet machine it takes half a minute.
const SMOKE_LIMIT: Duration = Duration::from_secs(180);
/// Figures are of one guest, and nobody waits for them but who wants them.
const FIGURES_LIMIT: Duration = Duration::from_secs(1_800);
/// What a guest has; figures are of several large tables at once.
const MEMORY_MB: u32 = 768;

/// The scenario that runs the packages' own live tests.
const LIVE_TESTS: &str = "live tests";

/// What to run, as the command line says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The small set that is part of every test run.
    pub(crate) smoke: bool,
    /// Scenarios by the beginning of their names; all if empty.
    pub(crate) only: Vec<String>,
    /// A shell in the guest when the scenarios are through.
    pub(crate) keep: bool,
    /// A shell in the guest with everything set up, and no scenario.
    pub(crate) shell: bool,
    /// Figures instead of scenarios.
    pub(crate) figures: bool,
    /// Nodes made of `ipvsadm` and BIRD instead of our agent, to compare with.
    pub(crate) reference: bool,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Something that this needs is not here, and how to get it.
    Missing(String),
    /// It went wrong.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl Options {
    /// Reads the words after `cargo xtask testbed`.
    ///
    /// # Errors
    /// If a word is not known.
    pub(crate) fn parse(words: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smoke" => options.smoke = true,
                "--keep" => options.keep = true,
                "--shell" => options.shell = true,
                "--reference" => options.reference = true,
                "--figures" => options.figures = true,
                "--only" => {
                    options.only.push(words.next().context("--only needs a scenario's name")?.clone());
                }
                unknown => {
                    bail!(
                        "no option `{unknown}`; there are --smoke, --only NAME, --keep, --shell, --reference, --figures"
                    )
                }
            }
        }
        Ok(options)
    }

    /// What the guest's first process is told.
    fn words(&self, shard: Option<(usize, usize)>) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.smoke.then(|| "smoke".to_owned()));
        words.extend(self.keep.then(|| "keep".to_owned()));
        words.extend(self.shell.then(|| "shell".to_owned()));
        words.extend(self.reference.then(|| "reference".to_owned()));
        words.extend(self.figures.then(|| "figures".to_owned()));
        words.extend(self.only.iter().map(|name| format!("only={}", name.replace(' ', "_"))));
        words.extend(shard.map(|(index, count)| format!("shard={index}/{count}")));
        words
    }

    /// Whether a scenario is among those that are wanted.
    fn wants(&self, scenario: &str) -> bool {
        // `--only "live tests of dsr"` wants what `live tests` does, too
        let is_named = |name: &String| scenario.starts_with(name.as_str()) || name.starts_with(scenario);
        !self.shell && !self.figures && (self.only.is_empty() || self.only.iter().any(is_named))
    }

    /// Whether a person sits at the guest's console.
    fn is_interactive(&self) -> bool {
        self.keep || self.shell
    }

    /// Two guests share the whole set, one for each core; what is small or looked at stays in one.
    fn shards(&self) -> Vec<Option<(usize, usize)>> {
        if self.smoke || self.figures || self.is_interactive() || !self.only.is_empty() {
            vec![None]
        } else {
            vec![Some((0, 2)), Some((1, 2))]
        }
    }
}

/// `cargo xtask testbed`: runs it and prints; `true` if everything held.
pub(crate) fn command(root: &Path, words: &[String]) -> anyhow::Result<bool> {
    match run(root, &Options::parse(words)?) {
        Ok(transcript) => Ok(transcript.failures().is_empty()),
        Err(Trouble::Missing(what)) => bail!("{what}"),
        Err(Trouble::Failed(error)) => Err(error),
    }
}

/// Prepares, boots, waits and prints the table.
pub(crate) fn run(root: &Path, options: &Options) -> Result<Transcript, Trouble> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Trouble::Missing("the test-bed emulates x86-64 from x86-64 Linux only".to_owned()));
    }
    let start = Instant::now();
    tools::program("qemu-system-x86_64", "qemu-system-x86").map_err(Trouble::Missing)?;
    let metadata = Metadata::read(root)?;
    let folder = metadata.target_directory.join("testbed");
    let pieces = pieces::fetch(&folder.join("cache"))?;
    let programs = programs::build(root, &metadata, &folder, options.wants(LIVE_TESTS))?;
    let image = folder.join("image.cpio");
    image::write(&image, &pieces, &programs)?;
    println!("prepared in {:.1} s", start.elapsed().as_secs_f64());
    let mut transcript = boot_all(&folder, &pieces.kernel, &image, options)?;
    transcript.extend(recheck::rows(root, &folder, &transcript)?);
    print!("{}{}", table::render(&transcript), table::figures(&transcript));
    println!("\n{} in {:.0} s; consoles are in {}", transcript.summary(), start.elapsed().as_secs_f64(), {
        folder.display()
    });
    Ok(transcript)
}

/// Boots the guests side by side and waits for all.
fn boot_all(folder: &Path, kernel: &Path, image: &Path, options: &Options) -> anyhow::Result<Transcript> {
    let (limit, memory_mb) = match options {
        Options { smoke: true, .. } => (SMOKE_LIMIT, MEMORY_MB),
        Options { figures: true, .. } => (FIGURES_LIMIT, 2 * MEMORY_MB),
        _ => (LIMIT, MEMORY_MB),
    };
    let run_one = |(index, shard): (usize, Option<(usize, usize)>)| {
        let console: PathBuf = folder.join(format!("console-{index}.log"));
        let guest =
            Guest { kernel, image, console: &console, words: &options.words(shard), limit, memory_mb };
        if options.is_interactive() { guest.attend(&folder.join("events.jsonl")) } else { guest.run() }
    };
    let shards: Vec<_> = options.shards().into_iter().enumerate().collect();
    let transcripts: Vec<anyhow::Result<Transcript>> = std::thread::scope(|scope| {
        let threads: Vec<_> = shards.into_iter().map(|shard| scope.spawn(move || run_one(shard))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("does not panic");
        threads.into_iter().map(join).collect()
    });
    let mut whole = Transcript::default();
    for transcript in transcripts {
        whole.append(transcript?);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;
