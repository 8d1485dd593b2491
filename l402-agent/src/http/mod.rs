//! Plain HTTP, before anything is paid: the connection, the request, and where a redirect leads.

pub mod client;
pub mod draft;
pub mod payload;
pub mod peek;
pub mod proxy;
pub mod redirect;
pub(crate) mod repeat;
pub mod silence;
pub mod url;
pub mod whole;
mod wire;
