//! Plain HTTP, before anything is paid: the connection, the request, where a redirect leads, and the body on its way out.

pub mod client;
pub mod delivery;
pub mod redirect;
pub mod request;
pub mod url;
