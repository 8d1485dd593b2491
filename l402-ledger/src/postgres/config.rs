//! Where the database is, and how to reach it.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use tokio_postgres::config::{Host, SslMode};

/// Where the database is, and how to reach it.
///
/// ```
/// use l402_ledger::postgres::PostgresConfig;
///
/// let config = PostgresConfig::from_url("postgres://gateway@db.example.com/shop?sslmode=verify-full")?
///     .with_password("correct horse")
///     .with_schema("l402_shop")?;
/// assert!(!format!("{config:?}").contains("horse"));
/// # Ok::<(), l402_ledger::postgres::PostgresConfigError>(())
/// ```
#[derive(Clone)]
pub struct PostgresConfig {
    pub(super) server: tokio_postgres::Config,
    pub(super) schema: String,
    pub(super) pool_size: usize,
    pub(super) deadline: Duration,
    pub(super) roots: Arc<RootCertStore>,
}

/// Why a configuration cannot be used. It holds nothing of the input, which may contain the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresConfigError {
    /// It is no URL of a PostgreSQL database, or has a parameter that is not known.
    Url,
    /// The URL names no host.
    NoHost,
    /// `sslmode` is a mode that an attacker could switch off, or none at all.
    SslMode,
    /// The name of the schema has characters besides `a-z`, `0-9` and `_`, begins with a digit, or is longer than 63.
    Schema,
    /// There is no certificate in the PEM file, or one that cannot be read.
    Certificate,
}

impl PostgresConfig {
    /// The schema, unless another one is named.
    pub const SCHEMA: &str = "l402";
    /// How many connections there are at most, unless said.
    pub const POOL_SIZE: usize = 16;
    /// How long a call may take, unless said.
    pub const DEADLINE: Duration = Duration::from_secs(2);

    /// Reads a URL: `postgres://user:password@host:port/database`. Several hosts may be named, separated by commas, with
    /// `target_session_attrs=read-write`: then the one that takes writes is used.
    ///
    /// `sslmode=verify-full` asks for TLS, and the server's certificate must name the host; so do `verify-ca` and `require`, which
    /// are no weaker here. `sslmode=disable` does without. A URL that says nothing gets TLS, unless all its hosts are sockets
    /// or loopback addresses.
    ///
    /// # Errors
    /// [`PostgresConfigError`].
    pub fn from_url(url: &str) -> Result<Self, PostgresConfigError> {
        let (url, mode) = take_mode(url)?;
        let mut server: tokio_postgres::Config = url.parse().map_err(|_| PostgresConfigError::Url)?;
        if server.get_hosts().is_empty() {
            return Err(PostgresConfigError::NoHost);
        }
        let is_tls = match mode.as_deref() {
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(_) => return Err(PostgresConfigError::SslMode),
            None => !server.get_hosts().iter().all(is_local),
        };
        server.ssl_mode(if is_tls { SslMode::Require } else { SslMode::Disable });
        if server.get_application_name().is_none() {
            server.application_name("l402");
        }
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Ok(Self {
            server,
            schema: Self::SCHEMA.to_owned(),
            pool_size: Self::POOL_SIZE,
            deadline: Self::DEADLINE,
            roots: Arc::new(roots),
        })
    }

    /// Takes the password from elsewhere than the URL.
    #[must_use]
    pub fn with_password(mut self, password: impl AsRef<[u8]>) -> Self {
        self.server.password(password);
        self
    }

    /// Names the schema. Two services can share a database, each with its own.
    ///
    /// # Errors
    /// [`PostgresConfigError::Schema`].
    pub fn with_schema(mut self, schema: &str) -> Result<Self, PostgresConfigError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = schema.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if schema.len() > 63 || !begins_well || !schema.bytes().all(is_plain) {
            return Err(PostgresConfigError::Schema);
        }
        schema.clone_into(&mut self.schema);
        Ok(self)
    }

    /// Says how many connections there are at most.
    #[must_use]
    pub const fn with_pool_size(mut self, connections: usize) -> Self {
        self.pool_size = if connections == 0 { 1 } else { connections };
        self
    }

    /// Says how long a call may take. After that its outcome is not known.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Trusts the authorities in a PEM file, and no others.
    ///
    /// # Errors
    /// [`PostgresConfigError::Certificate`].
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, PostgresConfigError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| PostgresConfigError::Certificate)?;
            roots.add(certificate).map_err(|_| PostgresConfigError::Certificate)?;
        }
        if roots.is_empty() {
            return Err(PostgresConfigError::Certificate);
        }
        self.roots = Arc::new(roots);
        Ok(self)
    }
}

/// Takes `sslmode` out of the parameters of a URL: tokio-postgres knows other modes.
fn take_mode(url: &str) -> Result<(String, Option<String>), PostgresConfigError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(PostgresConfigError::Url);
    }
    let after_user = url.rfind('@').unwrap_or(0);
    let Some(query) = url[after_user..].find('?').map(|at| after_user + at) else { return Ok((url.to_owned(), None)) };
    let (mut kept, mut mode) = (Vec::new(), None);
    for parameter in url[query + 1..].split('&') {
        match parameter.strip_prefix("sslmode=") {
            Some(value) => mode = Some(value.to_owned()),
            None if parameter.is_empty() => {}
            None => kept.push(parameter),
        }
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{}{mark}{}", &url[..query], kept.join("&")), mode))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("hosts", &self.server.get_hosts())
            .field("user", &self.server.get_user())
            .field("database", &self.server.get_dbname())
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PostgresConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "not the URL of a PostgreSQL database, such as postgres://user@host/database",
            Self::NoHost => "the URL of the database names no host",
            Self::SslMode => "sslmode must be verify-full or disable",
            Self::Schema => "a schema's name has the characters a-z, 0-9 and _, at most 63, and begins with no digit",
            Self::Certificate => "the file holds no certificate that can be read",
        })
    }
}

impl Error for PostgresConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, PostgresConfigError> {
        PostgresConfig::from_url(url).map(|config| config.server.get_ssl_mode())
    }

    #[test]
    fn tls_cannot_be_switched_off_by_whoever_is_in_between() {
        for (url, expected) in [
            ("postgres://u@db.example.com/shop", SslMode::Require),
            ("postgres://u@db.example.com/shop?sslmode=require", SslMode::Require),
            ("postgresql://u@db.example.com/shop?application_name=x&sslmode=verify-full", SslMode::Require),
            ("postgres://u@127.0.0.1,db.example.com/shop", SslMode::Require),
            ("postgres://u@127.0.0.1/shop?sslmode=verify-ca", SslMode::Require),
            ("postgres://u@db.example.com/shop?sslmode=disable", SslMode::Disable),
            ("postgres://u@127.0.0.1:5433,[::1],localhost/shop", SslMode::Disable),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/shop", SslMode::Disable),
            ("postgres:///shop?host=/var/run/postgresql", SslMode::Disable),
        ] {
            assert_eq!(mode(url), Ok(expected), "{url}");
        }
        for mode_of in ["prefer", "allow", "", "verify_full"] {
            let url = format!("postgres://u@db.example.com/shop?sslmode={mode_of}");
            assert_eq!(mode(&url), Err(PostgresConfigError::SslMode), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_the_password() {
        for (url, expected) in [
            ("redis://u:canary@host", PostgresConfigError::Url),
            ("postgres://u:canary@host:port/shop", PostgresConfigError::Url),
            ("postgres://u:ca?nary@host/shop?colour=canary", PostgresConfigError::Url),
            ("postgres:///shop", PostgresConfigError::NoHost),
        ] {
            let error = PostgresConfig::from_url(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error:?} {error}").contains("canary"));
        }
        let config = PostgresConfig::from_url("postgres://u:canary@host/shop").unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn a_schema_is_a_plain_name() {
        let config = PostgresConfig::from_url("postgres://u@localhost/shop").unwrap();
        for name in ["l402", "_a", "user", &"a".repeat(63)] {
            assert_eq!(config.clone().with_schema(name).unwrap().schema, name);
        }
        for name in ["", "4a", "a b", "a\"b", "A", "ä", &"a".repeat(64)] {
            assert_eq!(config.clone().with_schema(name).unwrap_err(), PostgresConfigError::Schema, "{name}");
        }
    }
}
