//! Why a handshake failed, in words for whoever runs the backend.

use rustls::{CertificateError, Error};

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The server ended it with an alert.
    #[error("the server ended TLS with the alert {0}")]
    Alert(String),
    /// The certificate is not one to trust.
    #[error("the certificate {0}")]
    Certificate(CertificateFault),
    /// What answers speaks no TLS.
    #[error("the server speaks no TLS; ask another port, or use the kind without TLS")]
    NoTls,
    /// Anything else, in the words of the TLS library.
    #[error("TLS failed: {0}")]
    Other(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// A signature is not that of the key it should be of.
    #[error("has a wrong signature: of an authority with a trusted one's name, or of another server's key")]
    BadSignature,
    /// Its time is over.
    #[error("has expired; renew it")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet; look at the clocks")]
    NotYetValid,
    /// Nobody vouches for it.
    #[error("is signed by no authority that is trusted here; send the chain, or name a file in tlsCa")]
    UnknownAuthority,
    /// It is somebody else's.
    #[error("is for other names than the one asked for; set serverName")]
    WrongName,
    /// Anything else, in the words of the TLS library.
    #[error("is refused: {0}")]
    Other(String),
}

impl From<&Error> for TlsFault {
    fn from(error: &Error) -> Self {
        match error {
            Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
            Error::InvalidCertificate(fault) => Self::Certificate(fault.into()),
            Error::InvalidMessage(_) => Self::NoTls,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::BadSignature => Self::BadSignature,
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotYetValid,
            E::UnknownIssuer => Self::UnknownAuthority,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::WrongName,
            other => Self::Other(other.to_string()),
        }
    }
}
