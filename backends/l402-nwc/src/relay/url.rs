//! Where a relay is: `wss://host[:port][/path]`, or `ws://` without TLS.

use core::fmt;
use core::str::FromStr;

/// The address of a relay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelayUrl {
    is_secure: bool,
    /// As it is dialled: an IPv6 address without brackets.
    host: String,
    port: Option<u16>,
    path: String,
}

impl RelayUrl {
    /// Tells whether the way to it is encrypted. What is asked and answered is encrypted in itself; with `ws://`, others can see which relay
    /// is asked, and cut it off.
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_secure { 443 } else { 80 })
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_secure { "wss://" } else { "ws://" })?;
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

impl FromStr for RelayUrl {
    type Err = RelayUrlError;

    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(RelayUrlError)?;
        let is_secure = match &*scheme.to_ascii_lowercase() {
            "wss" => true,
            "ws" => false,
            _ => return Err(RelayUrlError),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(RelayUrlError)?;
                host.parse::<core::net::Ipv6Addr>().map_err(|_| RelayUrlError)?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or(RelayUrlError)?)
            }
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let is_path = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
        if host.is_empty() || host.len() > 253 || !host.bytes().all(is_host) || !path.bytes().all(is_path) {
            return Err(RelayUrlError);
        }
        let port = if port.is_empty() { None } else { Some(port.parse().map_err(|_| RelayUrlError)?) };
        let path = if path == "/" { "" } else { path };
        Ok(Self { is_secure, host: host.to_ascii_lowercase(), port, path: path.to_owned() })
    }
}

/// A text is not the URL of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayUrlError;

impl fmt::Display for RelayUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a wss:// or ws:// URL of a relay")
    }
}

impl core::error::Error for RelayUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_read_and_written() {
        for (text, shown, host, port) in [
            ("wss://Relay.Example", "wss://relay.example", "relay.example", 443),
            ("wss://relay.example/", "wss://relay.example", "relay.example", 443),
            ("ws://127.0.0.1:6969/v1?a=b", "ws://127.0.0.1:6969/v1?a=b", "127.0.0.1", 6969),
            ("ws://[::1]", "ws://[::1]", "::1", 80),
            ("WSS://[::1]:8/", "wss://[::1]:8", "::1", 8),
        ] {
            let url: RelayUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.host(), url.port()), (shown, host, port));
            assert_eq!(shown.parse(), Ok(url));
        }
    }

    #[test]
    fn what_is_no_relay_is_refused() {
        for text in [
            "",
            "wss://",
            "wss:///a",
            "https://a",
            "wss:a",
            "wss://a:b",
            "wss://a:70000",
            "wss://u@a",
            "wss://a b",
            "wss://a/ b",
            "wss://[a]",
            "wss://[::1]a",
            "wss://a/#b",
            "wss://a\r\nHost: b",
            "wss://ä",
        ] {
            assert!(text.parse::<RelayUrl>().is_err(), "{text}");
        }
    }
}
