//! What all tests here need: servers that die with their test, certificates, and one check, carried out.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lb_agent::probe::{Failure, Preparer, Report, Target};
use lb_core::health::{Check, CheckFile};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// What a check has for everything where it is to succeed: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// What it has where it is to time out.
pub(crate) const BRIEF: Duration = Duration::from_millis(400);

/// Carries out a check, written as a person writes it.
pub(crate) async fn run(check: &str, target: SocketAddr, limit: Duration) -> Report {
    let file: CheckFile = serde_json::from_str(check).unwrap_or_else(|error| panic!("{check}: {error}"));
    let check = Check::try_from(file).expect("a valid check");
    let prepared = Preparer::new().prepare(&check).expect("its files are there");
    prepared.run(&Target::plain(target), limit).await
}

/// Checks, each with what must come of it.
pub(crate) async fn expect(target: SocketAddr, table: &[(&str, Result<(), Failure>)]) {
    for (check, result) in table {
        let limit = if matches!(result, Err(Failure::Timeout { .. })) { BRIEF } else { PATIENCE };
        let report = run(check, target, limit).await;
        assert_eq!(report.result, *result, "{check}");
    }
}

/// A program, or `None` where a test may be skipped for want of it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Says that a test is skipped; in CI that is a failure.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}, and CI must not skip");
    eprintln!("skipped: {why}");
}

/// A server that is killed with its test, and the folder it lives in.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// Starts a server that listens on `address`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        folder: TempDir,
        address: SocketAddr,
    ) -> Self {
        let log = fs::File::create(folder.path().join("log")).expect("the folder is ours");
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Self { child, address, _folder: folder }
    }

    /// Waits until it accepts connections.
    pub(crate) fn listening(mut self) -> Self {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            self.must_live(began);
        }
        self
    }

    /// Waits a moment for what is not ready yet.
    pub(crate) fn must_live(&mut self, since: Instant) {
        let ended = self.child.try_wait().expect("it is our child");
        if ended.is_some() || since.elapsed() > PATIENCE {
            let log = fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
            panic!("the server is not ready ({ended:?}): {log}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of loopback whose port is free in both protocols.
pub(crate) fn free() -> SocketAddr {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let address = udp.local_addr().expect("it is bound");
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free in both protocols");
}

/// A listener that takes connections and says nothing, ever.
pub(crate) fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// An authority of the test's own, and what it signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("authority of the test")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        // Not the name of what it signs, or chains look like circles to openssl.
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("an authority");
        let folder = folder();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("the folder is ours");
        Self { issuer, folder }
    }

    /// The file of its own certificate.
    pub(crate) fn file(&self) -> String {
        self.path("ca.pem")
    }

    /// Signs a certificate; the paths of `NAME.pem` and `NAME.key`.
    pub(crate) fn sign(
        &self,
        name: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).expect("names of hosts");
        change(&mut parameters);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        let (pem, secret) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        fs::write(&pem, certificate.pem()).expect("the folder is ours");
        fs::write(&secret, key.serialize_pem()).expect("the folder is ours");
        (pem, secret)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the test's folder is UTF-8").to_owned()
    }
}
