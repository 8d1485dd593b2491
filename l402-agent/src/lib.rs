//! Pays for HTTP requests over Lightning, keeps what was bought, and never pays for the same thing twice.
//!
//! 1. [`http`] is plain HTTP before anything is paid: the connection, the request, proxies and redirects.
//! 2. [`store`] keeps tokens and payments on the disk, so that nothing that was paid for is lost and nothing is paid twice.

pub mod amount;
pub mod http;
pub mod store;
pub mod text;
