//! Tests of names: what is one, and what is said of what is none.

use super::*;

#[test]
fn names() {
    let long = "a".repeat(64);
    for (text, is_name) in [
        ("checkout", true),
        ("slc-a-1", true),
        ("1", true),
        (&long[..63], true),
        (&long, false),
        ("", false),
        ("-a", false),
        ("a-", false),
        ("Checkout", false),
        ("a.b", false),
        ("a_b", false),
        ("é", false),
    ] {
        assert_eq!(text.parse::<Name>().is_ok(), is_name, "{text}");
    }
}

#[test]
fn host_names() {
    let long = format!("{}.com", "a.".repeat(126));
    let table = [
        ("checkout.example.com", Ok("checkout.example.com")),
        ("A.B.", Ok("a.b")),
        ("*.example.com", Ok("*.example.com")),
        ("_https._tcp.example.com", Ok("_https._tcp.example.com")),
        ("checkout", Err(ParseFqdnError::Short)),
        ("*.com.*", Err(ParseFqdnError::Star)),
        ("a*.example.com", Err(ParseFqdnError::Star)),
        ("a..b", Err(ParseFqdnError::Label)),
        ("", Err(ParseFqdnError::Label)),
        ("*.", Err(ParseFqdnError::Star)),
        ("bücher.example", Err(ParseFqdnError::NotAscii)),
        ("https://a.b", Err(ParseFqdnError::Label)),
        (long.as_str(), Err(ParseFqdnError::Long)),
        ("203.0.113.10", Err(ParseFqdnError::Number)),
        ("*.0.113.10", Err(ParseFqdnError::Number)),
        ("10.example", Ok("10.example")),
        ("a_b.example.com", Err(ParseFqdnError::Label)),
        ("-a.example.com", Err(ParseFqdnError::Label)),
    ];
    for (text, expected) in table {
        let read = text.parse::<Fqdn>();
        assert_eq!(read.as_ref().map(Fqdn::as_str).map_err(|error| *error), expected, "{text}");
    }
}

#[test]
fn below_a_domain_is_not_beside_it() {
    let below = |name: &str, domain: &str| name.parse::<Fqdn>().unwrap().is_below(&domain.parse().unwrap());
    assert!(below("a.example.com", "example.com") && below("example.com", "example.com"));
    assert!(!below("badexample.com", "example.com") && !below("example.com", "a.example.com"));
}

#[test]
fn names_that_only_zones_have() {
    let label = "a".repeat(63);
    let longest = [&*label, &*label, &*label, &label[..61]].join(".");
    let (too_long, escapes) = (format!("a{longest}"), format!(r"{}.b", r"\001".repeat(63)));
    let table = [
        ("A_b.Example.com.", Ok("a_b.example.com")),
        ("_acme-challenge.example.com", Ok("_acme-challenge.example.com")),
        ("-.example.com", Ok("-.example.com")),
        ("a.*.example.com", Ok("a.*.example.com")),
        ("com", Ok("com")),
        ("7.0.0.10", Ok("7.0.0.10")),
        ("a/b c.d", Ok(r"a/b\032c.d")),
        (r"\042.Example.com", Ok("*.example.com")),
        (r"\a\.b\\.c\009", Ok(r"a\.b\\.c\009")),
        (r"a\.", Ok(r"a\.")),
        (&escapes, Ok(&escapes)),
        (&longest, Ok(&longest)),
        (&too_long, Err(ParseDnsNameError::Label)),
        (&format!("a.{longest}"), Err(ParseDnsNameError::Long)),
        ("", Err(ParseDnsNameError::Label)),
        (".", Err(ParseDnsNameError::Label)),
        ("a..b", Err(ParseDnsNameError::Label)),
        (".a", Err(ParseDnsNameError::Label)),
        ("a\\", Err(ParseDnsNameError::Escape)),
        (r"\25", Err(ParseDnsNameError::Escape)),
        (r"\256.a", Err(ParseDnsNameError::Escape)),
        (r"\052.a", Err(ParseDnsNameError::Escape)),
        ("b\u{fc}cher.example", Err(ParseDnsNameError::NotAscii)),
    ];
    for (text, expected) in table {
        let read = text.parse::<DnsName>();
        assert_eq!(read.as_ref().map(DnsName::as_str).map_err(|error| *error), expected, "{text}");
        if let Ok(name) = read {
            assert_eq!(name.as_str().parse(), Ok(name.clone()), "its own text is read as itself");
            assert_eq!(name.host_name(), name.as_str().parse().ok(), "{text}");
        }
    }
}
