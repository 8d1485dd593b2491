//! The certificate that LND shows, and the decision whether it is the one.
//!
//! 1. A server whose certificate is byte for byte one of those that were configured is LND, whatever name or address was
//!    dialled: LND signs its certificate itself, marks it as an authority, and lists only the names that it knew of when it
//!    made it. The handshake proves that the server has the key. Names and dates are not looked at: as with an SSH host key,
//!    the certificate itself is what is trusted.
//! 2. Any other certificate must be signed by one that was configured, be valid today, and name the host, as in the web: that
//!    is for an LND behind an authority of one's own. Public authorities are not trusted.

use super::material::{self, Setting, SettingError, SettingFault};
use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use bitcoin::hex::DisplayHex as _;
use core::fmt;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;

/// What LND is recognised by: one certificate, or several of which any will do.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Vec<CertificateDer<'static>>);

impl Certificate {
    /// Takes a certificate as PEM, as base64 of PEM or DER, or as the name of a file with PEM or DER; a relative name begins
    /// at `base`.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn find(text: &str, base: &Path) -> Result<Self, SettingError> {
        let fault = |fault| SettingError::new(Setting::Certificate, fault);
        if text.trim().is_empty() {
            return Err(fault(SettingFault::Missing));
        }
        if let Some(certificate) = Self::of_text(text) {
            return Ok(certificate);
        }
        let (bytes, _) = material::read(base, text.trim()).map_err(|cause| fault(SettingFault::Unreadable(cause)))?;
        Self::of_bytes(&bytes).ok_or_else(|| fault(SettingFault::Malformed))
    }

    /// Returns what tells it from others: 16 hexadecimal digits, the beginning of SHA-256 over what was configured.
    pub fn fingerprint(&self) -> String {
        let mut engine = sha256::Hash::engine();
        self.0.iter().for_each(|certificate| engine.input(certificate));
        let digest = sha256::Hash::from_engine(engine).to_byte_array();
        digest[..8].to_lower_hex_string()
    }

    /// Returns how to speak TLS with a server that shows it, and with no other.
    pub(super) fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Pinned::new(self, provider.clone())?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous() // the name of the method; the verifier is the stricter one
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    /// Takes the certificate itself, as PEM or as base64 of PEM or DER.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let of_base64 = || Self::of_bytes(&material::from_base64(text)?);
        Self::of_pem(text.as_bytes()).or_else(of_base64)
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::of_pem(bytes).or_else(|| Self::of_der(CertificateDer::from(bytes.to_vec())))
    }

    fn of_pem(text: &[u8]) -> Option<Self> {
        let all: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().ok()?;
        if all.is_empty() || !all.iter().all(is_certificate) { None } else { Some(Self(all)) }
    }

    fn of_der(certificate: CertificateDer<'static>) -> Option<Self> {
        is_certificate(&certificate).then(|| Self(vec![certificate]))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} in all)", self.0.len())
    }
}

fn is_certificate(der: &CertificateDer<'_>) -> bool {
    RootCertStore::empty().add(der.clone().into_owned()).is_ok()
}

/// Decides whether a server is LND.
#[derive(Debug)]
struct Pinned {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl Pinned {
    fn new(certificate: &Certificate, provider: Arc<CryptoProvider>) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for each in &certificate.0 {
            roots.add(each.clone())?;
        }
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|fault| rustls::Error::General(fault.to_string()))?;
        Ok(Self { certificates: certificate.0.clone(), authorities })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.certificates.contains(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        self.authorities.verify_server_cert(shown, intermediates, server, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Client;
    use crate::{LndConfig, LndError, LndMacaroon};
    use core::error::Error as _;
    use l402_core::macaroon::{RootKey, base64, mint};
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    /// As LND makes it: signed by itself, and an authority.
    fn lnd_certificate() -> rcgen::Certificate {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn encoded(bytes: &[u8]) -> String {
        let mut out = vec![0; base64::encoded_len(bytes.len())];
        base64::encode_into(bytes, &mut out).unwrap().to_owned()
    }

    fn verdict(configured: &Certificate, shown: &CertificateDer<'_>, host: &str) -> Result<(), rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerName::try_from(host).unwrap();
        let pinned = Pinned::new(configured, provider).unwrap();
        pinned.verify_server_cert(shown, &[], &server, &[], UnixTime::now()).map(drop)
    }

    #[test]
    fn every_form_is_the_same_certificate() {
        let made = lnd_certificate();
        let (pem, der) = (made.pem(), made.der());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tls.cert"), &pem).unwrap();
        std::fs::write(folder.path().join("tls.der"), der).unwrap();
        let expected = Certificate(vec![der.clone()]);
        for text in [&*pem, &encoded(pem.as_bytes()), &encoded(der), "tls.cert", "tls.der", " tls.cert\n"] {
            assert_eq!(Certificate::find(text, folder.path()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn each_invalid_certificate_has_its_own_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty"), "").unwrap();
        let fault = |text: &str| Certificate::find(text, folder.path()).unwrap_err();
        assert!(matches!(fault("").fault(), SettingFault::Missing));
        assert!(matches!(fault("nowhere").fault(), SettingFault::Unreadable(_)));
        assert!(matches!(fault("empty").fault(), SettingFault::Malformed));
        assert!(matches!(fault(&encoded(b"no certificate at all")).fault(), SettingFault::Unreadable(_)));
    }

    #[test]
    fn the_certificate_itself_is_trusted_under_any_name() {
        let made = lnd_certificate();
        let configured = Certificate(vec![made.der().clone()]);
        for host in ["localhost", "lnd.example", "192.0.2.1"] {
            verdict(&configured, made.der(), host).unwrap();
        }
        assert!(verdict(&configured, lnd_certificate().der(), "localhost").is_err());
    }

    /// None that is parsed is known to be one; TLS has the last word all the same.
    #[test]
    fn one_that_tls_cannot_use_is_told_from_one_that_was_shown() {
        let macaroon =
            mint(&RootKey::new(b"root"), b"lnd", b"another", &[], &mut [0; 128]).unwrap().as_bytes().to_vec();
        let macaroon = LndMacaroon::find(&encoded(&macaroon), Path::new("")).unwrap();
        let config = LndConfig::new("lnd:1".parse().unwrap(), Certificate(Vec::new()), macaroon);
        let fault = Client::new(&config).unwrap_err();
        assert!(matches!(fault, LndError::UnusableCertificate(_)), "{fault:?}");
        assert_eq!(fault.to_string(), "TLS cannot use the certificate that was configured for LND");
        assert!(fault.source().unwrap().to_string().contains("no root trust anchors"), "{:?}", fault.source());
        assert!(!fault.is_temporary());
    }

    #[test]
    fn an_authority_vouches_for_the_names_that_it_signed() {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let params = CertificateParams::new(vec!["lnd.example".to_owned()]).unwrap();
        let signed = params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
        let configured = Certificate(vec![authority.der().clone()]);
        verdict(&configured, signed.der(), "lnd.example").unwrap();
        assert!(verdict(&configured, signed.der(), "other.example").is_err());
    }
}
