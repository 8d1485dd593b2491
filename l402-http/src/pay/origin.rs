//! Where a token may go.

// Threats: A6.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;
use http::Uri;

/// Scheme, host and port of an `http` or `https` URI (RFC 9110 §4.3.1): a token bought from one origin is shown to no other.
///
/// ```
/// use l402_http::pay::Origin;
///
/// let origin = Origin::of(&"https://API.example.com:443/data?x=1".parse()?)?;
/// assert_eq!(origin.to_string(), "https://api.example.com");
/// assert_ne!(origin, "http://api.example.com".parse()?);
/// assert_ne!(origin, "https://api.example.com:8402".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    secure: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// Takes the origin of a URI; path, query and user information play no part.
    ///
    /// # Errors
    /// [`OriginError`] when the URI has no host, another scheme, or a port above 65535. So has a host like `127.1` or `0x7f.1`, which
    /// systems read as an IPv4 address: one address would be several origins.
    pub fn of(uri: &Uri) -> Result<Self, OriginError> {
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(OriginError),
        };
        let authority = uri.authority().ok_or(OriginError)?;
        let written = authority.host();
        let (_, place) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
        let port = match place.get(written.len()..).unwrap_or_default() {
            "" | ":" => default_port(secure),
            port => port.strip_prefix(':').and_then(digits).ok_or(OriginError)?,
        };
        Ok(Self { secure, host: host(written).ok_or(OriginError)?.into(), port })
    }

    /// Returns whether the origin is reached over TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the host in lower case; an IPv6 address stands in brackets.
    pub const fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, which is the scheme's own where the URI names none.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    /// Writes what [`FromStr`] reads, without the port where it is the scheme's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default_port(self.secure) {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::of(&text.parse().map_err(|_| OriginError)?)
    }
}

/// A URI has no origin: it is relative, or neither `http` nor `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginError;

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the URI is not an absolute http or https URI with a valid host and port")
    }
}

impl core::error::Error for OriginError {}

fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Writes a host in one way: in lower case, without the dot at its end, an IPv4 address in four numbers.
fn host(written: &str) -> Option<String> {
    let lower = written.to_ascii_lowercase();
    if let Some(address) = lower.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(match address.parse().map(|address: Ipv6Addr| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => address.to_string(),
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            Err(_) => lower, // with a zone
        });
    }
    let host = lower.strip_suffix('.').unwrap_or(&lower);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_whole = !host.is_empty() && (!is_number || host.parse::<Ipv4Addr>().is_ok());
    is_whole.then(|| host.to_owned())
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a6_only_scheme_host_and_port_make_an_origin() {
        let same = [
            ("http://a.example/x", "http://A.EXAMPLE:80/y?z"),
            ("https://user@a.example", "https://a.example:443"),
            ("http://[::1]:8402/", "http://[::1]:8402/x"),
            ("http://a.example./", "http://a.example/"),
            ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1/"),
            ("http://[0:0::1]/", "http://[::1]/"),
            ("http://a.example:/", "http://a.example/"),
        ];
        for (one, other) in same {
            assert_eq!(one.parse::<Origin>(), other.parse(), "{one} {other}");
        }
        let different = [
            ("http://a.example", "https://a.example"),
            ("http://a.example:443", "https://a.example"),
            ("http://a.example", "http://b.example"),
            ("http://a.example", "http://a.example.b.example"),
            ("http://a.example@b.example", "http://a.example"),
        ];
        for (one, other) in different {
            assert_ne!(one.parse::<Origin>(), other.parse(), "{one} {other}");
        }
    }

    #[test]
    fn what_has_no_origin_is_refused() {
        for text in [
            "/path",
            "a.example:80",
            "ftp://a.example",
            "*",
            "http://a.example:65536/",
            "http://a.example:+80/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://./",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }

    #[test]
    fn the_text_is_read_back() {
        for text in ["http://a.example", "https://a.example:8402", "http://[::1]:1"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
    }
}
