//! Lines of words: what both formats are made of.
//!
//! A line ends a statement; words are parted by blanks, a word in quotation
//! marks may hold some. In keepalived's files `!` and `#` begin a comment and
//! braces stand for blocks of lines.

use super::{ImportError, ImportProblem};

/// A line that says something, without its comment and the blanks around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    pub(super) text: &'a str,
}

/// The lines of a text that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let numbered = text.lines().enumerate();
    let lines = numbered.map(|(number, line)| Line { number: number + 1, text: uncommented(line).trim() });
    lines.filter(|line| !line.text.is_empty())
}

/// Without what follows a `#` or `!` that begins a word and stands in no quotes.
fn uncommented(line: &str) -> &str {
    let (mut quoted, mut before) = (false, ' ');
    for (place, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted && before.is_whitespace() => return &line[..place],
            _ => {}
        }
        before = letter;
    }
    line
}

impl<'a> Line<'a> {
    /// The words; braces outside quotes are words by themselves.
    pub(super) fn words(&self) -> Result<Vec<&'a str>, ImportError> {
        let mut words = Vec::new();
        let mut rest = self.text.trim_start();
        while let Some(first) = rest.chars().next() {
            let end = match first {
                '"' => {
                    let inside = &rest[1..];
                    let end = inside.find('"').ok_or_else(|| self.wrong(ImportProblem::Quote))?;
                    words.push(&inside[..end]);
                    rest = inside[end + 1..].trim_start();
                    continue;
                }
                '{' | '}' => 1,
                _ => rest
                    .find(|letter: char| letter.is_whitespace() || "{}\"".contains(letter))
                    .unwrap_or(rest.len()),
            };
            words.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        Ok(words)
    }

    pub(super) const fn wrong(&self, problem: ImportProblem) -> ImportError {
        ImportError { line: self.number, problem }
    }
}

/// A number of a range.
pub(super) fn number(text: &str, min: u32, max: u32) -> Result<u32, ImportProblem> {
    let wrong = || ImportProblem::Number { text: text.to_owned(), min, max };
    text.parse().ok().filter(|number| (min..=max).contains(number)).ok_or_else(wrong)
}

/// A port, 0 standing for "any".
pub(super) fn port(text: &str) -> Result<u16, ImportProblem> {
    number(text, 0, u16::MAX.into()).map(|port| u16::try_from(port).expect("in range"))
}

/// A statement of keepalived's: its words and the block after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) line: Line<'a>,
    pub(super) words: Vec<&'a str>,
    pub(super) block: Vec<Self>,
}

impl<'a> Statement<'a> {
    /// The first word.
    pub(super) fn name(&self) -> &'a str {
        self.words.first().copied().unwrap_or_default()
    }

    /// The word at that place, or what is missing.
    pub(super) fn word(&self, place: usize, what: &'static str) -> Result<&'a str, ImportError> {
        let missing = || ImportProblem::Missing { after: self.words.join(" "), what };
        self.words.get(place).copied().ok_or_else(|| self.line.wrong(missing()))
    }

    /// A number at that place.
    pub(super) fn number(&self, place: usize, min: u32, max: u32) -> Result<u32, ImportError> {
        number(self.word(place, "a number")?, min, max).map_err(|problem| self.line.wrong(problem))
    }
}

/// Statements with their blocks; a brace may stand on its line's end or on a line of its own.
pub(super) fn statements(text: &str) -> Result<Vec<Statement<'_>>, ImportError> {
    let mut open: Vec<Statement<'_>> = Vec::new();
    let mut top = Vec::new();
    for line in lines(text) {
        let mut words = Vec::new();
        for word in line.words()? {
            match word {
                "{" => {
                    let above = open.last_mut().map_or(&mut top, |above| &mut above.block);
                    // on a line of its own it belongs to the statement before
                    let statement = match (words.is_empty(), above.last()) {
                        (true, Some(last)) if last.block.is_empty() => above.pop(),
                        _ => None,
                    };
                    let words = std::mem::take(&mut words);
                    open.push(statement.unwrap_or(Statement { line, words, block: Vec::new() }));
                }
                "}" => {
                    end_statement(line, &mut words, &mut open, &mut top);
                    let statement = open.pop().ok_or_else(|| line.wrong(ImportProblem::Close))?;
                    open.last_mut().map_or(&mut top, |above| &mut above.block).push(statement);
                }
                word => words.push(word),
            }
        }
        end_statement(line, &mut words, &mut open, &mut top);
    }
    match open.first() {
        None => Ok(top),
        Some(statement) => Err(statement.line.wrong(ImportProblem::Open)),
    }
}

fn end_statement<'a>(
    line: Line<'a>,
    words: &mut Vec<&'a str>,
    open: &mut [Statement<'a>],
    top: &mut Vec<Statement<'a>>,
) {
    if !words.is_empty() {
        let statement = Statement { line, words: std::mem::take(words), block: Vec::new() };
        open.last_mut().map_or(top, |above| &mut above.block).push(statement);
    }
}

#[cfg(test)]
mod tests;
