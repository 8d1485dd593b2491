//! TLS: whose certificates are believed.
//!
//! 1. A certificate must lead to a root of Mozilla's list, or to one of the user's file, which then stands alone.
//! 2. [`Certificates::Unchecked`] believes every certificate. The server still proves that it has the key of what it shows. Whoever sets
//!    up a client so is told by [`HttpSettings::is_authentic`](super::settings::HttpSettings::is_authentic).

// Threats: A6.

use core::fmt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// Whether certificates of servers are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificates {
    /// They are.
    #[default]
    Checked,
    /// They are not: whoever is on the way may be the server.
    Unchecked,
}

/// Returns the configuration for servers: with the roots of `cacert` alone, where there is one.
pub(super) fn to_servers(cacert: Option<&Path>, certificates: Certificates) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = cacert {
        roots = RootCertStore::empty();
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let versions = versions.map_err(TlsError::Protocol)?;
    Ok(match certificates {
        Certificates::Checked => versions.with_root_certificates(roots).with_no_client_auth(),
        Certificates::Unchecked => {
            let believes = Arc::new(Unchecked(provider));
            versions.dangerous().with_custom_certificate_verifier(believes).with_no_client_auth()
        }
    })
}

/// Returns the configuration for proxies, whose certificates are always checked: with the roots of `cacert` too.
pub(super) fn to_proxies(cacert: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = cacert {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.map_err(TlsError::Protocol)?.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let (added, _) = roots.add_parsable_certificates(certificates.map_err(TlsError::Pem)?);
    if added == 0 { Err(TlsError::NoCertificate) } else { Ok(()) }
}

/// Believes every certificate, and checks the signature that is made with it.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why no TLS client can be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The file of roots cannot be read as PEM.
    Pem(pem::Error),
    /// The file holds no certificate that can be a root.
    NoCertificate,
    /// The cryptography provider lacks a protocol version.
    Protocol(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem(_) => "cannot read the --cacert file",
            Self::NoCertificate => "the --cacert file contains no certificate",
            Self::Protocol(_) => "cannot set up TLS",
        })
    }
}

impl core::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Pem(cause) => Some(cause),
            Self::Protocol(cause) => Some(cause),
            Self::NoCertificate => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_of_roots_must_hold_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"not a certificate\n").unwrap();
        for make in [|path| to_servers(path, Certificates::Checked), to_proxies] {
            assert!(matches!(make(Some(file.path())), Err(TlsError::NoCertificate)));
            assert!(matches!(make(Some(Path::new("/does/not/exist"))), Err(TlsError::Pem(_))));
            assert!(make(None).is_ok());
        }
    }
}
