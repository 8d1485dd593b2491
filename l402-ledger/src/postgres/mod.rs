//! A store in a PostgreSQL that the gateways share.
//!
//! 1. Each step is one call of a function in the database, and one round trip. The function inserts or locks the payment's row,
//!    and decides then: of a thousand gateways that ask at once, one is granted the last use.
//! 2. A step is committed with `synchronous_commit = on`, whatever the server, the database or the user has by default.
//! 3. Nothing is prepared, nothing is kept in a session, and nothing listens: a pooler such as pgbouncer may stand in between,
//!    in transaction mode.
//! 4. Only the server's clock counts.
//! 5. Tables are made and changed at [`open`](PostgresStore::open), under a lock, so that gateways may start together. The user
//!    needs the right to create a schema, once.
//! 6. The password is in no error and no `Debug`.
//!
//! # What PostgreSQL can lose
//!
//! - **Nothing that was committed**, if one server does it all, and has `fsync` and `full_page_writes` on as by default. It may be
//!   killed, and its machine may lose power, provided that the disk keeps what it has confirmed.
//! - **The last moments before a fail-over to an asynchronous standby**: uses that were committed then can be committed again.
//!   Name the standby in `synchronous_standby_names`. With `synchronous_commit = remote_apply` the store waits for that, too.
//! - **All since the backup**, where an old backup is restored. Rotate the keys, and revoke the epoch of the old ones.
//! - A use that was reserved when the server died stays reserved until its lease ends: 30 seconds by the server's clock.
//!
//! [`PostgresStore::warnings`] names the settings that lose more than that.

mod config;
mod connect;
mod error;
mod migrate;
mod reply;
mod revoked;
mod settlements;
mod store;
mod warning;

pub use config::{PostgresConfig, PostgresConfigError};
pub use store::PostgresStore;
pub use warning::PostgresWarning;
