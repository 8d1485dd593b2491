//! Why the settings of an upstream are refused.

use core::fmt;

use http::header::HeaderName;
use rustls::pki_types::pem;

/// Why an upstream cannot be set up as asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpstreamConfigError {
    /// The scheme is none of `http`, `https` and `h2c`.
    Scheme,
    /// The host is missing or can be no name in a certificate.
    Host,
    /// A user name or a password stands before the host.
    UserInfo,
    /// There is a path or a query after host and port.
    Path,
    /// The field belongs to the connection or frames the message.
    Reserved(HeaderName),
    /// The file of extra certificates cannot be read.
    Roots(pem::Error),
    /// The file of extra certificates holds none.
    NoRoots,
    /// TLS does not accept the settings, such as a malformed extra certificate.
    Tls(rustls::Error),
}

impl fmt::Display for UpstreamConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("the upstream's scheme must be http, https or h2c"),
            Self::Host => f.write_str("the upstream needs a valid host"),
            Self::UserInfo => {
                f.write_str("put the user and the password into a header such as Authorization, not here")
            }
            Self::Path => f.write_str("the upstream must be an origin, without a path or query"),
            Self::Reserved(name) => write!(f, "the field {name} cannot be set"),
            Self::Roots(_) => f.write_str("the extra root certificates cannot be read"),
            Self::NoRoots => f.write_str("the file of extra root certificates holds none"),
            Self::Tls(_) => f.write_str("the TLS settings are not accepted"),
        }
    }
}

impl core::error::Error for UpstreamConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Roots(error) => Some(error),
            Self::Tls(error) => Some(error),
            _ => None,
        }
    }
}
