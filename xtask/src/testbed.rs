//! The kernel test-bed: a Debian kernel in QEMU, and in it routers, nodes and backends.
//!
//! The host's side only prepares and judges: it fetches the [`pieces`] from Debian
//! packages, builds our programs statically ([`programs`]), packs both into an
//! [`image`], boots a [`guest`] and reads what happened there ([`protocol`]).
//! What is set up and measured inside is the package `testbed`, the guest's first
//! process. Emulation in software is slow but exact, and needs neither root nor
//! anything of the host's kernel.

mod archive;
#[path = "../../testbed/src/catalogue.rs"]
#[allow(dead_code, reason = "the guest reads the rest of it")]
mod catalogue;
mod guest;
mod image;
mod modules;
mod options;
mod pieces;
mod programs;
mod protocol;
mod recheck;
mod table;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::metadata::Metadata;
use crate::test::tools;
use catalogue::Scenario;
use guest::Guest;
pub(crate) use options::Options;
use pieces::Pieces;
use protocol::Transcript;

/// Figures are of one guest, and nobody waits for them but who wants them.
const FIGURES_LIMIT: Duration = Duration::from_secs(1_800);
/// Before a guest is given up: a boot on a busy machine, and so many times what its scenarios take on
/// a quiet one. Not a bound that anything is measured by; a guest that hangs says nothing, and ends sooner.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
const PATIENCE: u32 = 8;
/// What a guest has; figures are of ten thousand tables of the kernel's at once.
const MEMORY_MB: u32 = 768;

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

/// `cargo xtask testbed`: runs it and prints; `true` if everything held.
pub(crate) fn command(root: &Path, words: &[String]) -> anyhow::Result<bool> {
    if words.iter().any(|word| ["--help", "-h", "help"].contains(&word.as_str())) {
        print!("{}", options::help());
        return Ok(true);
    }
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
    let _alone = alone(&folder)?;
    let pieces = pieces::fetch(&folder.join("cache"))?;
    let programs = programs::build(root, &metadata, &folder, options.has_live_tests())?;
    let image = folder.join("image.cpio");
    image::write(&image, &pieces, &programs)?;
    let prepared = start.elapsed();
    let mut transcript = boot_all(&folder, &pieces, &image, options)?;
    let ran = start.elapsed() - prepared;
    transcript.extend(recheck::rows(root, &folder, &transcript)?);
    print!("{}{}", table::render(&transcript), table::figures(&transcript));
    println!(
        "\n{}; prepared in {:.0} s, ran in {:.0} s; consoles are in {}",
        transcript.summary(),
        prepared.as_secs_f64(),
        ran.as_secs_f64(),
        folder.display()
    );
    transcript.failures().iter().for_each(|failure| println!("FAILED: {failure}"));
    Ok(transcript)
}

/// Waits until no other run uses the folder; ours ends when the file is closed.
fn alone(folder: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("{}", path.display()))?;
    if file.try_lock().is_err() {
        println!("another run of the test-bed uses {}: waiting for its end", folder.display());
        file.lock().with_context(|| format!("{}", path.display()))?;
    }
    Ok(file)
}

/// Boots the guests side by side and waits for all.
fn boot_all(folder: &Path, pieces: &Pieces, image: &Path, options: &Options) -> anyhow::Result<Transcript> {
    let shares = options.shares();
    let are_several = shares.len() > 1;
    let memory_mb = if options.figures { 4 * MEMORY_MB } else { MEMORY_MB };
    let run_one = |(number, share): (usize, &Vec<&Scenario>)| {
        let console = folder.join(format!("console-{number}.log"));
        let words = options.words(share);
        let guest = Guest {
            name: are_several.then_some(number),
            kernel: &pieces.kernel,
            image,
            console: &console,
            words: &words,
            limit: limit(options, share),
            memory_mb,
        };
        let transcript = Transcript::of(share.iter().map(|scenario| scenario.name));
        if options.is_interactive() {
            guest.attend(&folder.join("events.jsonl"), transcript)
        } else {
            guest.run(transcript)
        }
    };
    let transcripts: Vec<anyhow::Result<Transcript>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            shares.iter().enumerate().map(|share| scope.spawn(move || run_one(share))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("does not panic");
        threads.into_iter().map(join).collect()
    });
    let mut whole = Transcript::default();
    for transcript in transcripts {
        whole.append(transcript?);
    }
    Ok(whole)
}

/// When a guest is given up that still talks.
fn limit(options: &Options, share: &[&Scenario]) -> Duration {
    if options.figures {
        return FIGURES_LIMIT;
    }
    let seconds = share.iter().map(|scenario| u32::from(scenario.seconds)).sum::<u32>() * options.repeat;
    BOOT_LIMIT + Duration::from_secs(u64::from(PATIENCE * seconds))
}
