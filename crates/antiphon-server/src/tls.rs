//! TLS from two PEM files.

use std::path::Path;
use std::sync::Arc;

use antiphon::Result;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::settings::{Settings, wrong};

/// What answers TLS; `None` where the settings name no certificate.
pub(crate) fn acceptor(settings: &Settings) -> Result<Option<TlsAcceptor>> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
    let chain = chain(cert)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong("tls_key", format_args!("cannot read {}: {error}", key.display())))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| wrong("tls_cert", format_args!("does not go with tls_key: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |error: &dyn std::fmt::Display| {
        wrong("tls_cert", format_args!("cannot read {}: {error}", path.display()))
    };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| failed(&error))?;
    if chain.is_empty() { Err(failed(&"it holds no certificate")) } else { Ok(chain) }
}
