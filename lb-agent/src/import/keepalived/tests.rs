//! Statements one by one: checks, quorum, groups, and why others are left out.

use super::super::{Format, Imported, import};
use super::*;

/// A virtual server with these lines and one real server with those.
fn imported(lines: &str, real: &str) -> Imported {
    let text = format!(
        "virtual_server 203.0.113.10 443 {{\nlb_algo mh\nlb_kind TUN\nalpha\n{lines}\nreal_server 10.1.0.5 443 {{\n{real}\n}}\n}}"
    );
    import(&text, Format::Keepalived).unwrap()
}

fn health_of(lines: &str, real: &str) -> String {
    let imported = imported(lines, real);
    serde_saphyr::to_string(&imported.file.services[0].health).unwrap().trim().replace('\n', " ")
}

fn told(text: &str) -> Vec<String> {
    import(text, Format::Keepalived).unwrap().remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn times_are_the_nearest_ones_written() {
    for (lines, real, expected) in [
        ("", "TCP_CHECK {\n}", "check:   kind: tcp interval: 1m fastInterval: 1s timeout: 5s fall: 2"),
        (
            "delay_loop 6\nretry 4\nconnect_timeout 2.5",
            "TCP_CHECK {\n}",
            "check:   kind: tcp interval: 6s fastInterval: 1s timeout: 2500ms fall: 5",
        ),
        (
            "delay_loop 6\nretry 4",
            "retry 3\nTCP_CHECK {\nretry 2\ndelay_before_retry 2\n}",
            "check:   kind: tcp interval: 6s fastInterval: 2s timeout: 5s fall: 3",
        ),
        (
            "delay_loop 6\nwarmup 20",
            "DNS_CHECK {\n}",
            "check:   kind: dns   name: '.'   record: SOA interval: 6s timeout: 5s fall: 4 startWithin: 20s",
        ),
    ] {
        assert_eq!(health_of(lines, real), expected, "{lines:?} {real:?}");
    }
}

#[test]
fn a_quorum_is_a_share_of_all_weight() {
    for (quorum, weights, expected) in [
        ("", [1, 1, 2], None),
        ("quorum 1", [1, 1, 2], None),
        ("quorum 2", [1, 1, 2], Some(("50%", "50%"))),
        ("quorum 2\nhysteresis 1", [1, 1, 2], Some(("25%", "75%"))),
        ("quorum 1\nhysteresis 1", [1, 1, 1], Some(("33.3333333%", "66.6666666%"))),
        ("quorum 9", [1, 1, 2], None),
    ] {
        let server = |(number, weight)| {
            format!("real_server 10.1.0.{number} 443 {{\nweight {weight}\nTCP_CHECK {{\n}}\n}}\n")
        };
        let servers: String = (1..).zip(weights).map(server).collect();
        let text = format!(
            "virtual_server 203.0.113.10 443 {{\nlb_algo mh\nlb_kind TUN\nalpha\n{quorum}\n{servers}}}"
        );
        let imported = import(&text, Format::Keepalived).unwrap();
        let health = imported.file.services[0].health.as_ref().unwrap();
        let marks = health.low_watermark.zip(health.high_watermark);
        let marks = marks.map(|(low, high)| (low.to_string(), high.to_string()));
        let marks = marks.as_ref().map(|(low, high)| (low.as_str(), high.as_str()));
        assert_eq!(marks, expected, "{quorum}");
        assert_eq!(imported.remarks.len(), usize::from(quorum == "quorum 9"), "{:?}", imported.remarks);
    }
}

#[test]
fn ranges_are_written_out() {
    for (range, expected) in [
        ("192.0.2.1", Some(("192.0.2.1", "192.0.2.1"))),
        ("192.0.2.1-10", Some(("192.0.2.1", "192.0.2.10"))),
        ("192.0.2.250-192.0.3.2", Some(("192.0.2.250", "192.0.3.2"))),
        ("192.0.2.8/29", Some(("192.0.2.8", "192.0.2.15"))),
        ("2001:db8::a-f", Some(("2001:db8::a", "2001:db8::f"))),
        ("2001:db8::/120", Some(("2001:db8::", "2001:db8::ff"))),
        ("192.0.2.9-3", None),
        ("192.0.2.1-2001:db8::1", None),
        ("192.0.2.0/33", None),
        ("shop", None),
    ] {
        let text = format!("virtual_server_group G {{\n{range} 80\n}}");
        let statements = words::statements(&text).unwrap();
        let places = places(&statements[0], &mut Remarks::default()).ok();
        let ends = places.map(|places| (places[0].clone(), places[places.len() - 1].clone()));
        let place = |address: &str| Place::Address(address.parse().unwrap(), 80);
        assert_eq!(ends, expected.map(|(first, last)| (place(first), place(last))), "{range}");
    }
}

#[test]
fn what_has_no_counterpart_is_told_with_its_reason() {
    let text = "\
include /etc/keepalived/conf.d/*.conf
$VIP=203.0.113.10
vrrp_sync_group G {
}
virtual_server fwmark 3 {
    lb_kind TUN
    lb_algo mh
    alpha
}
virtual_server group MISSING {
}
virtual_server 203.0.113.10 443 {
    lb_kind TUN
    lb_algo mh
    alpha
    @edge-1 delay_loop 9
    shiny
    real_server 10.1.0.5 443 {
        MISC_CHECK {
            misc_path /bin/true
        }
    }
}";
    assert_eq!(
        told(text),
        [
            "line 1: `include /etc/keepalived/conf.d/*.conf` is left out: only this text is read; put the files together first",
            "line 2: `$VIP=203.0.113.10` is left out: conditions and definitions are not evaluated; write out what holds for this node",
            "line 3: `vrrp_sync_group G` is left out: every node is active here: no address is owned, VIPs are announced by BGP (section `bgp`)",
            "line 5: `virtual_server fwmark 3` is left out: a firewall mark says nothing of a VIP; write the service by hand, with the VIP that the mark stands for",
            "line 10: `group MISSING` is left out: no virtual_server_group of that name is in the text",
            "line 10: `virtual_server`: backends serve after their first successful check, as with `alpha`",
            "line 16: `@edge-1 delay_loop 9` is left out: conditions and definitions are not evaluated; write out what holds for this node",
            "line 17: `shiny` is left out: it is not known here",
            "line 18: `real_server`: without a check keepalived takes it for healthy for ever; here it is asked for a TCP connection, or an ICMP echo if the service is UDP",
            "line 19: `MISC_CHECK` is left out: a check asks the backend itself; write the kind of check that the script, file or BFD session stands for",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_refused_by_line() {
    for (text, expected) in [
        (
            "virtual_server shop.example.com 443 {\n}",
            "line 1: `shop.example.com` is no address; names are not resolved, so print numbers (`ipvsadm -S -n`)",
        ),
        ("virtual_server {\n}", "line 1: after `virtual_server` an address is missing"),
        (
            "virtual_server 203.0.113.10 99999 {\n}",
            "line 1: `99999` is no number here; write one from 0 to 65535",
        ),
        (
            "virtual_server 203.0.113.10 80 {\ndelay_loop soon\n}",
            "line 2: `soon` is no number here; write one from 0 to 86400",
        ),
    ] {
        assert_eq!(import(text, Format::Keepalived).unwrap_err().to_string(), expected);
    }
}
