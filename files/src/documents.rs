//! Where the documents of a YAML stream begin and end.
//!
//! YAML lets `---` and `...` stand at the beginning of a line as marks of
//! documents only (YAML 1.2, section 9.1.2: no scalar may have such a line), so
//! lines are enough to divide a text, and a text that is wrong somewhere is
//! divided all the same. What the documents hold is not looked at.

use std::ops::Range;

/// A document's bytes and the number of lines before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) bytes: Range<usize>,
    pub(super) lines_before: u32,
}

/// The documents of a text, in order; those without any content are left out.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let mut found = Vec::new();
    let mut piece = Piece::default();
    let (mut line_start, mut lines_before) = (0, 0_u32);
    for line in text.split_inclusive('\n') {
        if is_mark(line, "---") && (piece.has_content || piece.has_mark) {
            piece = piece.end(line_start, &mut found, lines_before);
        }
        piece.has_mark |= is_mark(line, "---");
        let is_end = is_mark(line, "...");
        piece.has_content |= !is_end && has_content(line);
        line_start += line.len();
        lines_before = lines_before.saturating_add(1);
        if is_end {
            piece = piece.end(line_start, &mut found, lines_before);
        }
    }
    piece.end(text.len(), &mut found, lines_before);
    found
}

/// A document that has begun.
#[derive(Debug, Default)]
struct Piece {
    start: usize,
    lines_before: u32,
    has_mark: bool,
    has_content: bool,
}

impl Piece {
    /// Ends it before the byte at `end`, which the next begins with.
    fn end(self, end: usize, found: &mut Vec<Document>, lines_before: u32) -> Self {
        if self.has_content {
            found.push(Document { bytes: self.start..end, lines_before: self.lines_before });
        }
        Self { start: end, lines_before, ..Self::default() }
    }
}

/// Whether a line is this mark, alone or before something else.
fn is_mark(line: &str, mark: &str) -> bool {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Whether a line holds more than a mark, a comment or a directive.
fn has_content(line: &str) -> bool {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    if line.starts_with('%') {
        return false;
    }
    let rest = if is_mark(line, "---") { &line[3..] } else { line };
    let rest = rest.trim();
    !rest.is_empty() && !rest.starts_with('#')
}
