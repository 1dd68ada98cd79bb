//! The agent's file: read, checked, and known by its content.
//!
//! A file is read whole and turned into a [`NodeConfig`] or into a [`Fault`]
//! with line, column and field, as `overspill` shows them. Two files of one
//! content are one configuration, however often they are written.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use files::{Fault, Source};
use lb_core::config::LbFile;
use lb_core::node::NodeConfig;

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What it says, or what is wrong with it.
    pub(crate) config: Result<NodeConfig, Fault>,
    /// Tells one content from another within this process.
    pub(crate) mark: u64,
}

/// Reads a file, or standard input for `-`.
pub(crate) fn load(path: &Path) -> Loaded {
    match Source::read(path) {
        Ok(source) => Loaded { config: parse(&source), mark: mark_of(source.text()) },
        Err(fault) => Loaded { mark: mark_of(&fault.message), config: Err(fault) },
    }
}

/// Reads a text that is in memory already.
pub(crate) fn parse(source: &Source) -> Result<NodeConfig, Fault> {
    let file: LbFile = source.parse()?;
    NodeConfig::try_from(file)
        .map_err(|error| source.fault(&error.path.to_string(), error.problem.to_string()))
}

fn mark_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
