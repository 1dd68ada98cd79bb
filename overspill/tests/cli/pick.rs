//! `overspill pick`: flows in, the same flows with their backends out.

use crate::{Ran, data, overspill, overspill_with};

const HEADER: &str = "proto,src,sport,dst,dport";

/// Picks for rows below the header, with the tests' LB file.
fn pick(rows: &str) -> Ran {
    overspill_with(&["pick", "--config", &data("lb.yaml")], &format!("{HEADER}\n{rows}"))
}

/// The backends are those that a Linux `ip_vs_mh` chose for live flows, these
/// three having been added in this order; the slots agree with its source.
#[test]
fn the_kernels_choices() {
    let ran = overspill(&["pick", "--config", &data("lb.yaml"), &data("flows.csv")]);
    let expected = "\
proto,src,sport,dst,dport,backend,why
tcp,192.0.2.1,40000,203.0.113.10,80,10.0.0.3:80,ipvs-mh slot 2891 of 4093
tcp,192.0.2.2,40000,203.0.113.10,80,10.0.0.2:80,ipvs-mh slot 746 of 4093
tcp,192.0.2.3,40000,203.0.113.10,80,10.0.0.3:80,ipvs-mh slot 998 of 4093
tcp,198.51.100.7,54321,203.0.113.10,80,10.0.0.1:80,ipvs-mh slot 924 of 4093
";
    assert_eq!(ran, Ran { status: 0, out: expected.to_owned(), err: String::new() });
}

/// An LB file of one kernel service with these parameters and backends.
fn kernel_service(scheduler: &str, backends: &str) -> String {
    format!(
        "services: [{{ vip: 203.0.113.10, port: 80, protocol: tcp, scheduler: {{ {scheduler} }}, backends: [{backends}] }}]"
    )
}

/// The two last columns for the four clients of the kernel's vectors, all with port 54321.
fn kernel_picks(lb: &str) -> Vec<String> {
    let clients = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.7"];
    let rows: Vec<String> =
        clients.iter().map(|client| format!("tcp,{client},54321,203.0.113.10,80")).collect();
    let folder = tempfile::tempdir().expect("a place for files");
    let flows = folder.path().join("flows.csv");
    std::fs::write(&flows, format!("{HEADER}\n{}\n", rows.join("\n"))).expect("a file can be written");
    let ran = crate::run(folder.path(), &["pick", "--config", "-", "flows.csv"], lb);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    ran.out.lines().skip(1).map(|line| line.splitn(6, ',').last().unwrap_or_default().to_owned()).collect()
}

/// As above with `mh-port`, again as the kernel chose.
#[test]
fn the_kernels_choices_by_port() {
    let three = "{ address: 10.0.0.1 }, { address: 10.0.0.2 }, { address: 10.0.0.3, weight: 2 }";
    let picks = kernel_picks(&kernel_service("kind: ipvs-mh, port: true", three));
    let backends: Vec<_> = picks.iter().map(|pick| pick.split(',').next().unwrap_or_default()).collect();
    assert_eq!(backends, ["10.0.0.2:80", "10.0.0.3:80", "10.0.0.1:80", "10.0.0.3:80"]);
    assert_eq!(picks[3], "10.0.0.3:80,ipvs-mh slot 1913 of 4093");
}

#[test]
fn a_kernel_backend_that_drains_keeps_its_slots_and_refuses() {
    let three =
        "{ address: 10.0.0.1 }, { address: 10.0.0.2 }, { address: 10.0.0.3, weight: 2, state: drain }";
    let picks = kernel_picks(&kernel_service("kind: ipvs-mh", three));
    assert_eq!(picks[0], ",ipvs-mh slot 2891 of 4093: 10.0.0.3:80 takes no new flows");
    assert_eq!(picks[1], "10.0.0.2:80,ipvs-mh slot 746 of 4093");
    let picks = kernel_picks(&kernel_service("kind: ipvs-mh, fallback: true", three));
    let (backend, why) = picks[0].split_once(',').unwrap();
    assert!(["10.0.0.1:80", "10.0.0.2:80"].contains(&backend), "{picks:?}");
    let expected = "ipvs-mh slot 2891 of 4093: 10.0.0.3:80 takes no new flows; fallback found it at look ";
    assert!(why.starts_with(expected), "{why}");
}

/// With weights a node's kernel has several destinations for each backend; the file alone would
/// send most flows elsewhere.
#[test]
fn a_file_for_the_agent_is_answered_as_its_kernel_answers() {
    let backends = "{ address: 10.0.0.1, weight: 100 }, { address: 10.0.0.2, weight: 50 }, { address: 10.0.0.3, weight: 100 }";
    let lb = kernel_service("kind: ipvs-mh, fallback: true, port: true", backends);
    let node = format!("ownedPrefixes: [203.0.113.0/24]\n{lb}");
    let file: lb_core::config::LbFile = files::Source::new("node.yaml", &node).parse().unwrap();
    let served = lb_core::node::NodeConfig::try_from(file).unwrap().served();
    assert!(served.services[0].backends.len() >= 24);
    let printed = files::yaml(&lb_core::config::LbFile::from(&served)).unwrap();
    let picks = kernel_picks(&node);
    assert_eq!(picks, kernel_picks(&printed));
    assert_ne!(picks, kernel_picks(&lb));
}

#[test]
fn a_flow_without_backend_is_told_why() {
    let ran = pick(
        "udp,192.0.2.1,1,203.0.113.10,443\ntcp,192.0.2.1,1,203.0.113.11,443\ntcp,2001:db8::1,1,2001:db8::a,54\n",
    );
    let expected = "\
proto,src,sport,dst,dport,backend,why
udp,192.0.2.1,1,203.0.113.10,443,,no service 203.0.113.10:443/udp
tcp,192.0.2.1,1,203.0.113.11,443,,maglev: no backend takes new flows
tcp,2001:db8::1,1,2001:db8::a,54,,no service [2001:db8::a]:54/tcp
";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected));
}

/// A node drops what comes from an address that nobody can have, so no backend gets it.
#[test]
fn a_source_that_nobody_can_have_gets_no_backend() {
    let v4 = ["0.0.0.0", "127.0.0.1", "203.0.113.10", "224.0.0.1", "255.255.255.255"];
    let v6 = ["::", "::1", "2001:db8::a", "ff02::1"];
    let rows = v4.map(|source| format!("tcp,{source},7,203.0.113.10,443"));
    let rows = rows.into_iter().chain(v6.map(|source| format!("udp,{source},7,2001:db8::a,53")));
    let rows: Vec<String> = rows.collect();
    let ran = pick(&rows.join("\n"));
    let expected: Vec<String> = rows.iter().map(|row| format!("{row},,unusable-source")).collect();
    assert_eq!(
        (ran.status, ran.out.lines().skip(1).collect::<Vec<_>>()),
        (0, expected.iter().map(String::as_str).collect())
    );
    // not even the source is looked at where there is no service
    let elsewhere = pick("tcp,127.0.0.1,7,203.0.113.12,443").out;
    assert!(elsewhere.ends_with(",,no service 203.0.113.12:443/tcp\n"), "{elsewhere}");
}

/// An address has many spellings; what is printed is RFC 5952's, whatever came in.
#[test]
fn addresses_are_printed_in_one_way() {
    let row = "udp,2001:DB8:0:0::1, 7 ,2001:0db8::000a,53";
    let ran = pick(row);
    assert!(ran.out.contains("\nudp,2001:db8::1,7,2001:db8::a,53,"), "{}", ran.out);
    let ran = overspill_with(
        &["pick", "--format", "json", "--config", &data("lb.yaml")],
        &format!("{HEADER}\n{row}\n"),
    );
    let answer = ran.json();
    assert_eq!((&answer[0]["src"], &answer[0]["dst"]), (&"2001:db8::1".into(), &"2001:db8::a".into()));
}

#[test]
fn rows_keep_their_order_and_do_not_influence_each_other() {
    let rows: Vec<String> =
        (0..200).map(|port| format!("tcp,192.0.2.{},{port},203.0.113.10,443", port % 7)).collect();
    let all = pick(&rows.join("\n")).out;
    let last = pick(rows.last().unwrap()).out;
    let lines: Vec<_> = all.lines().collect();
    assert_eq!(lines.len(), 201);
    assert!(lines[1..].iter().zip(&rows).all(|(line, row)| line.starts_with(row.as_str())));
    assert_eq!(lines.last(), last.lines().nth(1).as_ref());
    // the drained backend and the one of weight 0 get nothing
    assert!(!all.contains("10.1.0.7") && !all.contains("10.1.0.8"), "{all}");
    assert!(all.contains("10.1.0.5:443,maglev slot ") && all.contains("10.1.0.6:443,maglev slot "), "{all}");
}

#[test]
fn as_json() {
    let rows = format!("{HEADER}\nudp,2001:db8::1,9,2001:db8::a,53\ntcp,192.0.2.1,1,203.0.113.11,443\n");
    let ran = overspill_with(&["pick", "--format", "json", "--config", &data("lb.yaml"), "-"], &rows);
    let answer = ran.json();
    assert_eq!(answer.as_array().unwrap().len(), 2);
    assert_eq!((&answer[0]["sport"], &answer[0]["dport"]), (&9.into(), &53.into()));
    assert!(answer[0]["backend"].as_str().unwrap().ends_with(":53"));
    assert_eq!(answer[1]["backend"], serde_json::Value::Null);
}

/// What is told of bad flows.
fn told(flows: &str) -> String {
    let ran = overspill_with(&["pick", "--config", &data("lb.yaml")], flows);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    ran.err.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_bad_row_is_told_and_nothing_is_printed() {
    let good = "tcp,192.0.2.1,1,203.0.113.10,443\n";
    for (row, expected) in [
        (
            "TCP,192.0.2.1,1,203.0.113.10,443",
            "3:1: error: proto: `TCP` is no protocol that is balanced; write tcp, udp or sctp",
        ),
        (
            "tcp,192.0.2,1,203.0.113.10,443",
            "3:5: error: src: `192.0.2` is no IP address; write 192.0.2.1 or 2001:db8::1",
        ),
        (
            "tcp,192.0.2.1,65536,203.0.113.10,443",
            "3:15: error: sport: `65536` is no port; write a whole number from 0 to 65535",
        ),
        (
            "tcp,192.0.2.1,1,2001:db8::a,443",
            "3:17: error: dst: of another family than src; write two IPv4 or two IPv6 addresses",
        ),
        (
            "\n\ntcp,192.0.2.1,1,203.0.113.10,x",
            "5:30: error: dport: `x` is no port; write a whole number from 0 to 65535",
        ),
        ("tcp,192.0.2.1,1,203.0.113.10", "3:29: error: dport: 4 columns; write 5: proto,src,sport,dst,dport"),
        ("tcp,192.0.2.1,1,203.0.113.10,443,x", "3:34: error: 6 columns; write 5: proto,src,sport,dst,dport"),
    ] {
        assert_eq!(told(&format!("{HEADER}\n{good}{row}\n{good}")), format!("<stdin>:{expected}"), "{row}");
    }
    let header = "the first line must be proto,src,sport,dst,dport";
    assert_eq!(told(good), format!("<stdin>:1:1: error: this is not the header; {header}"));
    assert_eq!(told("proto,src,dst\n"), format!("<stdin>:1:11: error: this is not the header; {header}"));
    assert_eq!(
        told(""),
        "<stdin>:1:1: error: nothing is in it; write the header proto,src,sport,dst,dport and flows"
    );
}

#[test]
fn a_bad_file_is_told_before_any_flow() {
    let ran = overspill_with(&["pick", "--config", "nowhere.yaml"], "");
    assert_eq!(ran.status, 2);
    assert_eq!(ran.err, "nowhere.yaml: error: there is no such file; check the path\n");
    let ran = overspill(&["pick", "--config", "-", "-"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("cannot both be standard input"), "{}", ran.err);
}
