//! The resources of one kind in order of name, and where two such lists differ.
//!
//! The idea: a list is cut into runs, and these into longer ones, always before
//! names whose hash says so. A name is then cut at wherever it stands, so runs
//! of two lists that hold the same are the same runs, and have the same digest.
//! Whoever compares two lists goes only into runs that are not in both: a change
//! costs what changed, not what there is. (A Merkle tree by key, what databases
//! with a history call a prolly tree.) Names that are chosen to be cut nowhere
//! make a comparison as long as the list, no longer.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::Resource;

/// The resources of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resources {
    /// In order of name.
    list: Vec<Resource>,
    /// Runs of one resource each, runs of those, and so on.
    levels: Vec<Vec<Run>>,
    version: String,
}

/// Some that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The place of its first in the list.
    first: usize,
    /// Of all names and versions in it.
    digest: u64,
}

/// One of so many names begins a run of the next level.
const RUN_BITS: u32 = 4;

impl Resources {
    /// Of resources that are in order of name, each once.
    pub(super) fn new(list: Vec<Resource>) -> Self {
        let heights: Vec<u32> = list.iter().map(|one| height(&one.name)).collect();
        let one = |(first, one): (usize, &Resource)| {
            // no version has a line break in it
            let digest = digest([one.version.as_bytes(), b"\n", one.name.as_bytes()]);
            Run { first, digest }
        };
        let mut runs: Vec<Run> = list.iter().enumerate().map(one).collect();
        let mut levels = Vec::new();
        for level in 1.. {
            let is_inside = |_: &Run, next: &Run| heights[next.first] < level;
            let above: Vec<Run> = runs.chunk_by(is_inside).map(Run::of).collect();
            let is_last = 2 * above.len() >= runs.len();
            levels.push(std::mem::replace(&mut runs, above));
            if is_last {
                break;
            }
        }
        let version = levels.last().map(|runs| format!("{:016x}", Run::of(runs).digest));
        Self { list, version: version.unwrap_or_default(), levels }
    }

    /// The version of all of them together.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// In order of name.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Resource> {
        let place = self.list.binary_search_by(|one| one.name.as_str().cmp(name)).ok()?;
        Some(&self.list[place])
    }

    /// The names that are not the same in both: new, gone or another version.
    pub(super) fn changed<'a>(&'a self, before: &'a Self) -> BTreeSet<&'a str> {
        let depth = self.levels.len().min(before.levels.len());
        let all = |of: &Self| {
            let top = depth.checked_sub(1).map_or(of.list.len(), |top| of.levels[top].len());
            (0..top).collect::<Vec<usize>>()
        };
        let (mut new, mut old) = (all(self), all(before));
        for level in (0..depth).rev() {
            self.leave_out_common(&mut new, before, &mut old, level);
            if level > 0 {
                (new, old) = (self.below(&new, level), before.below(&old, level));
            }
        }
        let names =
            |of: &'a Self, places: Vec<usize>| places.into_iter().map(|place| of.list[place].name.as_str());
        names(self, new).chain(names(before, old)).collect()
    }

    /// Takes what is in both out of two choices of runs of a level, by their places and in order.
    fn leave_out_common(&self, own: &mut Vec<usize>, other: &Self, others: &mut Vec<usize>, level: usize) {
        let (runs, other_runs) = (&self.levels[level], &other.levels[level]);
        let mut rest = std::mem::take(others).into_iter().peekable();
        own.retain(|place| {
            let run = &runs[*place];
            let name = &self.list[run.first].name;
            let is_before = |place: &usize| other.list[other_runs[*place].first].name < *name;
            others.extend(std::iter::from_fn(|| rest.next_if(is_before)));
            // equal digests are of equal names
            rest.next_if(|place| other_runs[*place].digest == run.digest).is_none()
        });
        others.extend(rest);
    }

    /// The runs of the level below that these are made of.
    fn below(&self, places: &[usize], level: usize) -> Vec<usize> {
        let (runs, parts) = (&self.levels[level], &self.levels[level - 1]);
        let of = |place: &usize| {
            let place_of = |run: &Run| parts.partition_point(|part| part.first < run.first);
            place_of(&runs[*place])..runs.get(place + 1).map_or(parts.len(), place_of)
        };
        places.iter().flat_map(of).collect()
    }
}

impl Run {
    /// A run of runs.
    fn of(runs: &[Self]) -> Self {
        let digests: Vec<[u8; 8]> = runs.iter().map(|run| run.digest.to_be_bytes()).collect();
        Self { first: runs.first().map_or(0, |run| run.first), digest: digest([digests.as_flattened()]) }
    }
}

/// Up to which level a name begins a run.
fn height(name: &str) -> u32 {
    // FNV-1a, whose low bits mix best
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.trailing_zeros() / RUN_BITS
}

/// 64 bits of SHA-256.
fn digest<const PARTS: usize>(parts: [&[u8]; PARTS]) -> u64 {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    let digest: [u8; 32] = hasher.finalize().into();
    let first = digest.first_chunk::<8>().expect("32 bytes begin with 8");
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests;
