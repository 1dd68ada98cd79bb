//! Tests of VIPs as text: what is taken, and what is refused with which words.

use super::*;

fn file(text: &str) -> Result<BTreeSet<IpAddr>, Fault> {
    parse_file(&Source::new("vips", text))
}

#[test]
fn a_file_has_one_vip_per_line_and_comments() {
    let vips = file("# ours\n203.0.113.10\n\n  2001:db8::1  # v6\r\n203.0.113.10\n").unwrap();
    let expected: [IpAddr; 2] = ["203.0.113.10".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    assert_eq!(vips, expected.into());
    assert_eq!(file("# none\n"), Ok(BTreeSet::new()));
}

#[test]
fn one_bad_line_refuses_the_file_with_its_place() {
    let cases = [
        (
            "203.0.113.10\n 203.0.113.300\n",
            2,
            2,
            "`203.0.113.300` is no IP address; write for example 203.0.113.10 or 2001:db8::1",
        ),
        (
            "203.0.113.10 203.0.113.11",
            1,
            1,
            "`203.0.113.10 203.0.113.11` is no IP address; write for example 203.0.113.10 or 2001:db8::1",
        ),
        (
            "203.0.113.10/32",
            1,
            1,
            "`203.0.113.10/32` is no IP address; write for example 203.0.113.10 or 2001:db8::1",
        ),
    ];
    for (text, line, column, message) in cases {
        let fault = file(text).unwrap_err();
        assert_eq!((fault.line, fault.column, fault.message.as_str()), (Some(line), Some(column), message));
    }
    for text in [
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(file(text).is_err(), "{text} is no VIP");
    }
}

#[test]
fn an_empty_file_is_one_that_is_being_written() {
    for text in ["", "\n \n"] {
        let fault = file(text).unwrap_err();
        assert_eq!(
            fault,
            Fault::whole("vips".into(), "is empty; if no VIP is meant, say so with a comment: # none".into())
        );
    }
}

#[test]
fn a_file_that_is_gone_is_a_fault() {
    assert!(read(Path::new("/nonexistent/vips")).is_err());
}
