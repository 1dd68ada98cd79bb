//! The known name that a misspelt one most likely meant.
//!
//! Every message about an unknown name ends with it, so that a typing error is
//! mended where it was made. No name is proposed that is not near.

/// The candidate nearest to a misspelt name; `None` if none is near.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // a name from outside may be of any length; no known one is longer than this
    let name: String = name.chars().take(64).collect();
    let limit = name.chars().count().div_ceil(2).max(2);
    candidates
        .map(|candidate| (distance(&name, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean ...?` after a message, or nothing.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// A text from outside, quoted for a message and cut to 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Levenshtein's distance, case ignored: insertions, deletions and changes of a character.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (done, one) in left.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = done + 1;
        for (column, other) in right.iter().enumerate() {
            let change = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(row[column + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_proposed() {
        let known = ["slc-a", "slc-b", "lvs-a"];
        for (name, expected) in
            [("slc-aa", Some("slc-a")), ("SLC-B", Some("slc-b")), ("quite-elsewhere", None), ("", None)]
        {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(quoted("short"), "`short`");
        assert_eq!(quoted(&"é".repeat(50)), format!("`{}...`", "é".repeat(40)));
    }
}
