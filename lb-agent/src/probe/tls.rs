//! TLS as a client: whom to trust, who we are, and why a handshake failed.
//!
//! Sessions are never resumed: a resumed handshake shows no certificate, so one that ran out
//! would go unnoticed. Unverified means that any certificate will do, but its key must still
//! have signed the handshake.

mod fault;
mod unverified;

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use lb_core::health::{Exchange, Tls, TlsClient};

use super::dial::{self, Use};
use super::failure::Failure;
use super::prepared::PrepareError;
use super::report::{Phase, Progress};
use super::target::Target;
use super::tcp;

pub use fault::{CertificateFault, TlsFault};
use unverified::Unverified;

/// A client's side of TLS, made ready.
pub(super) struct Client {
    connector: TlsConnector,
    /// `None` for the address asked.
    name: Option<ServerName<'static>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects and shakes hands.
    pub(super) async fn connect(
        &self,
        target: &Target,
        port: u16,
        progress: &mut Progress,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let stream = dial::tcp(target, port, Use::Talk, Phase::Tls, progress).await?;
        let name = self.name.clone().unwrap_or_else(|| ServerName::IpAddress(target.address.into()));
        let connected = self.connector.connect(name, stream).await;
        let stream = connected.map_err(|error| Failure::of(&error, Phase::Tls))?;
        progress.enter(Phase::Answer);
        Ok(stream)
    }
}

/// A connection, a handshake, then the exchange if there is one.
pub(super) async fn check(
    exchange: &Exchange,
    client: &Client,
    target: &Target,
    port: u16,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut stream = client.connect(target, port, progress).await?;
    if exchange.is_empty() {
        return Ok(());
    }
    tcp::converse(exchange, &mut stream, progress).await
}

/// Configurations of TLS, each made once for all checks that want the same.
#[derive(Debug)]
pub(super) struct Clients {
    provider: Arc<CryptoProvider>,
    /// By file; the system's without one.
    authorities: BTreeMap<Option<String>, Arc<RootCertStore>>,
    configs: BTreeMap<Wanted, Arc<ClientConfig>>,
}

/// What distinguishes one configuration from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    verify: bool,
    authorities: Option<String>,
    client: Option<TlsClient>,
}

impl Default for Clients {
    fn default() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self { provider, authorities: BTreeMap::new(), configs: BTreeMap::new() }
    }
}

impl Clients {
    pub(super) fn client(&mut self, tls: &Tls) -> Result<Client, PrepareError> {
        let name = match &tls.server_name {
            None => None,
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|_| PrepareError::ServerName { name: name.clone() })?,
            ),
        };
        Ok(Client { connector: self.config(tls)?.into(), name })
    }

    fn config(&mut self, tls: &Tls) -> Result<Arc<ClientConfig>, PrepareError> {
        let Tls { verify, authorities, client, .. } = tls.clone();
        let wanted = Wanted { verify, authorities, client };
        if let Some(config) = self.configs.get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for every version of TLS");
        let builder = if wanted.verify {
            builder.with_root_certificates(self.authorities(wanted.authorities.as_deref())?)
        } else {
            let any = Unverified::new(Arc::clone(&self.provider));
            builder.dangerous().with_custom_certificate_verifier(Arc::new(any))
        };
        let mut config = match &wanted.client {
            None => builder.with_no_client_auth(),
            Some(TlsClient { certificate, key }) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| PrepareError::Key { file: key.clone(), reason: error.to_string() })?,
        };
        config.resumption = Resumption::disabled();
        let config = Arc::new(config);
        self.configs.insert(wanted, Arc::clone(&config));
        Ok(config)
    }

    fn authorities(&mut self, file: Option<&str>) -> Result<Arc<RootCertStore>, PrepareError> {
        let key = file.map(str::to_owned);
        if let Some(store) = self.authorities.get(&key) {
            return Ok(Arc::clone(store));
        }
        let mut store = RootCertStore::empty();
        match file {
            Some(file) => {
                for certificate in certificates(file)? {
                    let unusable = |error: rustls::Error| PrepareError::Pem {
                        file: file.into(),
                        reason: error.to_string(),
                    };
                    store.add(certificate).map_err(unusable)?;
                }
            }
            None => {
                // Systems carry some that are out of date; one that works is enough to begin with.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    return Err(PrepareError::NoAuthorities);
                }
            }
        }
        let store = Arc::new(store);
        self.authorities.insert(key, Arc::clone(&store));
        Ok(store)
    }
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, PrepareError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unreadable(file, &error))?;
    if certificates.is_empty() {
        return Err(PrepareError::Pem { file: file.into(), reason: "no certificate is in it".into() });
    }
    Ok(certificates)
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, PrepareError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &str, error: &pem::Error) -> PrepareError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "no key is in it".into(),
        other => other.to_string(),
    };
    PrepareError::Pem { file: file.into(), reason }
}
