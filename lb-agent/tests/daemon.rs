//! The daemon as a process without a kernel that it may touch: what it says from the start, what it makes of
//! signals and of files, and what it traces.
//!
//! It runs without capabilities, so it can neither read nor change IPVS here; its collector is a socket of the test's
//! own, which decodes requests by OpenTelemetry's published schema.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const PATIENCE: Duration = Duration::from_secs(30);

fn node(folder: &Path, generation: u32, collector: SocketAddr) -> String {
    format!(
        "
generation: {generation}
ownedPrefixes: [203.0.113.0/24]
announce: {{ drainDelay: 0s }}
control: {{ socket: {folder}/control.sock }}
log: {{ level: error }}
tracing: {{ address: 127.0.0.1, port: {port} }}
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    scheduler: {{ kind: ipvs-mh, port: true, fallback: true }}
    backends: [{{ address: 192.0.2.10 }}, {{ address: 192.0.2.9 }}]
",
        folder = folder.display(),
        port = collector.port(),
    )
}

/// A collector that takes all: the names of the spans that it is sent, as they come.
fn collector() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    let (sender, names) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("the agent connects");
            let mut reader = BufReader::new(stream.try_clone().expect("descriptors are left"));
            let head = reader
                .by_ref()
                .lines()
                .map(|line| line.expect("a head is text"))
                .take_while(|line| !line.is_empty());
            let length = head
                .filter_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .last();
            let mut content = vec![0; length.expect("the agent says how long it is")];
            reader.read_exact(&mut content).expect("as long as it said");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .expect("the agent waits for it");
            let request = ExportTraceServiceRequest::decode(content.as_slice()).expect("it is of the schema");
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            for span in scopes.flat_map(|scope| scope.spans) {
                let attributes = span.attributes.iter().map(|attribute| attribute.key.as_str());
                let failed = attributes.clone().any(|key| key == "error.type");
                // the test may be over
                let _ = sender.send(format!("{}{}", span.name, if failed { ", failed" } else { "" }));
            }
        }
    });
    (address, names)
}

/// The agent, ended with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the agent without any capability, whoever runs the test, and with few open files.
fn start(file: &Path) -> Option<Agent> {
    start_with(file, Stdio::null())
}

fn start_with(file: &Path, input: impl Into<Stdio>) -> Option<Agent> {
    let program = env!("CARGO_BIN_EXE_lb-agent");
    let mut command = Command::new("prlimit");
    command.args(["--nofile=64:2048", "setpriv"]);
    // as root this takes away what an exec would give back; anybody else has none
    if rustix::process::geteuid().is_root() {
        command.args(["--bounding-set=-all", "--inh-caps=-all"]);
    } else {
        command.arg("--no-new-privs");
    }
    match command.arg(program).arg("--config").arg(file).stdin(input).spawn() {
        Ok(child) => Some(Agent(child)),
        Err(error) => {
            assert!(std::env::var("CI").is_err(), "prlimit (util-linux) is needed: {error}");
            eprintln!("skipped: prlimit (util-linux) cannot be run: {error}");
            None
        }
    }
}

/// What a command says, once the agent answers.
fn ask(folder: &Path, arguments: &[&str]) -> String {
    let start = Instant::now();
    loop {
        let socket = folder.join("control.sock");
        let output = Command::new(env!("CARGO_BIN_EXE_lb-agent"))
            .args(arguments)
            .arg("--socket")
            .arg(socket)
            .output()
            .expect("the agent was built");
        let complaint = String::from_utf8(output.stderr).expect("it prints UTF-8");
        if !complaint.contains("is lb-agent running with this socket") {
            return String::from_utf8(output.stdout).expect("it prints UTF-8") + &complaint;
        }
        assert!(start.elapsed() < PATIENCE, "{complaint}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn next(names: &Receiver<String>) -> Result<String, RecvTimeoutError> {
    names.recv_timeout(PATIENCE)
}

#[test]
fn what_is_configured_is_there_from_the_start_and_reloads_and_the_end_are_traced() {
    let folder = tempfile::tempdir().unwrap();
    let (address, names) = collector();
    let file = folder.path().join("node.yaml");
    std::fs::write(&file, node(folder.path(), 1, address)).unwrap();
    let Some(mut agent) = start(&file) else { return };

    // nothing is known of the kernel, but the file is
    let status: serde_json::Value = serde_json::from_str(&ask(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["services"][0]["service"], "203.0.113.10:443/tcp");
    assert_eq!(status["services"][0]["state"], "unknown");
    assert_eq!(status["services"][0]["backends"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&status["vips"][0]["vip"], &status["vips"][0]["announced"]),
        (&"203.0.113.10".into(), &false.into())
    );
    let said = ask(folder.path(), &["drain", "192.0.2.9"]);
    assert!(said.contains("in 1 service"), "{said}");
    let said = ask(folder.path(), &["explain", "tcp,192.0.2.1,40000,203.0.113.10,443"]);
    assert!(said.contains("the kernel has not been read yet"), "{said}");
    let said = ask(folder.path(), &["explain", "tcp,192.0.2.1,40000,203.0.113.11,443"]);
    assert!(said.contains("no service of this node"), "{said}");

    std::fs::write(&file, node(folder.path(), 2, address)).unwrap();
    ask(folder.path(), &["reload"]);
    assert_eq!(next(&names).as_deref(), Ok("reload"));
    std::fs::write(&file, "services: [").unwrap();
    ask(folder.path(), &["reload"]);
    assert_eq!(next(&names).as_deref(), Ok("reload, failed"));
    let said = ask(folder.path(), &["reload"]);
    assert!(said.contains("refused: line 1"), "a second look makes it no better: {said}");
    assert_eq!(next(&names).as_deref(), Ok("reload, failed"));

    signal(&agent, nix::sys::signal::Signal::SIGTERM);
    assert_eq!(next(&names).as_deref(), Ok("shutdown"));
    assert!(agent.0.wait().unwrap().success());
}

/// Sends a signal to the agent.
fn signal(agent: &Agent, signal: nix::sys::signal::Signal) {
    let process = agent.0.id().try_into().expect("processes have small numbers");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), signal).expect("it is a child of ours");
}

/// A file with nothing to serve.
fn empty(folder: &Path, more: &str) -> String {
    format!(
        "ownedPrefixes: [203.0.113.0/24]\nlog: {{ level: error }}\nservices: []\n\
         control: {{ socket: {}/control.sock{more} }}\n",
        folder.display()
    )
}

#[test]
fn a_wish_to_reload_that_comes_before_the_file_was_read_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, regular) = (folder.path().join("node.yaml"), folder.path().join("regular"));
    // a pipe tells when the agent reads it, and holds it there
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let Some(mut agent) = start(&file) else { return };
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    signal(&agent, nix::sys::signal::Signal::SIGHUP);
    std::fs::write(&regular, empty(folder.path(), "")).unwrap();
    std::fs::rename(&regular, &file).unwrap();
    pipe.write_all(empty(folder.path(), "").as_bytes()).unwrap();
    drop(pipe);
    let status: serde_json::Value = serde_json::from_str(&ask(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["state"], "running");

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", agent.0.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("2048"), "it takes what it may have");

    // twice, as an impatient person does
    signal(&agent, nix::sys::signal::Signal::SIGTERM);
    signal(&agent, nix::sys::signal::Signal::SIGTERM);
    assert!(agent.0.wait().unwrap().success());
    assert!(!folder.path().join("control.sock").exists());
}

#[test]
fn standard_input_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(empty(folder.path(), "").as_bytes()).unwrap();
    drop(writer);
    let Some(_agent) = start_with(Path::new("-"), reader) else { return };
    let said = ask(folder.path(), &["reload"]);
    assert!(said.contains("standard input, which is read once"), "{said}");
}

#[test]
fn a_scrape_waits_for_no_kernel_and_whoever_holds_the_door_open_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.yaml");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("metrics: {{ address: \"127.0.0.1:{port}\" }}\n");
    std::fs::write(&file, empty(folder.path(), "") + &metrics).unwrap();
    let Some(_agent) = start(&file) else { return };
    ask(folder.path(), &["status"]);
    let start = Instant::now();
    for _ in 0..40 {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.contains("\nlb_agent_kernel_programmed 0.0\n"), "{text}");
        assert!(!text.contains("lb_agent_kernel_listing_age_seconds"), "{text}");
    }
    assert!(start.elapsed() < PATIENCE, "one text serves all who come within a second");
}

#[test]
fn a_socket_is_its_groups_although_privileges_are_dropped() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var("CI").is_err(), "this takes root");
        return eprintln!("skipped: only root gives files to a group that it is not of");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.yaml");
    std::fs::write(&file, empty(folder.path(), ", group: '54321'")).unwrap();
    // a network of its own: here it has the privileges to change one
    let program = env!("CARGO_BIN_EXE_lb-agent");
    let child = Command::new("unshare").args(["--net", program, "--config"]).arg(&file).spawn().unwrap();
    let agent = Agent(child);
    ask(folder.path(), &["status"]);
    let socket = std::fs::metadata(folder.path().join("control.sock")).unwrap();
    assert_eq!((socket.gid(), socket.mode() & 0o777), (54321, 0o660));
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    let held = |set: &str| status.lines().find_map(|line| line.strip_prefix(set)).unwrap().trim().to_owned();
    // CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW
    assert_eq!([held("CapPrm:"), held("CapEff:"), held("CapBnd:")], ["0000000000003400"; 3]);
}
