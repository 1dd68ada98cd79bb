//! The archive: its bytes as the format wants them, and `cpio` reading it where that is installed.

use std::process::{Command, Stdio};

use super::*;

fn sample() -> Vec<u8> {
    let mut archive = Archive::new(Vec::new());
    archive.file("bin/tool", b"12345").expect("memory");
    archive.link("bin/other", "tool").expect("memory");
    archive.folder("bin/deep/er").expect("memory");
    archive.finish().expect("memory")
}

#[test]
fn entries_are_laid_out_as_newc() {
    let mut archive = Archive::new(Vec::new());
    archive.file("ab", b"12345").expect("memory");
    let bytes = archive.finish().expect("memory");
    let expected = "070701\
        00000001000081ED0000000000000000000000010000000000000005\
        00000000000000000000000000000000000000030000000ab\0";
    let expected = expected.replace("0000000ab\0", "00000000ab\0");
    assert_eq!(String::from_utf8_lossy(&bytes[..113]), expected);
    // 113 bytes of header and name are filled to 116, 5 bytes of content to 8
    assert_eq!(&bytes[113..124], b"\0\0\x0012345\0\0\0");
    assert_eq!(&bytes[124..130], b"070701");
    assert_eq!(bytes.len() % 4, 0);
}

#[test]
fn cpio_reads_it() {
    let reader =
        Command::new("cpio").args(["--list", "--quiet"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut reader) = reader else {
        println!("skipped: no program `cpio` here to read the archive with");
        return;
    };
    reader.stdin.take().expect("piped").write_all(&sample()).expect("cpio reads");
    let listed = reader.wait_with_output().expect("cpio ends");
    assert!(listed.status.success());
    let names: Vec<_> = std::str::from_utf8(&listed.stdout).expect("names").lines().collect();
    assert_eq!(names, ["bin", "bin/tool", "bin/other", "bin/deep", "bin/deep/er"]);
}
