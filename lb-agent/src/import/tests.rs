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
        ("#!/bin/sh\n/sbin/ipvsadm -C\n", Format::Ipvsadm),
        ("sudo ipvsadm -A -t 203.0.113.10:80", Format::Ipvsadm),
        ("\u{feff}-A -t 203.0.113.10:80", Format::Ipvsadm),
        ("IP Virtual Server version 1.2.1 (size=4096)", Format::Ipvsadm),
        ("! Configuration File for keepalived\nglobal_defs {\n}", Format::Keepalived),
        ("", Format::Keepalived),
    ] {
        assert_eq!(Format::of(text), expected, "{text}");
    }
}

#[test]
fn a_script_is_read_wherever_the_program_lies() {
    let script = "#!/bin/sh\nsudo /sbin/ipvsadm -A -t 203.0.113.10:80 -s mh\r\n\
                  /sbin/ipvsadm -a -t 203.0.113.10:80 -r 10.1.0.5:80 -i\r\n";
    let imported = import(script, Format::of(script)).unwrap();
    assert_eq!((imported.file.services.len(), imported.remarks.len()), (1, 0), "{:?}", imported.remarks);
    assert_eq!(imported.file.services[0].backends.len(), 1);
}

#[test]
fn the_table_for_people_is_told_from_what_can_be_read() {
    let table = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n";
    let error = ImportError { line: 1, problem: ImportProblem::Listing };
    assert_eq!(import(table, Format::of(table)), Err(error));
}

/// What Debian's package brings, all of it: nothing fails, and nothing is unknown.
#[test]
fn every_sample_of_keepalived_is_read() {
    let Ok(samples) = std::fs::read_dir("/usr/share/doc/keepalived/samples") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "keepalived's samples are missing");
        eprintln!("skipped: keepalived's samples are missing");
        return;
    };
    let mut read = 0;
    for path in samples.map(|entry| entry.unwrap().path()) {
        if !path.file_name().unwrap().to_string_lossy().starts_with("keepalived.conf") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let imported =
            import(&text, Format::of(&text)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_unknown = |remark: &&Remark| matches!(remark.concern, Concern::Unknown { .. });
        let unknown: Vec<_> = imported.remarks.iter().filter(is_unknown).map(ToString::to_string).collect();
        assert!(unknown.is_empty(), "{}: {unknown:#?}", path.display());
        read += 1;
    }
    assert!(read > 10, "{read} samples");
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

/// What an agent of ours left in a kernel: one backend is several destinations, on ports of no meaning.
#[test]
fn a_divided_backend_is_one_again() {
    let text = "\
-A -t 203.0.113.10:443 -s mh -b mh-port,mh-fallback
-a -t 203.0.113.10:443 -r 10.1.0.5:443 -i -w 1
-a -t 203.0.113.10:443 -r 10.1.0.5:444 -i -w 1
-a -t 203.0.113.10:443 -r 10.1.0.6:443 -i -w 1
-a -t 203.0.113.10:443 -r 10.1.0.6:444 -i -w 0
-a -t 203.0.113.10:443 -r 10.1.0.6:444 -i -w 1
";
    let imported = import(text, Format::Ipvsadm).unwrap();
    let backends = &imported.file.services[0].backends;
    let weights: Vec<_> =
        backends.iter().map(|backend| (backend.address.to_string(), backend.weight)).collect();
    assert_eq!(weights, [("10.1.0.5".to_owned(), 2), ("10.1.0.6".to_owned(), 1)]);
    let told: Vec<_> = imported.remarks.iter().map(|remark| (remark.line, remark.to_string())).collect();
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 5, 6]);
    assert!(told[0].1.contains("added to the weight of the same backend"), "{}", told[0].1);
    assert!(told[2].1.contains(DUPLICATE), "{}", told[2].1);
}

#[test]
fn a_text_of_which_nothing_is_known_is_refused() {
    let nothing = ImportError { line: 1, problem: ImportProblem::Nothing };
    for text in ["", "# a comment alone\n", "once upon a time\n", "{\"services\": []}\n"] {
        assert_eq!(import(text, Format::of(text)), Err(nothing.clone()), "{text}");
    }
    let text = "vrrp_instance one {\n  state MASTER\n}\n";
    assert!(import(text, Format::Keepalived).is_ok(), "keepalived without virtual servers is no nonsense");
}
