//! What merges (`<<`) bring that a mapping has already.
//!
//! YAML gives a mapping what it has not of its own, and takes keys of two types for two: `8080` and
//! `"8080"`. In a value of any type both become one text, after the reader merged. Which of two was merged
//! it tells nobody; but it gives what is explicit first. So the text is read once more with merges left as
//! they stand: if all of its keys are different then, a second one can only come from a merge.
//!
//! Source: the merge key of YAML 1.1, <https://yaml.org/type/merge.html>.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Options};

use crate::read_with;
use crate::strict::Again;

/// What is to become of a second key, in a text that is to be read with these options.
pub(super) fn again(text: &str, options: &Options) -> Again {
    if !text.contains("<<") {
        return Again::Refused;
    }
    let mut unmerged = options.clone();
    unmerged.merge_keys = MergeKeyPolicy::AsOrdinary;
    // a mapping may have several merges
    unmerged.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    let read = read_with::<Value>(text, unmerged, Again::Refused);
    read.map_or(Again::Refused, |_| Again::LeftOut)
}
