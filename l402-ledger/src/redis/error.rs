//! Errors of Redis as errors of a store. A text of the server is left out: some repeat what was sent, a password included.

use crate::error::{StoreError, StoreErrorKind};
use core::error::Error;
use core::fmt;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Says what an error of Redis means.
pub(super) fn of_redis(error: &RedisError) -> StoreError {
    StoreError::with_source(kind_of(error), Cause::of(error))
}

/// A reply that cannot be read.
pub(super) fn unread(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, error)
}

fn kind_of(error: &RedisError) -> StoreErrorKind {
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => StoreErrorKind::Denied,
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreErrorKind::ReadOnly,
        _ if matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM")) => StoreErrorKind::Denied,
        _ => StoreErrorKind::Unavailable,
    }
}

/// What Redis said, without its words.
#[derive(Debug)]
enum Cause {
    /// A code such as `OOM`.
    Code(Box<str>),
    /// The connection failed.
    Connection(Option<std::io::ErrorKind>),
    /// Anything else.
    Other(ErrorKind),
}

impl Cause {
    fn of(error: &RedisError) -> Self {
        match (error.code(), error.kind()) {
            (Some(code), _) if code.bytes().all(|byte| byte.is_ascii_uppercase()) => Self::Code(code.into()),
            (_, ErrorKind::Io) => {
                let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
                Self::Connection(source.map(std::io::Error::kind))
            }
            (_, kind) => Self::Other(kind),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "redis says {code}"),
            Self::Connection(Some(kind)) => write!(f, "connection to redis: {kind}"),
            Self::Connection(None) => f.write_str("connection to redis failed"),
            Self::Other(kind) => write!(f, "redis: {kind:?}"),
        }
    }
}

impl Error for Cause {}

/// Redis did not answer in time.
#[derive(Debug)]
pub(super) struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redis did not answer in time")
    }
}

impl Error for TooSlow {}
