//! Origins as the owner writes them, with a glob where there are many.
//!
//! 1. `https://api.example`, `https://*.example:8402`, `*://127.0.0.1:*`. Without a port it is that of the scheme.
//! 2. A `*` in a host stands in its first label. Alone, it is one or more labels; beside other characters, a part of that one label;
//!    and a host that is only `*` is any host. So no origin of another domain matches by how it begins.
//! 3. Whether two patterns have an origin in common is decided from the patterns.

use core::fmt;
use core::str::FromStr;
use l402_http::pay::Origin;

/// What origins an entry is about.
///
/// ```
/// use l402_agent::policy::OriginPattern;
///
/// let pattern: OriginPattern = "https://*.example.com".parse()?;
/// assert!(pattern.matches(&"https://api.example.com".parse()?));
/// assert!(!pattern.matches(&"https://example.com".parse()?) && !pattern.matches(&"http://api.example.com".parse()?));
/// assert!(pattern.overlaps(&"*://*:443".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    text: String,
    /// Whether it is `https`; [`None`] is either.
    secure: Option<bool>,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Exact(String),
    /// Whatever ends with this, which begins with a dot.
    Below(String),
    /// One label with a beginning and an end, and the rest of the host, which begins with a dot unless it is empty.
    Label {
        start: String,
        end: String,
        rest: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    OfScheme,
    Number(u16),
}

impl OriginPattern {
    /// Tells whether it is about an origin.
    pub fn matches(&self, origin: &Origin) -> bool {
        let secure = origin.is_secure();
        self.secure.is_none_or(|own| own == secure)
            && self.port.matches(origin.port(), secure)
            && self.host.matches(origin.host())
    }

    /// Tells whether there is an origin that both are about.
    pub fn overlaps(&self, other: &Self) -> bool {
        let schemes = [true, false].into_iter().filter(|secure| {
            let is_its = |pattern: &Self| pattern.secure.is_none_or(|own| own == *secure);
            is_its(self) && is_its(other)
        });
        let ports = |secure| match (self.port.number(secure), other.port.number(secure)) {
            (Some(one), Some(another)) => one == another,
            _ => true,
        };
        schemes.into_iter().any(ports) && self.host.overlaps(&other.host)
    }

    /// Tells whether it writes out `http://` and a host without a glob: the owner has thought of this one.
    pub(super) fn names_plain_http(&self) -> bool {
        self.secure == Some(false) && matches!(self.host, Host::Exact(_))
    }
}

impl Port {
    fn number(self, secure: bool) -> Option<u16> {
        match self {
            Self::Any => None,
            Self::OfScheme => Some(if secure { 443 } else { 80 }),
            Self::Number(port) => Some(port),
        }
    }

    fn matches(self, port: u16, secure: bool) -> bool {
        self.number(secure).is_none_or(|own| own == port)
    }
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(own) => own == host,
            Self::Below(end) => host.len() > end.len() && host.ends_with(end.as_str()),
            Self::Label { start, end, rest } => {
                let label = host.strip_suffix(rest.as_str()).filter(|label| !label.contains(['.', '[']));
                let middle = label.and_then(|label| label.strip_prefix(start.as_str()));
                middle.is_some_and(|middle| middle.ends_with(end.as_str()))
            }
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Exact(host), glob) | (glob, Self::Exact(host)) => glob.matches(host),
            (Self::Below(one), Self::Below(another)) => one.ends_with(another.as_str()) || another.ends_with(one),
            (Self::Below(end), Self::Label { rest, .. }) | (Self::Label { rest, .. }, Self::Below(end)) => {
                rest.ends_with(end.as_str())
            }
            (
                Self::Label { start, end, rest },
                Self::Label { start: other_start, end: other_end, rest: other_rest },
            ) => {
                let starts = start.starts_with(other_start.as_str()) || other_start.starts_with(start.as_str());
                let ends = end.ends_with(other_end.as_str()) || other_end.ends_with(end.as_str());
                rest == other_rest && starts && ends
            }
        }
    }
}

impl FromStr for OriginPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (scheme, rest) = text.split_once("://").ok_or(PatternError::Scheme)?;
        let secure = match scheme {
            "https" => Some(true),
            "http" => Some(false),
            "*" => None,
            _ => return Err(PatternError::Scheme),
        };
        if rest.contains(['/', '?', '#', '@']) {
            return Err(PatternError::More);
        }
        let after_address = rest.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match rest.get(after_address..).and_then(|rest| rest.rfind(':')) {
            Some(at) => rest.split_at_checked(after_address + at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        let port = match port {
            "" => Port::OfScheme,
            ":*" => Port::Any,
            port => {
                let number = port.trim_start_matches(':').parse().ok().filter(|&number| number != 0);
                Port::Number(number.ok_or(PatternError::Port)?)
            }
        };
        Ok(Self { text: text.to_owned(), secure, host: host.to_ascii_lowercase().parse()?, port })
    }
}

impl FromStr for Host {
    type Err = PatternError;

    fn from_str(host: &str) -> Result<Self, PatternError> {
        // What is no origin can match none.
        let sample = host.replace('*', "x");
        let is_host = format!("http://{sample}").parse::<Origin>().is_ok_and(|origin| origin.host() == sample);
        if !is_host || !host.is_ascii() {
            return Err(PatternError::Host);
        }
        let (label, rest) = host.split_at_checked(host.find('.').unwrap_or(host.len())).ok_or(PatternError::Host)?;
        match label.split_once('*') {
            _ if rest.contains('*') => Err(PatternError::Glob),
            None => Ok(Self::Exact(host.to_owned())),
            Some((_, end)) if end.contains('*') || host.contains('[') => Err(PatternError::Glob),
            Some(("", "")) if rest.is_empty() => Ok(Self::Any),
            Some(("", "")) => Ok(Self::Below(rest.to_owned())),
            Some((start, end)) => {
                Ok(Self::Label { start: start.to_owned(), end: end.to_owned(), rest: rest.to_owned() })
            }
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no pattern of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// It begins with no scheme.
    Scheme,
    /// It has a path, a query or user information.
    More,
    /// It has no host, or a wrong one.
    Host,
    /// The port is no number and not `*`.
    Port,
    /// A glob stands where it must not.
    Glob,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "begin with `https://`, `http://` or `*://`, as in \"https://api.example\"",
            Self::More => "an origin is scheme, host and port, as in \"https://api.example:8402\"; leave out the rest",
            Self::Host => "the host is missing or wrong; write it in ASCII, as in \"https://api.example\"",
            Self::Port => "the port must be a number from 1 to 65535, or `*`",
            Self::Glob => "a host may have one `*`, in its first label, as in \"https://*.example\"",
        })
    }
}

impl core::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    #[test]
    fn a5_a_pattern_matches_what_it_says_and_no_neighbour() {
        for (text, yes, no) in [
            ("https://a.example", &["https://A.example:443"][..], &["http://a.example", "https://a.example:444"][..]),
            ("http://a.example", &["http://a.example"], &["http://a.example:8080"]),
            ("*://a.example", &["http://a.example", "https://a.example"], &["http://a.example:443"]),
            ("https://a.example:*", &["https://a.example:9"], &["https://b.example:9"]),
            (
                "https://*.a.example",
                &["https://x.a.example", "https://x.y.a.example"],
                &["https://a.example", "https://xa.example", "https://x.a.example.evil"],
            ),
            (
                "https://api-*.a.example",
                &["https://api-.a.example", "https://api-7.a.example"],
                &["https://api-7.b.a.example", "https://api-7.evil/a.example", "https://xapi-7.a.example"],
            ),
            ("https://a*z", &["https://az", "https://abz"], &["https://a", "https://a.z", "https://a.bz"]),
            ("*://*:*", &["http://[::1]:7", "https://x"], &[]),
            ("http://[::1]:8402", &["http://[::1]:8402"], &["http://[::1]", "http://[::2]:8402"]),
        ] {
            let pattern = pattern(text);
            assert!(yes.iter().all(|origin| pattern.matches(&origin.parse().unwrap())), "{text}");
            assert!(!no.iter().any(|origin| pattern.matches(&origin.parse().unwrap())), "{text}");
        }
    }

    #[test]
    fn patterns_overlap_where_one_origin_matches_both() {
        for (one, other, overlap) in [
            ("https://a.example", "https://a.example:443", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "*://*.example", true),
            ("https://a.example", "*://*.example:80", false),
            ("http://a.example", "*://*.example:80", true),
            ("https://*.example", "https://*.a.example", true),
            ("https://*.example", "https://*.ample", false),
            ("https://*.a.example", "https://api-*.example", false),
            ("https://*.example", "https://api-*.a.example", true),
            ("https://*.a.example", "https://api-*.a.example", true),
            ("https://api-*.example", "https://*-v1.example", true),
            ("https://api-*.example", "https://web-*.example", false),
            ("https://*:*", "http://*:*", false),
            ("https://*", "https://a.example:8402", false),
        ] {
            let (one, other) = (pattern(one), pattern(other));
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlap, overlap), "{one} {other}");
            assert!(one.overlaps(&one), "{one}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use PatternError::{Glob, Host, More, Port, Scheme};
        for (text, fault) in [
            ("a.example", Scheme),
            ("ftp://a.example", Scheme),
            ("https://a.example/", More),
            ("https://u@a.example", More),
            ("https://", Host),
            ("https://ä.example", Host),
            ("https://a b", Host),
            ("https://a.example:0", Port),
            ("https://a.example:x", Port),
            ("https://a.example:65536", Port),
            ("https://a.*.example", Glob),
            ("https://api.*", Glob),
            ("https://*a*.example", Glob),
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(fault), "{text}");
        }
    }
}
