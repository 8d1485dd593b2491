//! What is kept between calls: the tokens that were bought and the payments that were begun, all of it private, in one database
//! that processes share.

pub(crate) mod answers;
pub mod attempts;
pub mod breaker;
pub mod budget;
mod clocks;
mod codec;
mod database;
mod error;
pub mod file;
mod format;
mod import;
pub mod keys;
pub mod lnget;
pub mod news;
mod open;
pub mod payments;
pub mod private;
pub mod record;
mod row;
mod share;
pub mod tokens;

pub use clocks::{Clocks, SystemClocks};
pub use database::{Database, POLICY};
pub use error::{DatabaseError, ImportError};
pub use file::Reuse;
