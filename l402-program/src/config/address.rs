//! An address and a port, as people write them.

use core::net::SocketAddr;

/// Reads an address; the error says what to write.
///
/// # Errors
/// What an address looks like.
///
/// ```
/// assert_eq!(l402_program::config::address("[::]:80").unwrap().port(), 80);
/// assert!(l402_program::config::address("80").is_err());
/// ```
pub fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an address and a port, such as \"127.0.0.1:8402\" or \"[::]:8402\"")
}
