//! What is kept between calls: the tokens that were bought and the payments that were begun, all of it private, in one database
//! that processes share.

mod codec;
mod database;
pub mod file;
mod import;
pub mod lnget;
pub mod news;
pub mod payments;
pub mod private;
mod row;
pub mod tokens;

pub use database::{Database, DatabaseError};
