//! Origins as operators write them.

use core::fmt;
use http::{HeaderValue, Uri};

/// Reads an origin and returns it as browsers send it (RFC 6454 §6.2): in lower case, without the usual port.
pub(super) fn parse(text: &str) -> Result<HeaderValue, CorsOriginError> {
    if text.eq_ignore_ascii_case("null") {
        return Err(CorsOriginError::Null);
    }
    if text == "*" {
        return Err(CorsOriginError::Every);
    }
    let (scheme, rest) = text.split_once("://").ok_or(CorsOriginError::Shape)?;
    let uri: Uri = text.parse().map_err(|_| CorsOriginError::Shape)?;
    let authority = uri.authority().ok_or(CorsOriginError::Shape)?;
    if rest.contains(['/', '?', '#', '@', '*']) || authority.host().is_empty() {
        return Err(CorsOriginError::Shape);
    }
    let scheme = scheme.to_ascii_lowercase();
    let host = authority.host().to_ascii_lowercase();
    let port = authority.port_u16().filter(|port| !matches!((scheme.as_str(), port), ("http", 80) | ("https", 443)));
    let origin = match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    };
    HeaderValue::try_from(origin).map_err(|_| CorsOriginError::Shape)
}

/// Why a text is no origin that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsOriginError {
    /// It is not scheme, host and optional port.
    Shape,
    /// It stands for every page that has no origin of its own.
    Null,
    /// It stands for every page.
    Every,
}

impl fmt::Display for CorsOriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => {
                "write scheme and host, and the port if it is not the default, such as \"https://shop.example\""
            }
            Self::Null => "every sandboxed page and local file has this origin, so it cannot be listed",
            Self::Every => "a list names single origins; allow every origin instead of a list",
        })
    }
}

impl core::error::Error for CorsOriginError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_send_them() {
        for (text, expected) in [
            ("https://shop.example", Ok("https://shop.example")),
            ("HTTPS://Shop.Example:443", Ok("https://shop.example")),
            ("http://localhost:5173", Ok("http://localhost:5173")),
            ("http://[::1]:80", Ok("http://[::1]")),
            ("https://a:80", Ok("https://a:80")),
            ("capacitor://localhost", Ok("capacitor://localhost")),
            ("https://shop.example/", Err(CorsOriginError::Shape)),
            ("https://shop.example/page", Err(CorsOriginError::Shape)),
            ("https://shop.example?x", Err(CorsOriginError::Shape)),
            ("https://user@shop.example", Err(CorsOriginError::Shape)),
            ("https://*.shop.example", Err(CorsOriginError::Shape)),
            ("shop.example", Err(CorsOriginError::Shape)),
            ("https://", Err(CorsOriginError::Shape)),
            ("", Err(CorsOriginError::Shape)),
            ("null", Err(CorsOriginError::Null)),
            ("*", Err(CorsOriginError::Every)),
        ] {
            let read = parse(text);
            let read = read.as_ref().map(|value| value.to_str().unwrap()).map_err(|fault| *fault);
            assert_eq!(read, expected, "{text}");
        }
    }
}
