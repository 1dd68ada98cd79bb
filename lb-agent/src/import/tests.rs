//! Whole configurations, as they became ours: golden files beside this one.
//!
//! `ipvsadm.txt` has the form of what `ipvsadm -S -n` prints, `keepalived.conf`
//! that of a balancer's; both were written for this test, and keepalived itself
//! is asked whether it takes the second. `UPDATE_GOLDEN=1` writes what was
//! found; read the difference.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/import/tests")
}

/// Our file and the remarks as one text.
fn shown(imported: &Imported) -> String {
    let mut text = serde_saphyr::to_string(&imported.file).unwrap();
    for remark in &imported.remarks {
        writeln!(text, "# {remark}").unwrap();
    }
    text
}

fn check(name: &str, golden: &str) {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let imported = import(&text, Format::of(&text)).unwrap();
    let (shown, golden) = (shown(&imported), folder().join(golden));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&golden).unwrap(), "{}", golden.display());
    let read: LbFile = serde_saphyr::from_str(&shown).unwrap();
    assert_eq!(read, imported.file, "what is printed is what was meant");
    assert!(NodeConfig::try_from(read).is_ok(), "and an agent takes it");
}

#[test]
fn what_ipvsadm_prints() {
    check("ipvsadm.txt", "ipvsadm.yaml");
}

#[test]
fn a_balancers_keepalived_conf() {
    check("keepalived.conf", "keepalived.yaml");
}

#[test]
fn keepalived_takes_the_sample() {
    let sample = folder().join("keepalived.conf");
    match Command::new("keepalived").arg("-t").arg("-f").arg(&sample).output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{told}");
        }
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "keepalived is missing: {error}");
            eprintln!("skipped: keepalived is missing ({error})");
        }
    }
}

/// A group's real servers are told once, not once for each of its addresses.
#[test]
fn each_remark_comes_once() {
    let text = "virtual_server_group G {\n203.0.113.1-3 80\n}\nvirtual_server group G {\nalpha\nlb_algo mh\nlb_kind DR\n\
                real_server 10.1.0.5 80 {\nTCP_CHECK {\n}\n}\n}";
    let imported = import(text, Format::Keepalived).unwrap();
    assert_eq!((imported.file.services.len(), imported.remarks.len()), (3, 1), "{:?}", imported.remarks);
}

#[test]
fn a_format_is_known_by_its_first_line() {
    for (text, expected) in [
        ("-A -t 203.0.113.10:80 -s mh", Format::Ipvsadm),
        ("# saved\n\nipvsadm -A -t 203.0.113.10:80", Format::Ipvsadm),
        ("! Configuration File for keepalived\nglobal_defs {\n}", Format::Keepalived),
        ("", Format::Keepalived),
    ] {
        assert_eq!(Format::of(text), expected, "{text}");
    }
}

#[test]
fn a_file_that_no_agent_takes_is_told() {
    let imported = import("-A -t 127.0.0.1:80 -s mh\n", Format::Ipvsadm).unwrap();
    let told = imported.remarks.last().unwrap().to_string();
    let expected =
        "to be changed before an agent takes the file: services[0].vip: 127.0.0.1 cannot be used here";
    assert!(told.starts_with(expected), "{told}");
}

/// Pieces of both languages, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "-A",
        "-a",
        "-t",
        "203.0.113.10:80",
        "[2001:db8::1]:443",
        "-s",
        "mh",
        "-b",
        "mh-port,x",
        "-r",
        "-w",
        "7",
        "-f",
        "--tun-port=9",
        "virtual_server",
        "203.0.113.10",
        "80",
        "{",
        "}",
        "real_server",
        "group",
        "X",
        "\"",
        "a b",
        "#",
        "HTTP_GET",
        "url",
        "status_code",
        "200-",
        "delay_loop",
        "1.5",
        "lb_kind",
        "TUN",
        "type",
        "gue",
        "port",
        "virtual_server_group",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.1-3",
        "\n",
        "\n",
        "\n",
        "é",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![pieces(), any::<String>()]) {
        for format in [Format::Ipvsadm, Format::Keepalived] {
            let result = import(&text, format);
            if let Err(error) = result {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
            }
        }
    }
}
