//! Plain HTTP, before anything is paid: the connection, the request, where a redirect leads, and the body on its way out.

pub mod client;
pub mod delivery;
pub mod payload;
pub mod peek;
pub mod proxy;
pub mod redirect;
pub mod request;
pub mod silence;
pub mod url;
mod wire;
