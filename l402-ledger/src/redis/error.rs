//! Errors of Redis as errors of a store. A text of the server is left out: some repeat what was sent, a password included.

use crate::error::{StoreError, StoreErrorKind};
use core::error::Error;
use core::fmt;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::io;
use std::sync::Arc;

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
    /// It asks for a password, and none is set.
    NoPassword,
    /// The user or the password is wrong.
    WrongPassword,
    /// What answers does not speak its protocol.
    NoRedis,
    /// The connection failed.
    Connection(Option<io::ErrorKind>),
    /// Anything else.
    Other(ErrorKind),
}

impl Cause {
    fn of(error: &RedisError) -> Self {
        match (error.code(), error.kind()) {
            (Some("NOAUTH"), _) => Self::NoPassword,
            (_, ErrorKind::AuthenticationFailed) | (Some("WRONGPASS"), _) => Self::WrongPassword,
            (Some(code), _) if code.bytes().all(|byte| byte.is_ascii_uppercase()) => Self::Code(code.into()),
            (_, ErrorKind::Io) => Self::Connection(io_kind(error)),
            (_, ErrorKind::Parse) => Self::NoRedis,
            (_, kind) => Self::Other(kind),
        }
    }
}

/// What the system says of a connection. The error shares it with its clones.
fn io_kind(error: &RedisError) -> Option<io::ErrorKind> {
    let source = error.source()?;
    let source = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(source, |shared| &**shared as _);
    // A name that is not found has no kind of its own.
    source.downcast_ref::<io::Error>().map(io::Error::kind).filter(|kind| kind.to_string() != "uncategorized error")
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "redis says {code}"),
            Self::NoPassword => {
                f.write_str("redis asks for a password; write it into the URL, or name a variable with the URL")
            }
            Self::WrongPassword => f.write_str("wrong user or password for redis"),
            Self::NoRedis => f.write_str("what answers there does not speak the protocol of redis"),
            Self::Connection(Some(kind)) => write!(f, "connection to redis: {kind}"),
            Self::Connection(None) => f.write_str("connection to redis failed; look at host, port and TLS in the URL"),
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
