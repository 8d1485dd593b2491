//! Where the upstream is, how it is reached, and what it is told.

use std::path::Path;
use std::sync::Arc;

use http::header::{self, HeaderName, HeaderValue};
use http::uri::{Authority, Uri};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::config_error::UpstreamConfigError;
use super::connect::{Connector, Tls};
use super::edits::Edits;
use super::health::Health;
use super::limit::ConnectionLimit;
use super::peer::IpRange;
use super::protocol::{HEADER_FIELDS, Protocol};
use super::timeouts::Timeouts;

/// The settings of an [`Upstream`](super::Upstream); one set serves any number of them.
///
/// The certificate and the name of an https upstream are always verified, against the public roots and those added by
/// [`extra_roots`](Self::extra_roots); nothing turns that off.
///
/// ```
/// use http::HeaderValue;
/// use l402_http::proxy::UpstreamConfig;
///
/// let config = UpstreamConfig::new(&"https://api.example.com".parse()?)?
///     .secret_header("x-api-key".parse()?, HeaderValue::from_static("an upstream's key"))?
///     .paid_header("x-l402-verified".parse()?, HeaderValue::from_static("true"))?;
/// assert_eq!(config.authority(), "api.example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    host: Box<str>,
    port: u16,
    tls: bool,
    protocol: Protocol,
    extra_roots: Vec<CertificateDer<'static>>,
    pub(super) edits: Edits,
    pub(super) timeouts: Timeouts,
    pub(super) max_idle: usize,
    header_fields: usize,
    pub(super) limit: Option<ConnectionLimit>,
    pub(super) slowest_upload: u64,
    pub(super) health: Health,
}

impl UpstreamConfig {
    /// Begins with an origin: scheme `http`, `https`, or `h2c` for HTTP/2 without TLS, host and optional port.
    ///
    /// # Errors
    ///
    /// [`UpstreamConfigError`] when the URI is anything but an origin; paths are passed on as they are, so that an
    /// origin with a path would change what was priced.
    pub fn new(origin: &Uri) -> Result<Self, UpstreamConfigError> {
        let (tls, protocol) = match origin.scheme_str() {
            Some("http") => (false, Protocol::Auto),
            Some("h2c") => (false, Protocol::Http2),
            Some("https") => (true, Protocol::Auto),
            _ => return Err(UpstreamConfigError::Scheme),
        };
        if origin.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(UpstreamConfigError::Path);
        }
        let authority = origin.authority().ok_or(UpstreamConfigError::Host)?;
        if authority.as_str().contains('@') {
            return Err(UpstreamConfigError::UserInfo);
        }
        let authority_field = HeaderValue::from_str(authority.as_str()).map_err(|_| UpstreamConfigError::Host)?;
        Ok(Self {
            host: bare_host(authority).into(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            tls,
            protocol,
            extra_roots: Vec::new(),
            edits: Edits {
                authority: authority_field,
                tls,
                preserve_host: false,
                trusted: Vec::new(),
                always: Vec::new(),
                when_paid: Vec::new(),
            },
            timeouts: Timeouts::default(),
            max_idle: 512,
            header_fields: HEADER_FIELDS,
            limit: None,
            slowest_upload: 16,
            health: Health::new(authority.as_str()),
        })
    }

    /// Accepts certificates of the authorities in a PEM file besides the public ones.
    ///
    /// # Errors
    ///
    /// [`UpstreamConfigError::Roots`] when the file cannot be read or holds something malformed,
    /// [`UpstreamConfigError::NoRoots`] when it holds no certificate.
    pub fn extra_roots(mut self, file: &Path) -> Result<Self, UpstreamConfigError> {
        let before = self.extra_roots.len();
        for certificate in CertificateDer::pem_file_iter(file).map_err(UpstreamConfigError::Roots)? {
            self.extra_roots.push(certificate.map_err(UpstreamConfigError::Roots)?);
        }
        if self.extra_roots.len() == before {
            return Err(UpstreamConfigError::NoRoots);
        }
        Ok(self)
    }

    /// Tells the upstream the host that the client asked for, instead of the upstream's own.
    #[must_use]
    pub fn preserve_host(mut self) -> Self {
        self.edits.preserve_host = true;
        self
    }

    /// Believes what these peers say in `Forwarded`, `X-Forwarded-*`, `X-Real-IP` and the like, and in `X-L402-*`; from
    /// anyone else those fields are dropped.
    // Threat P2.
    #[must_use]
    pub fn trusted_proxies(mut self, ranges: impl IntoIterator<Item = IpRange>) -> Self {
        self.edits.trusted.extend(ranges);
        self
    }

    /// Adds a field to every request, in place of the client's field of that name.
    ///
    /// # Errors
    ///
    /// [`UpstreamConfigError::Reserved`] for a field that belongs to the connection or frames the message.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Result<Self, UpstreamConfigError> {
        self.edits.always.push((settable(name)?, value));
        Ok(self)
    }

    /// Adds a field like [`header`](Self::header) whose value no log may show, such as the upstream's key.
    ///
    /// # Errors
    ///
    /// As for [`header`](Self::header).
    pub fn secret_header(self, name: HeaderName, mut value: HeaderValue) -> Result<Self, UpstreamConfigError> {
        value.set_sensitive(true);
        self.header(name, value)
    }

    /// Adds a field to those requests that were paid for: whose extensions hold an [`l402_core::Grant`]. The client's
    /// field of that name is dropped from the others.
    ///
    /// # Errors
    ///
    /// As for [`header`](Self::header).
    pub fn paid_header(mut self, name: HeaderName, value: HeaderValue) -> Result<Self, UpstreamConfigError> {
        self.edits.when_paid.push((settable(name)?, value));
        Ok(self)
    }

    /// Chooses the version of HTTP. [`Protocol::Auto`] unless set, [`Protocol::Http2`] for an `h2c` origin.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Replaces the deadlines.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Limits the unused connections that each [`Upstream`](super::Upstream) keeps. 512 unless set.
    #[must_use]
    pub fn max_idle(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// Limits the fields in the header of a response over HTTP/1.1; one with more is answered with 502.
    /// [`HEADER_FIELDS`] unless set.
    #[must_use]
    pub fn max_header_fields(mut self, fields: usize) -> Self {
        self.header_fields = fields;
        self
    }

    /// Bounds the connections to this upstream and all others that are given the same limit. No bound unless set. A request
    /// for which there is no room within [`Timeouts::connect`] is answered with 503.
    #[must_use]
    pub fn connection_limit(mut self, limit: ConnectionLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets how many bytes a second a client must send of a request's body, on average over [`Timeouts::idle`] and while the
    /// upstream would take them; 16 unless set. With 0 a byte in each idle time will do, as always for gRPC, whose messages
    /// come when there is something to say.
    #[must_use]
    pub fn slowest_upload(mut self, bytes_per_second: u64) -> Self {
        self.slowest_upload = bytes_per_second;
        self
    }

    /// Names the service, for log lines.
    #[must_use]
    pub fn service(self, name: &str) -> Self {
        self.health.set_service(name);
        self
    }

    /// Returns what is known of the upstream; it is shared by this configuration, its clones, and each
    /// [`Upstream`](super::Upstream) that is made of them.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Returns host and port as they stand in the origin.
    pub fn authority(&self) -> &str {
        self.edits.authority.to_str().unwrap_or_default()
    }

    pub(super) fn connector(&self) -> Result<Connector, UpstreamConfigError> {
        Ok(Connector {
            host: self.host.clone(),
            port: self.port,
            tls: if self.tls { Some(self.tls_settings()?) } else { None },
            protocol: self.protocol,
            timeout: self.timeouts.connect,
            limit: self.limit.clone(),
            header_fields: self.header_fields,
            health: self.health.clone(),
        })
    }

    fn tls_settings(&self) -> Result<Tls, UpstreamConfigError> {
        let name = ServerName::try_from(self.host.to_string()).map_err(|_| UpstreamConfigError::Host)?;
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for certificate in &self.extra_roots {
            roots.add(certificate.clone()).map_err(UpstreamConfigError::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(UpstreamConfigError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut upgrades = config.clone();
        upgrades.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.alpn_protocols = match self.protocol {
            Protocol::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        Ok(Tls { config: Arc::new(config), upgrades: Arc::new(upgrades), name })
    }
}

/// The host as a resolver and a certificate know it: an IPv6 address without its brackets.
fn bare_host(authority: &Authority) -> &str {
    let host = authority.host();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn settable(name: HeaderName) -> Result<HeaderName, UpstreamConfigError> {
    let reserved = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if reserved.contains(&name) {
        return Err(UpstreamConfigError::Reserved(name));
    }
    Ok(name)
}
