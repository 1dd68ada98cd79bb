//! `overspill forward`: captures in, captures and verdicts out.

use std::fs;
use std::path::Path;

use crate::{Ran, data, overspill, overspill_with, run};

/// Runs `forward` over a capture in a folder of its own.
fn forward(capture: &[u8], more: &[&str]) -> (tempfile::TempDir, Ran) {
    let folder = tempfile::tempdir().expect("a folder of our own");
    fs::write(folder.path().join("in.pcap"), capture).expect("a folder of our own");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(data("forward.yaml"));
    let config = config.to_str().expect("a folder of our own");
    let arguments = ["forward", "--config", config, "in.pcap", "out.pcap", "--verdicts", "verdicts.csv"];
    let ran = run(folder.path(), &[&arguments[..], more].concat(), "");
    (folder, ran)
}

fn in_folder(folder: &tempfile::TempDir, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).expect("a folder of our own")
}

/// The packets of a classic little-endian capture: (seconds, fraction, bytes).
fn packets(mut file: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
    let word =
        |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(word(file, 20), 101, "raw IP");
    file = &file[24..];
    let mut packets = Vec::new();
    while !file.is_empty() {
        let length = word(file, 8) as usize;
        assert_eq!(word(file, 12) as usize, length);
        packets.push((word(file, 0), word(file, 4), file[16..16 + length].to_vec()));
        file = &file[16 + length..];
    }
    packets
}

/// Made with scapy: see mixed.py beside it.
fn mixed() -> Vec<u8> {
    fs::read(data("mixed.pcap")).expect("it is there")
}

#[test]
fn every_packet_has_a_verdict() {
    let (folder, ran) = forward(&mixed(), &[]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let expected = "\
index,verdict,reason,backend
0,forward,new,10.1.0.5:443
1,forward,existing,10.1.0.5:443
2,forward,new,[2001:db8::5]:443
3,pass,not-ip,
4,pass,no-service,
5,pass,no-service,
6,reply,echo,
7,forward,new,10.1.0.7:53
8,forward,existing,10.1.0.7:53
9,drop,malformed: the IPv4 header's checksum is wrong,
10,reply,too-big,
11,drop,no-backend,
12,reply,time-exceeded,
13,drop,malformed: the packet is cut off before the length it announces,
";
    assert_eq!(String::from_utf8(in_folder(&folder, "verdicts.csv")).unwrap(), expected);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing temporary is left: {names:?}");
}

#[test]
fn the_output_holds_what_is_sent() {
    let (folder, _) = forward(&mixed(), &[]);
    let out = in_folder(&folder, "out.pcap");
    assert_eq!(out[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
    let sent = packets(&out);
    // the capture's times, an eighth of a second apart
    let times: Vec<_> = sent.iter().map(|(seconds, micros, _)| (seconds - 1_700_000_000, *micros)).collect();
    let expected =
        [(0, 0), (0, 125_000), (0, 250_000), (0, 750_000), (0, 875_000), (1, 0), (1, 250_000), (1, 500_000)];
    assert_eq!(times, expected);
    // the client's packet, unchanged but for time to live and checksum, in a packet to the backend
    let input = packets_of_frames(&mixed());
    let (outer, inner) = sent[0].2.split_at(20);
    assert_eq!((&outer[12..16], &outer[16..20]), (&[10, 0, 0, 11][..], &[10, 1, 0, 5][..]));
    assert_eq!(outer[9], 4, "IP in IP");
    assert_eq!(inner[12..], input[0][12..]);
    assert_eq!(inner[8], input[0][8] - 1);
    // the echo reply goes back to who asked
    assert_eq!(sent[3].2[16..20], [192, 0, 2, 1]);
}

/// The IP packets of untagged frames.
fn packets_of_frames(file: &[u8]) -> Vec<Vec<u8>> {
    let mut as_raw = file.to_vec();
    as_raw[20] = 101;
    packets(&as_raw).into_iter().map(|(_, _, frame)| frame[14..].to_vec()).collect()
}

#[test]
fn the_summary_counts() {
    let (_folder, ran) = forward(&mixed(), &[]);
    let expected = "\
14 packets in 2.000 s

VERDICT  REASON                                                           PACKETS
forward  existing                                                               2
forward  new                                                                    3
reply    echo                                                                   1
reply    time-exceeded                                                          1
reply    too-big                                                                1
pass     no-service                                                             2
pass     not-ip                                                                 1
drop     malformed: the IPv4 header's checksum is wrong                         1
drop     malformed: the packet is cut off before the length it announces        1
drop     no-backend                                                             1

SERVICE                BACKEND            PACKETS  FLOWS  BYTES
203.0.113.10:443/tcp   10.1.0.5:443             2      1     80
203.0.113.11:53/udp    10.1.0.7:53              2      1   1648
[2001:db8::a]:443/tcp  [2001:db8::5]:443        1      1     60
";
    assert_eq!(ran.out, expected);
    let (_folder, ran) = forward(&mixed(), &["--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["packets"], 14);
    assert_eq!(answer["verdicts"], serde_json::json!({"forward": 5, "reply": 3, "pass": 3, "drop": 3}));
    assert_eq!(answer["duration_s"], 2.0);
    assert_eq!(answer["backends"][0]["backend"], "10.1.0.5:443");
}

/// A capture of raw IP with the bytes of some packets, a minute apart.
fn raw(order: fn(u32) -> [u8; 4], magic: u32, packets: &[&[u8]]) -> Vec<u8> {
    let version = if order(1) == [0, 0, 0, 1] { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let mut file = [order(magic), version, [0; 4], [0; 4], order(65_535), order(101)].concat();
    for (number, packet) in packets.iter().enumerate() {
        let length = order(packet.len() as u32);
        file.extend([order(60 * number as u32), order(1), length, length].concat());
        file.extend(*packet);
    }
    file
}

/// A SYN from 192.0.2.1:40000 to 203.0.113.10:443.
const SYN: [u8; 40] = [
    0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0x3c, 0xc3, 192, 0, 2, 1, 203, 0, 113, 10, 0x9c, 0x40, 0x01, 0xbb,
    0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
];

#[test]
fn byte_orders_and_units_give_the_same() {
    for order in [u32::to_be_bytes, u32::to_le_bytes] {
        for (magic, expected) in [(0xa1b2_c3d4, 0xa1b2_c3d4_u32), (0xa1b2_3c4d, 0xa1b2_3c4d)] {
            let (folder, ran) = forward(&raw(order, magic, &[&SYN]), &[]);
            assert_eq!(ran.status, 0, "{}", ran.err);
            let out = in_folder(&folder, "out.pcap");
            // nanoseconds are kept where the capture has them
            assert_eq!(out[..4], expected.to_le_bytes());
            assert_eq!(packets(&out)[0].1, 1);
        }
    }
}

#[test]
fn the_clock_is_the_captures() {
    // after two minutes in half-open state a connection is forgotten, so its ACK picks a flow up
    let mut ack = SYN;
    ack[33] = 0x10;
    let capture = raw(u32::to_le_bytes, 0xa1b2_c3d4, &[&SYN, &SYN, b"\x45", b"\x45", b"\x45", &ack]);
    let (folder, _) = forward(&capture, &[]);
    let verdicts = String::from_utf8(in_folder(&folder, "verdicts.csv")).unwrap();
    let last = verdicts.lines().last().unwrap();
    assert_eq!(last, "5,forward,picked-up,10.1.0.5:443");
}

#[test]
fn a_capture_that_is_cut_off_leaves_nothing() {
    let mixed = mixed();
    let (folder, ran) = forward(&mixed[..200], &[]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    let expected = "in.pcap: error: packet 2 at byte 168: cut off: the packet needs 66 bytes more; capture or copy the file again\n";
    assert_eq!(ran.err, expected);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["in.pcap"]);
}

#[test]
fn a_capture_that_is_none_of_ours() {
    let mut other = mixed();
    other[20] = 147;
    let (_folder, ran) = forward(&other, &[]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("link type 147 is not understood"), "{}", ran.err);
    let (_folder, ran) = forward(b"GIF89a", &[]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("in.pcap: error: no capture"), "{}", ran.err);
}

#[test]
fn an_empty_capture_gives_an_empty_capture() {
    let (folder, ran) = forward(&raw(u32::to_le_bytes, 0xa1b2_c3d4, &[]), &[]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "0 packets\n"));
    assert_eq!(in_folder(&folder, "out.pcap").len(), 24);
    assert_eq!(in_folder(&folder, "verdicts.csv"), b"index,verdict,reason,backend\n");
}

#[test]
fn paths_that_cannot_work_are_refused() {
    let config = data("forward.yaml");
    for (arguments, expected) in [
        (&["-", "-", "out"][..], "--config and IN cannot both be standard input"),
        (&[&config, "in", "-"], "name the file to write"),
        (&[&config, "in", "out", "--verdicts", "out"], "cannot be one file"),
        (&[&config, "nowhere.pcap", "out"], "nowhere.pcap: error: there is no such file"),
        (&[&config, &data("mixed.pcap"), "no/such/folder"], "no/such/folder: error: cannot be written"),
        (&["nowhere.yaml", "in", "out"], "nowhere.yaml: error: there is no such file"),
    ] {
        let ran = overspill(&[&["forward", "--config"], arguments].concat());
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
}

/// Without an outer source every packet to a backend would be dropped, one by one.
#[test]
fn a_file_for_any_node_is_refused() {
    let config = fs::read_to_string(data("forward.yaml")).expect("it is there");
    for (node, field, place) in [
        ("", "add node.address,", "<stdin>:5:74: error: services[0].backends[0].address: 10.1.0.5"),
        (r#"node: { address6: "2001:db8::11" }"#, "add node.address,", "services[0].backends[0].address"),
        ("node: { address: 10.0.0.11 }", "add node.address6,", "services[3].backends[0].address"),
    ] {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let config = config.replace(r#"node: { address: 10.0.0.11, address6: "2001:db8::11" }"#, node);
        fs::write(folder.path().join("in.pcap"), mixed()).expect("a folder of our own");
        let ran = run(folder.path(), &["forward", "--config", "-", "in.pcap", "out.pcap"], &config);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{node}");
        assert!(ran.err.contains(field) && ran.err.contains(place), "{node}: {}", ran.err);
        assert!(!folder.path().join("out.pcap").exists(), "{node}");
    }
    // services without backends need none
    let ran = overspill_with(&["forward", "--config", "-", &data("mixed.pcap"), "/dev/null"], EMPTY);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

/// A service of which nothing is sent on.
const EMPTY: &str =
    "services: [{ vip: 203.0.113.10, port: 443, protocol: tcp, scheduler: { kind: ipvs-mh } }]";

/// Runs `forward` in a folder that holds `lb.yaml`, `in.pcap` and other names
/// of them; it must refuse with this message, and leave the folder as it was.
#[cfg(unix)]
fn refused(arguments: &[&str], expected: &str) {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let at = |name: &str| folder.path().join(name);
    fs::copy(data("forward.yaml"), at("lb.yaml")).expect("a folder of our own");
    fs::write(at("in.pcap"), mixed()).expect("a folder of our own");
    fs::create_dir(at("sub")).expect("a folder of our own");
    fs::hard_link(at("in.pcap"), at("hard.pcap")).expect("a folder of our own");
    for (target, link) in [("in.pcap", "link.pcap"), ("lb.yaml", "sub/link.yaml"), ("sub", "folder")] {
        std::os::unix::fs::symlink(at(target), at(link)).expect("a folder of our own");
    }
    let contents = || {
        let list = |name: &str| fs::read_dir(at(name)).expect("a folder of our own");
        let names = ["", "sub"].into_iter().flat_map(list).map(|entry| entry.expect("it is there").path());
        let mut files: Vec<_> = names.filter(|path| path.is_file()).collect();
        files.sort();
        files.into_iter().map(|path| (fs::read(&path).expect("it is there"), path)).collect::<Vec<_>>()
    };
    let before = contents();
    let ran = run(folder.path(), &[&["forward", "--config"], arguments].concat(), "");
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}");
    assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    assert!(contents() == before, "{arguments:?} changed a file");
}

/// A name that leads to an input, or to the other output, by whatever way.
#[cfg(unix)]
#[test]
fn no_file_is_written_that_is_read_or_written_already() {
    for (arguments, expected) in [
        (&["lb.yaml", "in.pcap", "in.pcap"][..], "IN and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "./in.pcap"], "IN and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "link.pcap"], "IN and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "hard.pcap"], "IN and OUT cannot be one file"),
        (&["lb.yaml", "link.pcap", "in.pcap"], "IN and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "lb.yaml"], "--config and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "folder/link.yaml"], "--config and OUT cannot be one file"),
        (&["lb.yaml", "in.pcap", "out", "--verdicts", "sub/../in.pcap"], "IN and --verdicts cannot be"),
        (&["lb.yaml", "in.pcap", "out", "--verdicts", "lb.yaml"], "--config and --verdicts cannot be"),
        // neither is there yet
        (&["lb.yaml", "in.pcap", "sub/out", "--verdicts", "folder/../sub/out"], "OUT and --verdicts cannot"),
        (&["lb.yaml", "in.pcap", "out", "--verdicts", "./out"], "OUT and --verdicts cannot be one file"),
    ] {
        refused(arguments, expected);
    }
}

/// A shell can lead an input to standard input: it is the same file still.
#[cfg(unix)]
#[test]
fn standard_input_is_not_written_either() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let capture = folder.path().join("in.pcap");
    fs::write(&capture, mixed()).expect("a folder of our own");
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_overspill"))
        .args(["forward", "--config", &data("forward.yaml"), "-"])
        .arg(&capture)
        .stdin(fs::File::open(&capture).expect("it is there"))
        .output()
        .expect("the binary is built before its tests");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && told.contains("IN and OUT cannot be one file"), "{told}");
    assert!(fs::read(&capture).expect("it is there") == mixed());
}
