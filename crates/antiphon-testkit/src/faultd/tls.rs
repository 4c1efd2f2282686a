//! TLS with certificates made at the start: good ones, and each kind that a client must refuse.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// For `localhost` and 127.0.0.1, by the authority that [`super::Faultd::ca_pem`] gives.
    Valid,
    /// The same, but its time is over.
    Expired,
    /// By that authority, for another host.
    WrongHost,
    /// For `localhost` and 127.0.0.1, by nobody but itself.
    SelfSigned,
}

/// The start of a record that holds a ServerHello, and no more.
pub(super) const HALF_SERVER_HELLO: &[u8; 11] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";

/// A server's side of TLS.
pub(super) struct Acceptor {
    acceptor: TlsAcceptor,
    pub(super) ca_pem: String,
}

impl Acceptor {
    pub(super) fn new(certificate: Certificate, alpn: &[String]) -> Self {
        let made = make(certificate).expect("the parameters are constants");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![made.chain], made.key))
            .expect("the key is the certificate's");
        config.alpn_protocols = alpn.iter().map(|name| name.clone().into_bytes()).collect();
        Self { acceptor: Arc::new(config).into(), ca_pem: made.ca_pem }
    }

    pub(super) async fn accept(&self, socket: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(socket).await
    }
}

struct Made {
    chain: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    ca_pem: String,
}

fn make(certificate: Certificate) -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "faultd authority");
    let authority_key = KeyPair::generate()?;
    let ca_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let names: &[&str] = match certificate {
        Certificate::WrongHost => &["elsewhere.example"],
        _ => &["localhost", "127.0.0.1"],
    };
    let mut leaf = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
    leaf.distinguished_name.push(DnType::CommonName, "faultd");
    if certificate == Certificate::Expired {
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate()?;
    let signed = match certificate {
        Certificate::SelfSigned => leaf.self_signed(&key)?,
        _ => leaf.signed_by(&key, &issuer)?,
    };
    Ok(Made { chain: signed.der().clone(), key: key.into(), ca_pem })
}
