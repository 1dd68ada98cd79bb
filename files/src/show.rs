//! Faults as a person reads them: one line that an editor can jump to, and
//! the line of the file with a mark below the place.

use std::io::{self, Write};

use super::Fault;

/// How much of a line is shown; the mark then stays on an 80-column terminal.
const WIDTH: usize = 68;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but hardly as it is meant.
    Warning,
}

impl Severity {
    /// The word, and its colour on a terminal.
    const fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Error => ("error", "\x1b[1;31m"),
            Self::Warning => ("warning", "\x1b[1;33m"),
        }
    }
}

impl Fault {
    /// Prints `FILE:LINE:COLUMN: error: FIELD: MESSAGE` and the line.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn show(&self, out: &mut impl Write, severity: Severity, colour: bool) -> io::Result<()> {
        let (word, mark) = severity.word();
        let (bold, mark, end) = if colour { ("\x1b[1m", mark, "\x1b[0m") } else { ("", "", "") };
        write!(out, "{bold}{}", printable(&self.file))?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(out, ":{number}")?;
        }
        write!(out, ":{end} {mark}{word}:{end} ")?;
        if let Some(field) = &self.field {
            write!(out, "{bold}{}{end}: ", printable(field))?;
        }
        writeln!(out, "{}", printable(&self.message))?;
        match (self.line, self.column, &self.excerpt) {
            (Some(line), Some(column), Some(text)) => excerpt(out, line, column, text, (mark, end)),
            _ => Ok(()),
        }
    }
}

fn excerpt(
    out: &mut impl Write,
    line: u32,
    column: u32,
    text: &str,
    (mark, end): (&str, &str),
) -> io::Result<()> {
    let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let skipped = column.saturating_sub(WIDTH - 8);
    // a terminal must not obey what a file says, and the mark stands below the column
    let visible = |character: char| if is_hidden(character) { ' ' } else { character };
    let shown: String = masked(text).chars().skip(skipped).take(WIDTH).map(visible).collect();
    let before = if skipped > 0 { "..." } else { "" };
    writeln!(out, "{line:5} | {before}{}", shown.trim_end())?;
    writeln!(out, "      | {:1$}{mark}^{end}", "", before.len() + column - skipped)
}

/// The text with what is not seen written out: a terminal must not obey a file, nor show it in another order.
///
/// ```
/// assert_eq!(files::printable("pay\u{202e}moc"), "pay\\u{202e}moc");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What is no sign but changes how others are shown: Unicode's format characters (Cf), which turn a line's
/// direction or take no room, and its separators of lines and paragraphs (Zl, Zp). In Unicode 17.
const FORMATS: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e007f}'),
];

/// Whether a character is seen by its effects alone: control and format characters.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    // below the first of the table there is nothing but texts of almost everybody
    character.is_control()
        || (character >= FORMATS[0].0
            && FORMATS.iter().any(|(first, last)| (*first..=*last).contains(&character)))
}

/// Whether a field's path or a line speaks of a key or password, however it is spelt.
pub(super) fn names_a_secret(text: &str) -> bool {
    let plain = text.to_lowercase().replace(['-', '_'], "");
    ["hashkey", "password", "secret"].iter().any(|name| plain.contains(name))
}

/// The text with long runs of hexadecimal digits blotted out: a misplaced key is no less secret.
fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_hexdigit() {
            run.push(character);
            continue;
        }
        if run.len() >= 24 {
            shown.extend(run.chars().map(|_| '*'));
        } else {
            shown.push_str(&run);
        }
        run.clear();
        shown.push(character);
    }
    shown.truncate(shown.len() - 1);
    shown
}
