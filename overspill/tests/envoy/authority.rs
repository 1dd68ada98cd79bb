//! An authority of the test, what it signs, and clients and servers of TLS that trust it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use mesh_model::envoy;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::client;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Signed {
    /// The secret that SDS gives.
    pub(crate) fn secret(&self, name: &str) -> Value {
        envoy::certificate(name, &self.chain, &self.key)
    }

    pub(crate) fn parsed(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap())
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn sign(&self, names: &[&str]) -> Signed {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names.clone()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, &*names[0]);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Signed { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// The secret with the authority itself.
    pub(crate) fn secret(&self, name: &str) -> Value {
        envoy::authorities(name, &self.0.pem())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.0.pem().as_bytes()).unwrap()).unwrap();
        Arc::new(roots)
    }

    /// A connection over TLS, to a name that the certificate must have.
    pub(crate) fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        own: Option<&Signed>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let config = ClientConfig::builder().with_root_certificates(self.roots());
        let config = match own.map(Signed::parsed) {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let server = ServerName::try_from(name.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::new(config), server).unwrap();
        StreamOwned::new(connection, client::connect(address))
    }

    /// Asks for a page over TLS, by a name that the certificate must have.
    pub(crate) fn get(
        &self,
        address: SocketAddr,
        name: &str,
        path: &str,
        own: Option<&Signed>,
    ) -> io::Result<client::Response> {
        let mut stream = self.connect(address, name, own);
        client::exchange(&mut stream, &format!("GET {path}"), name, "")
    }

    /// What makes a connection one of TLS, with this certificate; clients must have one of `clients`.
    pub(crate) fn accept(
        own: &Signed,
        clients: Option<&Self>,
    ) -> impl Fn(TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> + use<> {
        let config = match clients {
            Some(clients) => {
                let verifier = WebPkiClientVerifier::builder(clients.roots()).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
            None => ServerConfig::builder().with_no_client_auth(),
        };
        let (chain, key) = own.parsed();
        let config = Arc::new(config.with_single_cert(chain, key).unwrap());
        move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(StreamOwned::new(connection, stream))
        }
    }
}
