//! Plain HTTP, before anything is paid: the connection, the request, and where a redirect leads.

pub mod client;
pub mod cookies;
pub mod draft;
pub mod egress;
pub mod payload;
pub mod peek;
pub mod pins;
pub mod proxy;
pub mod raw;
pub mod redirect;
pub(crate) mod repeat;
pub mod settings;
pub mod silence;
mod spool;
pub mod tls;
pub mod trace;
pub mod url;
pub mod whole;
mod wire;
