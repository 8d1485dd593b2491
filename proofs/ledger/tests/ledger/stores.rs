//! The stores, and the servers behind them.

use crate::server_clock::Clock;
use crate::{postgres_server, redis_server};
use core::fmt;
use core::time::Duration;
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::postgres::{PostgresConfig, PostgresStore};
use l402_ledger::redis::{RedisSettings, RedisStore};
use l402_ledger::{Ledger, StoreError};
use std::path::Path;

/// The stores of which each proof is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Embedded,
    Redis,
    Postgres,
}

/// One store that runs.
pub(crate) enum Stand {
    Embedded(tempfile::TempDir),
    Redis(redis_server::Server),
    Postgres(Box<postgres_server::Server>),
}

impl Stand {
    pub(crate) fn start(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self::Embedded(tempfile::tempdir().expect("a folder")),
            Kind::Redis => Self::Redis(redis_server::Server::start(redis_server::SAFE)),
            Kind::Postgres => Self::Postgres(Box::new(postgres_server::Server::start(&[]))),
        }
    }

    /// One whose clock can be [moved](Self::step).
    pub(crate) fn start_with_a_clock(kind: Kind) -> Self {
        match kind {
            Kind::Postgres => Self::Postgres(Box::new(postgres_server::Server::start_at(Clock::new()))),
            _ => Self::start(kind),
        }
    }

    /// Moves the server's clock by so many milliseconds.
    pub(crate) fn step(&self, millis: i64) {
        match self {
            Self::Embedded(_) => panic!("its clock is that of the system"),
            Self::Redis(server) => server.step(millis),
            Self::Postgres(server) => server.step(millis),
        }
    }

    /// Where it is, for [`open`].
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Embedded(folder) => folder.path().join("ledger").display().to_string(),
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        }
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Embedded(_) => {}
            Self::Redis(server) => server.kill(),
            Self::Postgres(server) => server.kill(),
        }
    }

    /// Starts the server again.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Embedded(_) => {}
            Self::Redis(server) => server.run(),
            Self::Postgres(server) => server.restart(),
        }
    }

    /// Stops the server's processes, or lets them go on.
    pub(crate) fn pause(&self, is_paused: bool) {
        match self {
            Self::Embedded(_) => {}
            Self::Redis(server) => server.signal(if is_paused { "STOP" } else { "CONT" }),
            Self::Postgres(server) => server.pause(is_paused),
        }
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded(_) => "embedded",
            Self::Redis(_) => "redis",
            Self::Postgres(_) => "postgres",
        })
    }
}

/// Opens a store as a gateway does.
pub(crate) async fn open(place: &str, deadline: Duration) -> Result<Ledger, StoreError> {
    match place.split_once("://") {
        Some(("redis", _)) => {
            let settings = RedisSettings::new(place).expect("a URL").deadline(deadline);
            Ok(Ledger::new(RedisStore::open(&settings).await?))
        }
        Some(_) => {
            let config = PostgresConfig::from_url(place).expect("a URL").with_deadline(deadline);
            Ok(Ledger::new(PostgresStore::open(&config).await?))
        }
        None => Ok(Ledger::new(Embedded::open_or_create(Path::new(place), Durability::Power)?)),
    }
}
