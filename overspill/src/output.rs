//! Where answers go: text for people, or one JSON document.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use files::printable;
use serde::Serialize;

/// The columns of a terminal that everybody has.
pub(crate) const WIDTH: u16 = 80;

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables and lines for people.
    #[default]
    Text,
    /// One JSON document; fractions are 0..1.
    Json,
}

/// Standard output and how to write to it.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    stdout: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Standard output, locked and buffered.
    pub(crate) fn stdout(format: Format) -> Self {
        Self { format, stdout: BufWriter::new(io::stdout().lock()) }
    }

    /// How the answer is to be written.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Writes the answer as JSON and ends the line.
    pub(crate) fn json(&mut self, answer: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.stdout, answer)?;
        self.stdout.write_all(b"\n")
    }

    /// Writes what is said in words, in as many lines of 80 columns as it takes.
    pub(crate) fn told(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(wrapped(text, "").as_bytes())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// A table without lines: columns two spaces apart, numbers to the right.
pub(crate) fn table(header: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(|(name, _)| *name));
    let last = header.len().saturating_sub(1);
    for (position, (column, (_, alignment))) in table.column_iter_mut().zip(header).enumerate() {
        column.set_cell_alignment(*alignment);
        column.set_padding((0, if position == last { 0 } else { 2 }));
    }
    table
}

/// The table's lines without the blanks at their ends.
pub(crate) fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The table's lines, the last column in several where a row would be wider than a terminal.
///
/// What stands in the others is not broken: long names there leave the last one 24 columns, not none.
pub(crate) fn lines_of_80(mut table: Table) -> String {
    const LEAST: u16 = 24;
    let last = table.column_count().saturating_sub(1);
    let mut others = 0;
    for column in table.column_iter_mut().take(last) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    for width in table.column_max_content_widths().into_iter().take(last) {
        others += width + 2;
    }
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH.max(others + LEAST));
    lines(&table)
}

/// Whether to colour what goes there: only on a terminal, and never against `NO_COLOR` (no-color.org).
pub(crate) fn colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !refused && !dumb
}

/// A text in lines that fit a terminal of 80 columns, each after `indent`; a word that is longer stands alone.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    let length = |text: &str| text.chars().count();
    for word in text.split_whitespace().map(printable) {
        if !line.is_empty() && length(indent) + length(&line) + 1 + length(&word) > usize::from(WIDTH) {
            lines += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += &word;
    }
    if line.is_empty() { lines } else { lines + indent + &line + "\n" }
}

/// A text after a title, below it where both do not fit a terminal of 80 columns.
pub(crate) fn titled(title: &str, text: &str) -> String {
    let line = format!("{title}: {text}\n");
    if line.chars().count() <= usize::from(WIDTH) + 1 {
        line
    } else {
        format!("{title}:\n{}", wrapped(text, "  "))
    }
}
