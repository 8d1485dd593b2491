//! Where Redis is, and as whom to ask it.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

/// Where Redis is, and as whom to ask it. [`Debug`] shows no password.
///
/// ```
/// use l402_ledger::redis::RedisSettings;
///
/// let settings = RedisSettings::new("rediss://127.0.0.1:6380")?.user("gateway", "hunter2").prefix("shop")?;
/// assert!(!format!("{settings:?}").contains("hunter2"));
/// # Ok::<(), l402_ledger::redis::RedisSettingsError>(())
/// ```
#[derive(Clone)]
pub struct RedisSettings {
    seeds: Vec<ConnectionInfo>,
    ca: Option<Vec<u8>>,
    pub(super) prefix: Box<str>,
    pub(super) may_lose_commits: bool,
    pub(super) deadline: Duration,
}

/// What is wrong with settings. It repeats nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisSettingsError {
    /// Not a URL such as `redis://user:password@host:6379` or `rediss://…`, with TLS.
    Url,
    /// A URL that turns the check of the certificate off.
    Insecure,
    /// A prefix that is empty, longer than 64 bytes, or has other characters than letters, digits, `-`, `_`, `.` and `:`.
    Prefix,
    /// Not a certificate in PEM, or one for a connection without TLS.
    Certificate,
}

impl RedisSettings {
    /// Takes the URL of a Redis, or of a node of a cluster: `redis://`, or `rediss://` with TLS.
    ///
    /// # Errors
    /// [`RedisSettingsError`].
    pub fn new(url: &str) -> Result<Self, RedisSettingsError> {
        Ok(Self {
            seeds: vec![info(url)?],
            ca: None,
            prefix: "l402".into(),
            may_lose_commits: false,
            deadline: Duration::from_secs(2),
        })
    }

    /// Adds another node of the cluster, to be asked at the start where the first cannot be reached.
    ///
    /// # Errors
    /// [`RedisSettingsError`].
    pub fn or(mut self, url: &str) -> Result<Self, RedisSettingsError> {
        self.seeds.push(info(url)?);
        Ok(self)
    }

    /// Logs in as that user of every node, whatever the URLs say.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        for seed in &mut self.seeds {
            let as_user = seed.redis_settings().clone().set_username(name).set_password(password);
            *seed = seed.clone().set_redis_settings(as_user);
        }
        self
    }

    /// Trusts only this certificate authority, in PEM, in place of those of the system.
    ///
    /// # Errors
    /// [`RedisSettingsError::Certificate`].
    pub fn ca(mut self, pem: &[u8]) -> Result<Self, RedisSettingsError> {
        self.ca = Some(pem.to_vec());
        self.clients().map_err(|_| RedisSettingsError::Certificate)?;
        Ok(self)
    }

    /// Begins all keys with this in place of `l402`, for several gateways with ledgers of their own in one Redis.
    ///
    /// # Errors
    /// [`RedisSettingsError::Prefix`].
    pub fn prefix(mut self, prefix: &str) -> Result<Self, RedisSettingsError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(is_plain) {
            return Err(RedisSettingsError::Prefix);
        }
        self.prefix = prefix.into();
        Ok(self)
    }

    /// Opens a Redis without an append-only file too. A restart then forgets what was used.
    #[must_use]
    pub const fn may_lose_commits(mut self, may: bool) -> Self {
        self.may_lose_commits = may;
        self
    }

    /// Waits so long for an answer, in place of 2 seconds.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Returns what connects, one for each node that was named.
    pub(super) fn clients(&self) -> redis::RedisResult<Vec<Client>> {
        let client = |seed: &ConnectionInfo| match self.tls() {
            Some(tls) => Client::build_with_tls(seed.clone(), tls),
            None => Client::open(seed.clone()),
        };
        self.seeds.iter().map(client).collect()
    }

    /// Returns the nodes that were named.
    pub(super) fn seeds(&self) -> &[ConnectionInfo] {
        &self.seeds
    }

    /// Returns whom to trust, where that is not the system's choice.
    pub(super) fn tls(&self) -> Option<TlsCertificates> {
        self.ca.clone().map(|ca| TlsCertificates { client_tls: None, root_cert: Some(ca) })
    }
}

fn info(url: &str) -> Result<ConnectionInfo, RedisSettingsError> {
    let info = url.into_connection_info().map_err(|_| RedisSettingsError::Url)?;
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(RedisSettingsError::Insecure),
        _ => Ok(info),
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeds: Vec<_> = self.seeds.iter().map(|seed| seed.addr().to_string()).collect();
        let Self { prefix, may_lose_commits, deadline, .. } = self;
        let mut shown = f.debug_struct("RedisSettings");
        shown.field("seeds", &seeds).field("prefix", prefix).field("may_lose_commits", may_lose_commits);
        shown.field("deadline", deadline).finish_non_exhaustive()
    }
}

impl fmt::Display for RedisSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "not a URL of Redis, such as redis://127.0.0.1:6379 or rediss://host:6379 with TLS",
            Self::Insecure => {
                "a URL with #insecure does not check the server's certificate; name the authority instead"
            }
            Self::Prefix => "not a prefix of keys: 1 to 64 letters, digits, `-`, `_`, `.` or `:`",
            Self::Certificate => "not a certificate in PEM, or the URL does not begin with rediss://",
        })
    }
}

impl Error for RedisSettingsError {}
