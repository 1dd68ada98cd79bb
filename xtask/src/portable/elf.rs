//! What a program needs before it can start: read from its ELF headers.
//!
//! A dynamic program names a loader (`PT_INTERP`) and libraries (`DT_NEEDED`).
//! A static one that can be placed anywhere has a dynamic section too, for its
//! own relocations; it names neither. Source: `elf(5)`, System V ABI, chapter 5.

use std::collections::BTreeSet;
use std::fmt;

/// Bytes of a program header.
const PROGRAM_HEADER: u64 = 56;
/// Bytes of a section header, and the kind of a table of symbols.
const SECTION_HEADER: u64 = 64;
const SHT_SYMTAB: u32 = 2;
/// Program headers: the dynamic section, and the loader's path.
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
/// Entries of a dynamic section: the end, and a library.
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

/// What is wrong with a program that should be static.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is started by a loader.
    Interpreter(String),
    /// It loads so many libraries.
    Libraries(usize),
    /// It is no ELF file of 64 bits, low byte first, or ends too early.
    NoElf,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interpreter(path) => write!(f, "it is started by {path}"),
            Self::Libraries(number) => write!(f, "it loads {number} libraries"),
            Self::NoElf => f.write_str("it is no whole ELF file of 64 bits"),
        }
    }
}

impl std::error::Error for Fault {}

/// Whether a program starts without a loader and without libraries.
///
/// # Errors
///
/// It does not, or the bytes are no program.
pub(super) fn needs_nothing(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err(Fault::NoElf);
    }
    let (start, size, number) = (long(bytes, 32)?, half(bytes, 54)?, half(bytes, 56)?);
    for index in 0..u64::from(number) {
        let header = part(bytes, start.saturating_add(index * u64::from(size)), PROGRAM_HEADER)?;
        let (offset, length) = (long(header, 8)?, long(header, 32)?);
        match word(header, 0)? {
            PT_INTERP => {
                let path = part(bytes, offset, length)?;
                return Err(Fault::Interpreter(
                    String::from_utf8_lossy(path).trim_end_matches('\0').to_owned(),
                ));
            }
            PT_DYNAMIC => match libraries(part(bytes, offset, length)?)? {
                0 => {}
                number => return Err(Fault::Libraries(number)),
            },
            _ => {}
        }
    }
    Ok(())
}

/// The names of the functions and data that a program holds; none if it is stripped.
///
/// # Errors
///
/// The bytes are no program.
pub(super) fn symbols(bytes: &[u8]) -> Result<BTreeSet<&[u8]>, Fault> {
    let (start, size, number) = (long(bytes, 40)?, half(bytes, 58)?, half(bytes, 60)?);
    let header = |index: u64| part(bytes, start.saturating_add(index * u64::from(size)), SECTION_HEADER);
    let content = |header: &[u8]| part(bytes, long(header, 24)?, long(header, 32)?);
    let mut names = BTreeSet::new();
    for index in 0..u64::from(number) {
        let section = header(index)?;
        if word(section, 4)? != SHT_SYMTAB {
            continue;
        }
        let texts = content(header(word(section, 40)?.into())?)?;
        for symbol in content(section)?.chunks_exact(24) {
            let name = texts.get(usize::try_from(word(symbol, 0)?).map_err(|_| Fault::NoElf)?..);
            let name = name.and_then(|text| text.split(|byte| *byte == 0).next()).ok_or(Fault::NoElf)?;
            // section 0 is elsewhere
            if half(symbol, 6)? != 0 {
                names.insert(name);
            }
        }
    }
    Ok(names)
}

/// How many libraries a dynamic section names.
fn libraries(section: &[u8]) -> Result<usize, Fault> {
    let mut number = 0;
    for entry in section.chunks_exact(16) {
        match long(entry, 0)? {
            DT_NULL => break,
            DT_NEEDED => number += 1,
            _ => {}
        }
    }
    Ok(number)
}

fn part(bytes: &[u8], offset: u64, length: u64) -> Result<&[u8], Fault> {
    let start = usize::try_from(offset).map_err(|_| Fault::NoElf)?;
    let end = offset.checked_add(length).and_then(|end| usize::try_from(end).ok()).ok_or(Fault::NoElf)?;
    bytes.get(start..end).ok_or(Fault::NoElf)
}

fn number<const N: usize>(bytes: &[u8], offset: u64) -> Result<[u8; N], Fault> {
    let length = u64::try_from(N).map_err(|_| Fault::NoElf)?;
    part(bytes, offset, length)?.try_into().map_err(|_| Fault::NoElf)
}

fn half(bytes: &[u8], offset: u64) -> Result<u16, Fault> {
    number(bytes, offset).map(u16::from_le_bytes)
}

fn word(bytes: &[u8], offset: u64) -> Result<u32, Fault> {
    number(bytes, offset).map(u32::from_le_bytes)
}

fn long(bytes: &[u8], offset: u64) -> Result<u64, Fault> {
    number(bytes, offset).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    //! Tests of what programs need: the one that runs this test, as far as this machine's are ELF; made ones; broken ones.

    use super::*;

    /// A program with these program headers (kind, content), each content after the headers.
    fn program(parts: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(64, 0);
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&u16::try_from(parts.len()).unwrap().to_le_bytes());
        let mut offset = 64 + 56 * parts.len();
        for (kind, content) in parts {
            let mut header = [0; 56];
            header[..4].copy_from_slice(&kind.to_le_bytes());
            header[8..16].copy_from_slice(&(offset as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
            bytes.extend(header);
            offset += content.len();
        }
        parts.iter().for_each(|(_, content)| bytes.extend_from_slice(content));
        bytes
    }

    fn dynamic(tags: &[u64]) -> Vec<u8> {
        tags.iter().flat_map(|tag| [tag.to_le_bytes(), 7_u64.to_le_bytes()].concat()).collect()
    }

    #[test]
    fn loaders_and_libraries_are_found() {
        let relocations = dynamic(&[5, 6, DT_NULL, DT_NEEDED]);
        let libraries = dynamic(&[DT_NEEDED, 5, DT_NEEDED, DT_NULL]);
        let loader: &[u8] = b"/lib64/ld-linux-x86-64.so.2\0";
        let table: [(Vec<u8>, Result<(), Fault>); 5] = [
            (program(&[(1, b"code")]), Ok(())),
            (program(&[(1, b"code"), (PT_DYNAMIC, &relocations)]), Ok(())),
            (program(&[(PT_DYNAMIC, &libraries)]), Err(Fault::Libraries(2))),
            (program(&[(PT_INTERP, loader)]), Err(Fault::Interpreter("/lib64/ld-linux-x86-64.so.2".into()))),
            (b"#!/bin/sh\n".to_vec(), Err(Fault::NoElf)),
        ];
        for (bytes, expected) in table {
            assert_eq!(needs_nothing(&bytes), expected);
        }
    }

    #[test]
    fn what_ends_early_is_no_program() {
        let whole = program(&[(1, b"code"), (PT_DYNAMIC, &dynamic(&[5, DT_NULL]))]);
        for length in 0..whole.len() {
            assert_eq!(needs_nothing(&whole[..length]), Err(Fault::NoElf), "{length} bytes");
        }
        let mut far = whole;
        far[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(needs_nothing(&far), Err(Fault::NoElf));
    }

    #[test]
    #[cfg(all(
        target_os = "linux",
        target_pointer_width = "64",
        target_endian = "little",
        not(target_feature = "crt-static")
    ))]
    fn this_program_is_dynamic() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(matches!(needs_nothing(&bytes), Err(Fault::Interpreter(_))));
    }
    #[test]
    #[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
    fn this_program_has_main() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let names = symbols(&bytes).unwrap();
        assert!(names.contains(b"main".as_slice()));
        assert!(!names.contains(b"mai".as_slice()));
        // cut off in its table of names or before
        assert_eq!(symbols(&bytes[..bytes.len() / 2]), Err(Fault::NoElf));
    }
}
