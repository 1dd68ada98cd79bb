//! Patterns: what RE2 takes, as Envoy uses it, and how large a program it makes of it.
//!
//! One pattern that RE2 refuses, or of which it makes more than it was told to, and Envoy refuses everything
//! that it was sent with it. So the syntax is checked here, and strictly: what is taken is in both languages,
//! RE2's and that of `regex-syntax`, which parses it; what is only in RE2's (`\Q..\E`, octal numbers, a `{`
//! that counts nothing) is refused with words. Envoy's RE2 reads bytes, so that there are no characters over
//! 255 and a letter with an accent is two. Its bound on programs is a runtime key of the proxy, 100 by itself,
//! which many honest patterns exceed: these say with the pattern how large theirs may be.
//!
//! Source: google/re2 `doc/syntax.txt`, `re2/parse.cc`; envoy `source/common/common/regex.cc`. Each rule was
//! tried in Envoy 1.40; `overspill/tests/envoy/accepts.rs` tries them again.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassSet, ClassSetItem, ClassUnicode, ClassUnicodeKind, Flag, Flags, FlagsItemKind,
    GroupKind, HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind, RepetitionRange,
};
use serde_json::{Value, json};

/// The largest program that Envoy takes by itself.
const BY_ITSELF: u64 = 100;
/// The largest that is asked of it, which is Istio's bound too.
const MOST: u64 = 32_768;
/// How often a pattern repeats at most, also within repetitions: RE2's own.
const MOST_TIMES: u64 = 1_000;

/// What Envoy matches by a pattern.
pub(super) fn matcher(pattern: &str) -> Value {
    match check(pattern) {
        Ok(size) if size > BY_ITSELF => {
            json!({ "google_re2": { "max_program_size": MOST }, "regex": pattern })
        }
        // one that is at fault is told where the objects' texts are looked at
        Ok(_) | Err(_) => json!({ "regex": pattern }),
    }
}

/// A bound on the instructions of RE2's program for a pattern, or what would be right.
pub(super) fn check(pattern: &str) -> Result<u64, &'static str> {
    if pattern.is_empty() {
        return Err("write a pattern, or leave it out for anything");
    }
    if !pattern.is_ascii() {
        return Err("Envoy reads bytes; write a character over 127 as its bytes, such as \\xC3\\xA9");
    }
    let ast = Parser::new().parse(pattern).map_err(|_| {
        "it is no pattern of RE2; write one without look-around and back-references, `\\` before a `{` \
         that counts nothing, and no \\Q, \\C or octal number"
    })?;
    // what leads to the pattern, what ends it
    let size = size(&ast, 1)?.saturating_add(10);
    if size > MOST {
        return Err("RE2 makes too much of it; repeat less, or match a prefix");
    }
    Ok(size)
}

/// How many groups a pattern has, which a rewrite may name.
pub(super) fn groups(pattern: &str) -> usize {
    fn of(ast: &Ast) -> usize {
        match ast {
            Ast::Group(group) => {
                usize::from(!matches!(group.kind, GroupKind::NonCapturing(_))) + of(&group.ast)
            }
            Ast::Repetition(one) => of(&one.ast),
            Ast::Alternation(one) => one.asts.iter().map(of).sum(),
            Ast::Concat(one) => one.asts.iter().map(of).sum(),
            Ast::Assertion(_)
            | Ast::ClassBracketed(_)
            | Ast::ClassPerl(_)
            | Ast::ClassUnicode(_)
            | Ast::Dot(_)
            | Ast::Empty(_)
            | Ast::Flags(_)
            | Ast::Literal(_) => 0,
        }
    }
    Parser::new().parse(pattern).map_or(0, |ast| of(&ast))
}

/// A bound on the instructions of a part that is within so many repetitions.
fn size(ast: &Ast, times: u64) -> Result<u64, &'static str> {
    let all = |parts: &[Ast], each: u64| {
        let mut sum = 1_u64;
        for part in parts {
            sum = sum.saturating_add(size(part, times)?.saturating_add(each));
        }
        Ok::<u64, &'static str>(sum)
    };
    Ok(match ast {
        Ast::Empty(_) => 1,
        Ast::Flags(one) => flags(&one.flags).map(|()| 1)?,
        Ast::Literal(one) => literal(one).map(|()| 2)?,
        // all but one byte
        Ast::Dot(_) => 4,
        Ast::Assertion(one) => assertion(&one.kind).map(|()| 2)?,
        Ast::ClassUnicode(one) => unicode(one)?,
        Ast::ClassPerl(_) => CLASS,
        Ast::ClassBracketed(one) => match &one.kind {
            ClassSet::Item(item) => class(item)?.saturating_add(2),
            ClassSet::BinaryOp(_) => {
                return Err("RE2 has no &&, -- and ~~ in [..]; write `\\` before the second");
            }
        },
        Ast::Repetition(one) => repetition(one, times)?,
        Ast::Group(one) => {
            match &one.kind {
                GroupKind::CaptureIndex(_) => {}
                GroupKind::CaptureName { name, .. } => {
                    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                    if !name.name.chars().all(is_word) {
                        return Err("a group's name is of letters, digits and `_`");
                    }
                }
                GroupKind::NonCapturing(of) => flags(of)?,
            }
            size(&one.ast, times)?.saturating_add(2)
        }
        Ast::Alternation(one) => all(&one.asts, 2)?,
        Ast::Concat(one) => all(&one.asts, 0)?,
    })
}

/// A bound for a class of any bytes that has a name: a range or two for each of its parts.
const CLASS: u64 = 32;

fn repetition(one: &Repetition, times: u64) -> Result<u64, &'static str> {
    if matches!(*one.ast, Ast::Repetition(_)) {
        return Err("RE2 repeats no repetition; put the inner one into (?:..)");
    }
    let (least, most) = match &one.op.kind {
        RepetitionKind::ZeroOrOne => (0, Some(1)),
        RepetitionKind::ZeroOrMore => (0, None),
        RepetitionKind::OneOrMore => (1, None),
        RepetitionKind::Range(RepetitionRange::Exactly(count)) => (*count, Some(*count)),
        RepetitionKind::Range(RepetitionRange::AtLeast(least)) => (*least, None),
        RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => (*least, Some(*most)),
    };
    let copies = u64::from(most.unwrap_or(least).max(least)).max(1);
    let times = times.saturating_mul(copies);
    if times > MOST_TIMES {
        return Err("RE2 repeats a thousand times at most, all repetitions around it together");
    }
    // each copy may be left out, and the last may come again
    Ok((size(&one.ast, times)?.saturating_add(3)).saturating_mul(copies + u64::from(most.is_none())))
}

fn flags(flags: &Flags) -> Result<(), &'static str> {
    let is_re2s = |kind: &FlagsItemKind| match kind {
        FlagsItemKind::Negation
        | FlagsItemKind::Flag(
            Flag::CaseInsensitive | Flag::DotMatchesNewLine | Flag::MultiLine | Flag::SwapGreed,
        ) => true,
        FlagsItemKind::Flag(Flag::CRLF | Flag::IgnoreWhitespace | Flag::Unicode) => false,
    };
    if flags.items.iter().all(|item| is_re2s(&item.kind)) {
        return Ok(());
    }
    Err("RE2 has the flags i, m, s and U only")
}

fn literal(literal: &Literal) -> Result<(), &'static str> {
    match &literal.kind {
        LiteralKind::Meta | LiteralKind::Special(_) | LiteralKind::Superfluous | LiteralKind::Verbatim => {
            Ok(())
        }
        LiteralKind::HexBrace(HexLiteralKind::X) | LiteralKind::HexFixed(HexLiteralKind::X)
            if u32::from(literal.c) < 256 =>
        {
            Ok(())
        }
        LiteralKind::HexBrace(_) | LiteralKind::HexFixed(_) | LiteralKind::Octal => {
            Err("RE2 reads bytes here; write each as \\x and two digits")
        }
    }
}

fn assertion(kind: &AssertionKind) -> Result<(), &'static str> {
    match kind {
        AssertionKind::EndLine
        | AssertionKind::EndText
        | AssertionKind::NotWordBoundary
        | AssertionKind::StartLine
        | AssertionKind::StartText
        | AssertionKind::WordBoundary => Ok(()),
        AssertionKind::WordBoundaryEnd
        | AssertionKind::WordBoundaryEndAngle
        | AssertionKind::WordBoundaryEndHalf
        | AssertionKind::WordBoundaryStart
        | AssertionKind::WordBoundaryStartAngle
        | AssertionKind::WordBoundaryStartHalf => Err("RE2 has \\b and \\B only; write < and > without `\\`"),
    }
}

fn class(item: &ClassSetItem) -> Result<u64, &'static str> {
    Ok(match item {
        ClassSetItem::Empty(_) => 1,
        ClassSetItem::Literal(one) => literal(one).map(|()| 4)?,
        ClassSetItem::Range(range) => literal(&range.start).and_then(|()| literal(&range.end)).map(|()| 8)?,
        ClassSetItem::Unicode(one) => unicode(one)?,
        ClassSetItem::Ascii(_) | ClassSetItem::Perl(_) => CLASS,
        ClassSetItem::Bracketed(_) => return Err("RE2 has no [..] in [..]; write `\\[`"),
        ClassSetItem::Union(union) => union
            .items
            .iter()
            .try_fold(0_u64, |sum, item| Ok::<_, &'static str>(sum.saturating_add(class(item)?)))?,
    })
}

/// The general categories, of which RE2 has all by their short names.
const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
    "Any",
];

fn unicode(class: &ClassUnicode) -> Result<u64, &'static str> {
    let is_known = match &class.kind {
        ClassUnicodeKind::Named(name) => CATEGORIES.contains(&name.as_str()),
        ClassUnicodeKind::OneLetter(letter) => CATEGORIES.contains(&letter.to_string().as_str()),
        ClassUnicodeKind::NamedValue { .. } => false,
    };
    // a range for every second byte at most, and an instruction or two for each
    if is_known { Ok(260) } else { Err("RE2 has the general categories, such as \\p{Lu}; write one") }
}

#[cfg(test)]
mod tests;
