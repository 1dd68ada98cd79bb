//! What a person asks for: parsed against the list of scenarios before anything is built or booted.
//!
//! The scenarios are chosen here, and shared out among guests; a guest is told names and runs them.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};

use super::catalogue::{Id, SCENARIOS, Scenario, Set};

/// One guest takes this much; more is for two, side by side.
const ONE_GUEST_SECONDS: u32 = 60;

/// What to do in guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// What runs, in the order of the list.
    pub(super) scenarios: Vec<&'static Scenario>,
    /// How many times.
    pub(super) repeat: u32,
    /// A shell in the guest when the scenarios are through.
    pub(super) keep: bool,
    /// A shell in the guest with everything set up, and no scenario.
    pub(super) shell: bool,
    /// Figures instead of scenarios.
    pub(super) figures: bool,
}

impl Options {
    /// The small set, part of every test run.
    pub(crate) fn smoke() -> Self {
        Self::of(SCENARIOS.iter().filter(|scenario| scenario.set == Set::Smoke).collect())
    }

    /// Everything.
    pub(crate) fn whole() -> Self {
        Self::of(SCENARIOS.iter().collect())
    }

    const fn of(scenarios: Vec<&'static Scenario>) -> Self {
        Self { scenarios, repeat: 1, keep: false, shell: false, figures: false }
    }

    /// Reads the words after `cargo xtask testbed`.
    ///
    /// # Errors
    /// If a word or a scenario is not known, or two words contradict each other; with what there is.
    pub(crate) fn parse(words: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::whole();
        let (mut is_smoke, mut only) = (false, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smoke" => is_smoke = true,
                "--keep" => options.keep = true,
                "--shell" => options.shell = true,
                "--figures" => options.figures = true,
                "--only" => {
                    let name = words.next().context("--only needs the name of a scenario")?;
                    only.extend(named(name)?);
                }
                "--repeat" => {
                    let count = words.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                    options.repeat = count.context("--repeat needs a number from 1")?;
                }
                unknown => bail!(
                    "no option `{unknown}`; there are --smoke, --only NAME, --repeat N, --keep, \
                     --shell, --figures, --help"
                ),
            }
        }
        options.check_sense(is_smoke, !only.is_empty())?;
        if is_smoke {
            options.scenarios = Self::smoke().scenarios;
        } else if !only.is_empty() {
            options.scenarios.retain(|scenario| only.contains(&scenario.id));
        }
        if options.shell || options.figures {
            options.scenarios.clear();
        }
        Ok(options)
    }

    /// Words that cannot all be meant.
    fn check_sense(&self, is_smoke: bool, is_named: bool) -> anyhow::Result<()> {
        let chosen = [
            (is_smoke, "--smoke"),
            (is_named, "--only"),
            (self.shell, "--shell"),
            (self.figures, "--figures"),
        ];
        let chosen: Vec<&str> =
            chosen.iter().filter(|(is_there, _)| *is_there).map(|(_, word)| *word).collect();
        ensure!(chosen.len() < 2, "{} exclude each other; write one of them", chosen.join(" and "));
        let runs_none = self.shell || self.figures;
        let has_more = self.keep || self.repeat > 1;
        ensure!(!(runs_none && has_more), "{} runs no scenario; leave out --keep and --repeat", chosen[0]);
        Ok(())
    }

    /// Whether the packages' live tests are wanted, which take long to build.
    pub(super) fn has_live_tests(&self) -> bool {
        self.scenarios.iter().any(|scenario| matches!(scenario.id, Id::LiveTests | Id::DsrTests))
    }

    /// Whether a person sits at the guest's console.
    pub(super) const fn is_interactive(&self) -> bool {
        self.keep || self.shell
    }

    /// How long the scenarios take by the list, on a quiet machine.
    pub(super) fn seconds(&self) -> u32 {
        self.scenarios.iter().map(|scenario| u32::from(scenario.seconds)).sum::<u32>() * self.repeat
    }

    /// The scenarios of each guest: of one, or of two that take equally long.
    pub(super) fn shares(&self) -> Vec<Vec<&'static Scenario>> {
        if self.is_interactive() || self.seconds() <= ONE_GUEST_SECONDS {
            return vec![self.scenarios.clone()];
        }
        // the longest first, each to whoever has less to do
        let mut longest_first = self.scenarios.clone();
        longest_first.sort_by_key(|scenario| std::cmp::Reverse(scenario.seconds));
        let mut shares = [(0, Vec::new()), (0, Vec::new())];
        for scenario in longest_first {
            let (seconds, share) =
                shares.iter_mut().min_by_key(|(seconds, _)| *seconds).expect("two of them");
            *seconds += scenario.seconds;
            share.push(scenario.id);
        }
        let in_order = |ids: Vec<Id>| {
            self.scenarios.iter().copied().filter(|scenario| ids.contains(&scenario.id)).collect()
        };
        shares.into_iter().map(|(_, ids)| in_order(ids)).filter(|share: &Vec<_>| !share.is_empty()).collect()
    }

    /// What a guest's first process is told; `testbed/src/words.rs` reads it.
    pub(super) fn words(&self, share: &[&Scenario]) -> Vec<String> {
        let flags = [(self.keep, "keep"), (self.shell, "shell"), (self.figures, "figures")];
        let mut words: Vec<String> =
            flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| (*word).to_owned()).collect();
        if !share.is_empty() {
            // one word for all: a kernel passes on no more than 32
            let names: Vec<String> = share.iter().map(|scenario| scenario.name.replace(' ', "_")).collect();
            words.push(format!("run={}", names.join(",")));
        }
        if self.repeat > 1 {
            words.push(format!("repeat={}", self.repeat));
        }
        words
    }
}

/// The scenario of that name, else all whose names start so.
fn named(name: &str) -> anyhow::Result<Vec<Id>> {
    let lower = name.to_lowercase();
    if let Some(exact) = SCENARIOS.iter().find(|scenario| scenario.name.to_lowercase() == lower) {
        return Ok(vec![exact.id]);
    }
    let beginnings = SCENARIOS.iter().filter(|scenario| scenario.name.to_lowercase().starts_with(&lower));
    let found: Vec<Id> = beginnings.map(|scenario| scenario.id).collect();
    if found.is_empty() || name.is_empty() {
        let nearest = SCENARIOS.iter().min_by_key(|scenario| strsim::osa_distance(&lower, scenario.name));
        let nearest = nearest.expect("there are scenarios").name;
        bail!("no scenario `{name}`; did you mean `{nearest}`? There are:\n{}", list());
    }
    Ok(found)
}

/// All scenarios, a line each; those of the small set are marked.
fn list() -> String {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Scenario { name, proves, set, seconds, .. } in &SCENARIOS {
        let mark = if *set == Set::Smoke { '*' } else { ' ' };
        writeln!(text, "{mark} {name:width$}  {seconds:>3} s  {proves}").expect("a string takes all");
    }
    text
}

/// What `--help` prints.
pub(super) fn help() -> String {
    let (smoke, whole) = (Options::smoke().seconds(), Options::whole().seconds());
    format!(
        "\
Boots Debian's kernel in QEMU (emulated: neither root nor /dev/kvm is needed), in it a client, a BIRD
router with ECMP, three nodes that each run lb-agent, and three backends that answer directly; runs
scenarios there, and prints what each expected and what it got. A difference fails.

cargo xtask testbed               the whole set, in two guests side by side: {whole} s of scenarios in half the time
cargo xtask testbed --smoke       the small set, marked * below: {smoke} s
cargo xtask testbed --only NAME   one scenario, or all whose names start so; may be repeated

--repeat N     N times, to look for what fails now and then
--keep         a shell in the guest when its scenarios are through
--shell        a shell in the guest at once, and no scenario (leave it with Ctrl-d, or Ctrl-a x)
--figures      instead of scenarios the figures for the README; 6 minutes

Kernel, router and tools are Debian packages, downloaded once into target/testbed/cache (remove it for
newer ones); our programs are built into target/testbed, which takes minutes at first. Each guest's
console is target/testbed/console-N.log. Exit status: 0 if all held, else 1.

The scenarios, with their time on a quiet machine:

{}",
        list()
    )
}

#[cfg(test)]
mod tests;
