//! Clients that mean harm: ways around a rule of paths, headers that claim what only the gateway knows, and
//! that what is not HTTP as usual (an upgrade) works and obeys the rules, too.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::backend::Backend;
use crate::gateway::Site;
use crate::{client, envoy, gateway_of, networking};

const ADMIN: &str = "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: admin }
spec: { action: DENY, rules: [{ from: [{ source: { notIpBlocks: [10.0.0.0/8] } }], to: [{ operation: { paths: ['/admin', '*/admin'] } }] }] }
";

#[test]
fn no_way_of_writing_a_path_leads_around_a_rule() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let mut site = Site::plain("[{ route: [{ destination: { host: web } }] }]", &[("web", &[web.address])]);
    site.add(ADMIN);
    let _gateway = site.start(&envoy);
    let mut wrong = Vec::new();
    for (path, expected) in [
        ("/admin", 403),
        ("//admin", 403),
        ("///x//admin", 403),
        ("/%61dmin", 403),
        ("/%61%64%6D%69%6e", 403),
        ("/./admin", 403),
        ("/x/../admin", 403),
        ("/x/%2e%2e/admin", 403),
        ("/x/..;/admin", 403),
        ("\\admin", 400),
        ("/x\\..\\admin", 403),
        ("/x/%2E%2E%2fadmin", 307),
        ("/x%5cadmin", 307),
        ("/admin?/public", 403),
        ("/admin#/public", 400),
        ("http://shop.example.com/admin", 403),
        ("http://shop.example.com//admin", 403),
        // what these are is the destination's to say; a rule that means them, too, must name them
        ("/admin/", 200),
        ("/ADMIN", 200),
        ("/admin;x=1", 200),
        ("/admin%3Fx", 200),
    ] {
        let before = web.seen().len();
        let status = client::get(site.at, "shop.example.com", path).status;
        let reached = web.seen().len() - before;
        if (status, reached) != (expected, usize::from(expected == 200)) {
            wrong.push((path, status, reached));
        }
    }
    assert_eq!(wrong, [], "path, status, and whether it got through");
    // no header that some proxies take for the path is
    for header in ["X-Original-URL", "X-Rewrite-URL", "X-Envoy-Original-Path", "X-HTTP-Method-Override"] {
        let headers = format!("{header}: /public\r\n");
        assert_eq!(client::ask(site.at, "GET /admin", "shop.example.com", &headers).status, 403, "{header}");
    }
    // a method is one whatever it is called, and nobody is led through to elsewhere
    assert_eq!(client::ask(site.at, "POST /admin", "shop.example.com", "Content-Length: 0\r\n").status, 403);
    let before = web.seen().len();
    assert_ne!(client::ask(site.at, "CONNECT shop.example.com:80", "shop.example.com:80", "").status, 200);
    assert_eq!(web.seen().len(), before);
}

#[test]
fn what_a_client_claims_of_itself_is_not_passed_on() {
    let Some(envoy) = envoy() else { return };
    let web = Backend::new("web");
    let mut site = Site::plain(
        "[{ timeout: 5s, retries: { attempts: 0 }, route: [{ destination: { host: web } }] }]",
        &[("web", &[web.address])],
    );
    site.proxy.access_log = true;
    let gateway = site.start(&envoy);
    let headers = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n\
        X-Forwarded-Client-Cert: URI=spiffe://cluster.local/ns/bank/sa/teller\r\n\
        X-Envoy-Original-Path: /innocent\r\nX-Envoy-External-Address: 10.1.1.1\r\nX-Envoy-Internal: true\r\n\
        X-Envoy-Upstream-Rq-Timeout-Ms: 1\r\nX-Envoy-Max-Retries: 99\r\nX-Envoy-Retry-On: 5xx\r\n";
    assert_eq!(client::ask(site.at, "GET /real", "shop.example.com", headers).status, 200);
    let head = web.seen()[0].to_ascii_lowercase();
    let of = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    // for a peer on the same machine Envoy writes the machine's address behind it
    let chain = of("x-forwarded-for").unwrap();
    assert!(chain.starts_with("10.1.1.1,") && chain.matches(',').count() == 1, "the last is its own: {head}");
    assert_eq!(of("x-forwarded-proto"), Some("http"));
    for name in [
        "x-forwarded-client-cert",
        "x-envoy-internal",
        "x-envoy-original-path",
        "x-envoy-max-retries",
        "x-envoy-retry-on",
        "x-envoy-upstream-rq-timeout-ms",
    ] {
        assert_eq!(of(name), None, "{name}: {head}");
    }
    assert_eq!(of("x-envoy-external-address"), Some("127.0.0.1"));
    let line = &gateway.requests(1)[0];
    assert_eq!(line["path"], "/real", "nobody writes our log");
}

#[test]
fn an_upgrade_is_carried_and_obeys_the_rules() {
    let Some(envoy) = envoy() else { return };
    let listener = TcpListener::bind("127.0.79.5:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let head = client::head(&mut stream).unwrap().to_ascii_lowercase();
            assert!(head.contains("upgrade: websocket"), "{head}");
            let _ = stream.write_all(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            let mut bytes = [0; 5];
            while stream.read_exact(&mut bytes).is_ok() {
                bytes.reverse();
                let _ = stream.write_all(&bytes);
            }
        }
    });
    let mut site = Site::plain("[{ route: [{ destination: { host: chat } }] }]", &[("chat", &[address])]);
    site.add(ADMIN);
    let _gateway = site.start(&envoy);
    let ask = |path: &str| {
        let mut stream = client::connect(site.at);
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        let response =
            client::kept(&mut stream, &format!("GET {path}"), "shop.example.com", upgrade).unwrap();
        (stream, response.status)
    };
    let (mut stream, status) = ask("/chat");
    assert_eq!(status, 101);
    for (sent, expected) in [(b"hello", b"olleh"), (b"\x00\xff\r\n\x01", b"\x01\n\r\xff\x00")] {
        stream.write_all(sent).unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, expected);
    }
    assert_eq!(ask("/chat//admin").1, 403);
}

#[test]
fn the_narrowest_host_and_the_first_match_win() {
    let Some(envoy) = envoy() else { return };
    let mut site = Site::plain("[{ directResponse: { status: 200, body: { string: exact } } }]", &[]);
    site.add(&gateway_of("wide", site.at.port(), "HTTP", "*"));
    let answer = "http: [{ directResponse: { status: 200, body: { string: wide } } }]";
    let wide = format!("{{ hosts: ['*.example.com'], gateways: [wide], {answer} }}");
    site.add(&networking("VirtualService", "wide", &wide));
    let wider = "
  hosts: ['*']
  gateways: [wide]
  http:
    - { match: [{ uri: { exact: /Menu }, ignoreUriCase: true }], directResponse: { status: 200, body: { string: menu } } }
    - { match: [{ uri: { prefix: /a }, withoutHeaders: { x-bot: {} } }], directResponse: { status: 200, body: { string: people } } }
    - { match: [{ uri: { prefix: /a } }], directResponse: { status: 200, body: { string: bots } } }
    - { match: [{ uri: { prefix: /to } }], redirect: { port: 8443, scheme: https, prefixRewrite: /from } }
    - { match: [{ uri: { regex: '/u/[0-9]+' } }], directResponse: { status: 200, body: { string: number } } }
    - { directResponse: { status: 200, body: { string: any } } }
";
    site.add(&networking("VirtualService", "wider", wider));
    let _gateway = site.start(&envoy);
    let body = |host: &str, path: &str, headers: &str| {
        client::ask(site.at, &format!("GET {path}"), host, headers).body
    };
    for (host, path, headers, expected) in [
        ("shop.example.com", "/", "", "exact"),
        ("SHOP.example.com:80", "/", "", "exact"),
        ("b.example.com", "/", "", "wide"),
        ("a.b.example.com", "/", "", "wide"),
        ("example.com", "/", "", "any"),
        ("xexample.com", "/MENU", "", "menu"),
        ("x.org", "/menus", "", "any"),
        ("x.org", "/a", "", "people"),
        ("x.org", "/a", "X-Bot: 1\r\n", "bots"),
        ("x.org", "/u/12", "", "number"),
        ("x.org", "/u/12?q=1", "", "number"),
        ("x.org", "/u/12/x", "", "any"),
        ("x.org", "/xu/12", "", "any"),
    ] {
        assert_eq!(body(host, path, headers), expected, "{host}{path} {headers}");
    }
    let response = client::get(site.at, "x.org", "/to/x?q=1");
    assert_eq!((response.status, response.header("location")), (301, "https://x.org:8443/from/x?q=1"));
}
