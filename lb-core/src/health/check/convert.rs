//! From a [`CheckFile`] to a [`Check`]: what is missing, foreign or out of bounds is named.

use alloc::string::String;
use core::net::IpAddr;

use super::{
    AnswerStart, Check, CheckFile, CheckKind, DnsAnswer, DnsCheck, DnsRecord, Exchange, HttpCheck,
    RadiusCheck, RadiusReply, Secret, Tls, TlsClient,
};
use crate::config::{FieldPath, Step};
use crate::health::{HealthError, HealthProblem};

/// Bytes of a text in a check at most: more than one packet proves nothing more.
const MAX_TEXT: usize = 1_400;
/// Bytes of a name in DNS at most, and of one label (RFC 1035 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// Bytes of a file's path at most (Linux's PATH_MAX).
const MAX_PATH: usize = 4_096;
/// Bytes of a RADIUS user and password at most (RFC 2865 5.1, 5.2).
const MAX_USER: usize = 253;
const MAX_PASSWORD: usize = 128;

impl TryFrom<CheckFile> for Check {
    type Error = HealthError;

    /// # Errors
    /// Names the field that is missing, is not a parameter of the kind, or cannot be.
    fn try_from(file: CheckFile) -> Result<Self, HealthError> {
        reject_foreign(&file)?;
        if file.port == Some(0) {
            return Err(error("port", HealthProblem::Zero));
        }
        let (port, via) = (file.port, file.via.unwrap_or_default());
        Ok(Self { kind: kind(file)?, port, via })
    }
}

fn kind(file: CheckFile) -> Result<CheckKind, HealthError> {
    use super::CheckName;
    Ok(match file.kind {
        CheckName::Dns => CheckKind::Dns(dns(file)?),
        CheckName::Http => CheckKind::Http(http(file)?),
        CheckName::Https => {
            let tls = tls(&file)?;
            CheckKind::Https(http(file)?, tls)
        }
        CheckName::Icmp => CheckKind::Icmp,
        CheckName::Radius => CheckKind::Radius(radius(file)?),
        CheckName::Tcp => CheckKind::Tcp(exchange(file)?),
        CheckName::TcpTls => {
            let tls = tls(&file)?;
            CheckKind::TcpTls(exchange(file)?, tls)
        }
        CheckName::Udp => CheckKind::Udp(exchange(file)?),
    })
}

fn reject_foreign(file: &CheckFile) -> Result<(), HealthError> {
    let present = [
        ("port", file.port.is_some()),
        ("via", file.via.is_some()),
        ("send", file.send.is_some()),
        ("sendHex", file.send_hex.is_some()),
        ("receive", file.receive.is_some()),
        ("receiveHex", file.receive_hex.is_some()),
        ("tlsVerify", file.tls_verify.is_some()),
        ("serverName", file.server_name.is_some()),
        ("method", file.method.is_some()),
        ("path", file.path.is_some()),
        ("host", file.host.is_some()),
        ("proxy", file.proxy.is_some()),
        ("tlsCa", file.tls_ca.is_some()),
        ("tlsCertificate", file.tls_certificate.is_some()),
        ("tlsKey", file.tls_key.is_some()),
        ("code", file.code.is_some()),
        ("contains", file.contains.is_some()),
        ("name", file.name.is_some()),
        ("record", file.record.is_some()),
        ("answer", file.answer.is_some()),
        ("user", file.user.is_some()),
        ("password", file.password.is_some()),
        ("secret", file.secret.is_some()),
        ("reply", file.reply.is_some()),
    ];
    let right = file.kind.parameters();
    match present.iter().find(|(name, is_there)| *is_there && !right.contains(name)) {
        Some((name, _)) => Err(error(name, HealthProblem::NotAParameter { kind: file.kind, right })),
        None => Ok(()),
    }
}

fn exchange(file: CheckFile) -> Result<Exchange, HealthError> {
    let send = match (file.send, file.send_hex) {
        (Some(_), Some(_)) => return Err(error("sendHex", HealthProblem::Instead { other: "send" })),
        (None, Some(hex)) => bounded("sendHex", hex.into_bytes(), MAX_TEXT)?,
        (text, None) => bounded("send", text.unwrap_or_default().into_bytes(), MAX_TEXT)?,
    };
    let (field, receive) = match (file.receive, file.receive_hex) {
        (Some(_), Some(_)) => return Err(error("receiveHex", HealthProblem::Instead { other: "receive" })),
        (None, Some(hex)) => ("receiveHex", hex.into_answer()),
        (text, None) => ("receive", AnswerStart::from(text.unwrap_or_default().into_bytes())),
    };
    if receive.len() > MAX_TEXT {
        return Err(error(field, HealthProblem::TooLong { max: MAX_TEXT }));
    }
    Ok(Exchange { send, receive })
}

fn tls(file: &CheckFile) -> Result<Tls, HealthError> {
    let verify = file.tls_verify.unwrap_or(true);
    let server_name = file.server_name.clone().map(|name| dns_name("serverName", name)).transpose()?;
    let path = |field, path: &Option<String>| path.clone().map(|path| file_path(field, path)).transpose();
    let authorities = path("tlsCa", &file.tls_ca)?;
    if authorities.is_some() && !verify {
        return Err(error("tlsCa", HealthProblem::Ignored));
    }
    let client = match (path("tlsCertificate", &file.tls_certificate)?, path("tlsKey", &file.tls_key)?) {
        (Some(certificate), Some(key)) => Some(TlsClient { certificate, key }),
        (Some(_), None) => return Err(error("tlsCertificate", HealthProblem::Lonely { other: "tlsKey" })),
        (None, Some(_)) => return Err(error("tlsKey", HealthProblem::Lonely { other: "tlsCertificate" })),
        (None, None) => None,
    };
    Ok(Tls { verify, server_name, authorities, client })
}

fn file_path(field: &'static str, path: String) -> Result<String, HealthError> {
    if path.is_empty() { Err(error(field, HealthProblem::Empty)) } else { bounded(field, path, MAX_PATH) }
}

fn http(file: CheckFile) -> Result<HttpCheck, HealthError> {
    let method = file.method.unwrap_or_else(|| String::from("GET"));
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(error("method", HealthProblem::Method));
    }
    let path = bounded("path", file.path.unwrap_or_else(|| String::from("/")), MAX_TEXT)?;
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(error("path", HealthProblem::Path));
    }
    let host = file.host.map(|host| bounded("host", host, MAX_NAME)).transpose()?;
    if host.as_ref().is_some_and(|host| host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(error("host", HealthProblem::Name));
    }
    let receive = bounded("receive", file.receive.unwrap_or_default(), MAX_TEXT)?;
    let contains = bounded("contains", file.contains.unwrap_or_default(), MAX_TEXT)?;
    let (proxy, status) = (file.proxy.unwrap_or(false), file.code.unwrap_or_default());
    Ok(HttpCheck { method, path, host, proxy, status, receive, contains })
}

fn dns(file: CheckFile) -> Result<DnsCheck, HealthError> {
    let name = required("name", file.name)?;
    // The root has no label, but servers answer for it.
    let name = if name == "." { name } else { dns_name("name", name)? };
    let record = file.record.unwrap_or_default();
    let answer = file.answer.map(|answer| dns_answer(record, answer)).transpose()?;
    Ok(DnsCheck { name, record, answer })
}

fn dns_answer(record: DnsRecord, text: String) -> Result<DnsAnswer, HealthError> {
    let address = |is_of_family: fn(&IpAddr) -> bool| {
        let address = text.parse().ok().filter(is_of_family);
        address.map(DnsAnswer::Address).ok_or_else(|| error("answer", HealthProblem::AnswerFamily { record }))
    };
    match record {
        DnsRecord::A => address(IpAddr::is_ipv4),
        DnsRecord::Aaaa => address(IpAddr::is_ipv6),
        DnsRecord::Cname | DnsRecord::Mx | DnsRecord::Ns | DnsRecord::Soa => {
            dns_name("answer", text).map(DnsAnswer::Name)
        }
        DnsRecord::Txt => bounded("answer", text, MAX_TEXT).map(DnsAnswer::Text),
    }
}

fn radius(file: CheckFile) -> Result<RadiusCheck, HealthError> {
    let user = bounded("user", required("user", file.user)?, MAX_USER)?;
    let password = required("password", file.password)?;
    bounded("password", password.reveal(), MAX_PASSWORD)?;
    let secret: Secret = required("secret", file.secret)?;
    if user.is_empty() {
        return Err(error("user", HealthProblem::Empty));
    }
    if secret.reveal().is_empty() {
        return Err(error("secret", HealthProblem::Empty));
    }
    bounded("secret", secret.reveal(), MAX_TEXT)?;
    let reply: RadiusReply = file.reply.unwrap_or_default();
    Ok(RadiusCheck { user, password, secret, reply })
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, HealthError> {
    value.ok_or_else(|| error(field, HealthProblem::Missing))
}

fn bounded<T: AsRef<[u8]>>(field: &'static str, text: T, max: usize) -> Result<T, HealthError> {
    if text.as_ref().len() > max {
        return Err(error(field, HealthProblem::TooLong { max }));
    }
    Ok(text)
}

/// A name that can be asked for: letters, digits, `-` and `_` in labels; the last dot goes.
fn dns_name(field: &'static str, mut name: String) -> Result<String, HealthError> {
    if name.len() > 1 && name.ends_with('.') {
        name.pop();
    }
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if name.len() > MAX_NAME || !name.split('.').all(is_label) {
        return Err(error(field, HealthProblem::Name));
    }
    Ok(name)
}

/// A byte of a token (RFC 9110 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

fn error(field: &'static str, problem: HealthProblem) -> HealthError {
    HealthError { path: FieldPath::new([Step::Field("check"), Step::Field(field)]), problem }
}
