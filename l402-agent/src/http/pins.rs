//! Addresses that the user fixes for a host and a port, in place of those that its name has.

// Threats: A6.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;
use http::Uri;

/// The addresses of a host at a port, as `HOST:PORT:ADDRESS[,ADDRESS]…`.
///
/// ```
/// use l402_agent::http::pins::Pin;
///
/// assert!("api.example:443:127.0.0.1".parse::<Pin>().is_ok());
/// assert!("api.example:443:[::1],10.0.0.1".parse::<Pin>().is_ok());
/// assert!("api.example:443".parse::<Pin>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    host: String,
    port: u16,
    addresses: Vec<IpAddr>,
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let after_host = if text.starts_with('[') { text.find(']').ok_or(PinError)? } else { 0 };
        let (host, rest) = text.split_at(after_host + text[after_host..].find(':').ok_or(PinError)?);
        let (port, addresses) = rest[1..].split_once(':').ok_or(PinError)?;
        let address = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| PinError);
        let addresses = addresses.split(',').map(address).collect::<Result<Vec<_>, _>>()?;
        if host.is_empty() {
            return Err(PinError);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port: port.parse().map_err(|_| PinError)?, addresses })
    }
}

/// A text is no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinError;

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write HOST:PORT:ADDRESS, such as api.example:443:127.0.0.1")
    }
}

impl core::error::Error for PinError {}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

impl Pins {
    /// Takes pins; of several for one host and port the last counts.
    pub const fn new(pins: Vec<Pin>) -> Self {
        Self(pins)
    }

    /// Tells whether every name is looked up.
    pub const fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns where a URL is, if that is fixed.
    pub(super) fn of(&self, url: &Uri) -> Option<Vec<SocketAddr>> {
        let host = url.host()?.to_ascii_lowercase();
        let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
        let port = url.port_u16().unwrap_or(usual);
        let pin = self.0.iter().rev().find(|pin| pin.port == port && pin.host == host)?;
        Some(pin.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pins: &[&str], url: &'static str) -> Option<String> {
        let pins = Pins::new(pins.iter().map(|text| text.parse().unwrap()).collect());
        let found = pins.of(&Uri::from_static(url))?;
        Some(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn host_and_port_choose_the_address() {
        let pins = ["a.example:443:10.0.0.1", "A.example:80:[::1],10.0.0.2", "[::2]:81:10.0.0.3"];
        for (url, address) in [
            ("https://a.example/", Some("10.0.0.1:443")),
            ("http://a.Example/", Some("[::1]:80 10.0.0.2:80")),
            ("http://[::2]:81/", Some("10.0.0.3:81")),
            ("https://a.example:444/", None),
            ("https://b.example/", None),
        ] {
            assert_eq!(found(&pins, url).as_deref(), address, "{url}");
        }
        assert_eq!(found(&["a:1:1.1.1.1", "a:1:2.2.2.2"], "http://a:1/").as_deref(), Some("2.2.2.2:1"));
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        for text in
            ["", ":", "::", "a", "a:1", "a:1:", "a:1:b", "a:x:1.1.1.1", ":1:1.1.1.1", "[::1:1", "a:70000:1.1.1.1"]
        {
            assert_eq!(text.parse::<Pin>(), Err(PinError), "{text}");
        }
    }
}
