//! What is refused, and what the options come to.

use super::super::{Format, import};

fn error(text: &str) -> String {
    import(text, Format::Ipvsadm).unwrap_err().to_string()
}

#[test]
fn a_text_that_cannot_be_read_is_refused_by_line() {
    for (text, expected) in [
        (
            "-A -t shop.example.com:https -s mh",
            "line 1: `shop.example.com:https` is no address; names are not resolved, so print numbers (`ipvsadm -S -n`)",
        ),
        ("-A -s mh", "line 1: after `-A -s mh` -t, -u, --sctp-service or -f is missing"),
        ("-A -t", "line 1: after `-t` an address is missing"),
        (
            "\n-a -t 203.0.113.10:80 -r 10.1.0.5:80 -g",
            "line 2: `Tcp 203.0.113.10:80` was not added before; put its -A line first",
        ),
        (
            "-A -t 203.0.113.10:80 -s mh\n-a -t 203.0.113.10:80 -r 10.1.0.5:80 -w -1",
            "line 2: `-1` is no number here; write one from 0 to 2147483647",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn long_options_say_the_same() {
    let short = "-A -t 203.0.113.10:80 -s mh -b mh-port\n-a -t 203.0.113.10:80 -r 10.1.0.5:80 -i -w 3";
    let long = "ipvsadm --add-service --tcp-service 203.0.113.10:80 --scheduler=mh --sched-flags mh-port\n\
                ipvsadm --add-server --tcp-service 203.0.113.10:80 --real-server 10.1.0.5:80 --ipip --weight=3";
    let [short, long] = [short, long].map(|text| import(text, Format::Ipvsadm).unwrap());
    assert_eq!(short, long);
    assert_eq!(short.remarks, []);
    assert_eq!(short.file.services[0].backends[0].weight, 3);
}

#[test]
fn what_is_not_known_is_told() {
    let text = "-A -t 203.0.113.10:80 -s mh --colour blue\n-D -t 203.0.113.10:80";
    let remarks = import(text, Format::Ipvsadm).unwrap().remarks;
    let told: Vec<_> = remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1: `--colour` is left out: it is not known here",
            "line 1: `blue` is left out: it is not known here",
            "line 2: `-D -t 203.0.113.10:80` is left out: only -A and -a are read, which is what `ipvsadm -S -n` prints",
        ]
    );
}
