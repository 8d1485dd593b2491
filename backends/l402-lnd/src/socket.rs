//! Where LND listens.

use super::material::{Setting, SettingError, SettingFault};
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

/// The host and port of LND's gRPC interface.
///
/// ```
/// use l402_lnd::Socket;
///
/// assert_eq!("127.0.0.1".parse::<Socket>()?.to_string(), "127.0.0.1:10009");
/// assert_eq!("https://[::1]:10010".parse::<Socket>()?.to_string(), "[::1]:10010");
/// # Ok::<(), l402_lnd::SettingError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Socket {
    host: Box<str>,
    port: u16,
}

impl Socket {
    /// Returns the name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Socket {
    type Err = SettingError;

    /// Reads `host:port`; IPv6 addresses in brackets. Without a port it is 10009, and `https://` may stand before it.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        parse(text.trim()).ok_or(SettingError::new(Setting::Socket, SettingFault::Malformed))
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({self})")
    }
}

fn parse(text: &str) -> Option<Socket> {
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("10009"))?)
    } else {
        let (host, port) = text.split_once(':').unwrap_or((text, "10009"));
        (is_name(host).then_some(host)?, port)
    };
    let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
    Some(Socket { host: host.into(), port })
}

/// A host name or an IPv4 address.
fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("127.0.0.1:10009", "127.0.0.1:10009"),
            ("lnd", "lnd:10009"),
            (" lnd.example:1 ", "lnd.example:1"),
            ("https://lnd:10010/", "lnd:10010"),
            ("[::1]", "[::1]:10009"),
            ("[fe80::2]:7", "[fe80::2]:7"),
        ] {
            assert_eq!(text.parse::<Socket>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", ":10009", "lnd:", "lnd:port", "lnd:70000", "lnd:+1", "::1", "[::1", "[lnd]:1", "http://lnd", "a/b"]
        {
            assert!(text.parse::<Socket>().is_err(), "{text}");
        }
    }
}
