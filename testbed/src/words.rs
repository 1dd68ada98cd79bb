//! What the host wants, from the kernel's command line.

use crate::node::Kind;

/// The words after `--` on the kernel's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) is_smoke: bool,
    pub(crate) is_figures: bool,
    pub(crate) is_kept: bool,
    pub(crate) is_shell: bool,
    pub(crate) kind: Kind,
    /// Beginnings of scenarios' names.
    pub(crate) only: Vec<String>,
    /// Which share of the scenarios is this guest's: one of how many.
    pub(crate) shard: Option<(usize, usize)>,
}

impl Words {
    /// Reads what is known and leaves the rest: the kernel passes on whatever it does not know.
    pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Self {
        let mut read = Self {
            is_smoke: false,
            is_figures: false,
            is_kept: false,
            is_shell: false,
            kind: Kind::Agent,
            only: Vec::new(),
            shard: None,
        };
        for word in words {
            match word.split_once('=') {
                None if word == "smoke" => read.is_smoke = true,
                None if word == "figures" => read.is_figures = true,
                None if word == "keep" => read.is_kept = true,
                None if word == "shell" => read.is_shell = true,
                None if word == "reference" => read.kind = Kind::Reference,
                Some(("only", name)) => read.only.push(name.replace('_', " ")),
                Some(("shard", share)) => {
                    let parts = share.split_once('/');
                    read.shard =
                        parts.and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
                }
                None | Some(_) => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests;
