//! From a [`CheckFile`] to a [`Check`]: what is missing, foreign or out of bounds is named.

use alloc::string::String;

use super::{
    AnswerStart, Check, CheckFile, CheckKind, DnsCheck, Exchange, HttpCheck, RadiusCheck, RadiusReply,
    Secret, Tls,
};
use crate::config::{FieldPath, Step};
use crate::health::{HealthError, HealthProblem};

/// Bytes of a text in a check at most: more than one packet proves nothing more.
const MAX_TEXT: usize = 1_400;
/// Bytes of a name in DNS at most, and of one label (RFC 1035 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
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
        ("code", file.code.is_some()),
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
    let server_name = file.server_name.clone().map(|name| dns_name("serverName", name)).transpose()?;
    Ok(Tls { verify: file.tls_verify.unwrap_or(true), server_name })
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
    let status = match file.code.unwrap_or(200) {
        0 => None,
        code @ 100..=599 => Some(code),
        code => return Err(error("code", HealthProblem::Status { code })),
    };
    let receive = bounded("receive", file.receive.unwrap_or_default(), MAX_TEXT)?;
    Ok(HttpCheck { method, path, host, proxy: file.proxy.unwrap_or(false), status, receive })
}

fn dns(file: CheckFile) -> Result<DnsCheck, HealthError> {
    let name = dns_name("name", required("name", file.name)?)?;
    let record = file.record.unwrap_or_default();
    let family_is_right = match record {
        super::DnsRecord::A => file.answer.is_none_or(|answer| answer.is_ipv4()),
        super::DnsRecord::Aaaa => file.answer.is_none_or(|answer| answer.is_ipv6()),
    };
    if !family_is_right {
        return Err(error("answer", HealthProblem::AnswerFamily { record }));
    }
    Ok(DnsCheck { name, record, answer: file.answer })
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
