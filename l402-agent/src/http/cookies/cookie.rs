//! One cookie: what sets it, and where it goes.

use super::date;
use core::net::IpAddr;
use http::Uri;
use l402_core::UnixSeconds;

/// Where a request goes.
pub(super) struct Place {
    host: String,
    path: String,
    /// Over TLS, or on loopback.
    pub(super) is_secure: bool,
}

impl Place {
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let host = uri.host()?.to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let path = if uri.path().starts_with('/') { uri.path() } else { "/" };
        Some(Self { host: bare, path: path.to_owned(), is_secure: uri.scheme_str() == Some("https") || is_loopback })
    }

    fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }
}

/// A cookie.
#[derive(Clone)]
pub(super) struct Cookie {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// In lower case, without a dot in front.
    pub(super) domain: String,
    /// Whether it goes to the hosts below the domain too.
    pub(super) has_subdomains: bool,
    pub(super) path: String,
    pub(super) is_secure: bool,
    pub(super) is_http_only: bool,
    /// 0 for the end of the session.
    pub(super) expires: u64,
}

impl Cookie {
    /// Reads `Set-Cookie` (RFC 6265 §5.2); [`None`] where the cookie is not for this place, or is none.
    pub(super) fn set(line: &[u8], place: &Place, now: UnixSeconds) -> Option<Self> {
        if line.iter().any(u8::is_ascii_control) {
            return None;
        }
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = pair(parts.next()?)?;
        if name.is_empty() || name.len() + value.len() > LONGEST {
            return None;
        }
        let mut cookie = Self {
            name: name.to_vec(),
            value: value.to_vec(),
            domain: place.host.clone(),
            has_subdomains: false,
            path: folder(&place.path).to_owned(),
            is_secure: false,
            is_http_only: false,
            expires: 0,
        };
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (name, value) = pair(part).unwrap_or((part.trim_ascii(), b""));
            let value = core::str::from_utf8(value).ok()?;
            match name.to_ascii_lowercase().as_slice() {
                b"domain" => cookie.belong(value, place)?,
                b"path" => cookie.path = String::from(if value.starts_with('/') { value } else { "/" }),
                b"secure" if place.is_secure => cookie.is_secure = true,
                b"secure" => return None,
                b"httponly" => cookie.is_http_only = true,
                b"max-age" => max_age = Some(end_of_age(value, now)),
                b"expires" => expires = date::parse(value).map(|end| end.max(1)),
                _ => {}
            }
        }
        cookie.expires = max_age.or(expires).unwrap_or(0);
        cookie.keeps_its_prefix(place).then_some(cookie)
    }

    fn belong(&mut self, domain: &str, place: &Place) -> Option<()> {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        if domain.is_empty() {
            return Some(());
        }
        if place.is_address() {
            return (domain == place.host).then_some(());
        }
        let has_labels = domain.split_once('.').is_some_and(|(_, rest)| !rest.is_empty());
        let is_own = domain == "localhost" || has_labels;
        if !is_own || !is_below(&place.host, &domain) {
            return None;
        }
        self.domain = domain;
        self.has_subdomains = true;
        Some(())
    }

    fn keeps_its_prefix(&self, place: &Place) -> bool {
        if self.name.starts_with(b"__Host-") {
            return self.is_secure && self.path == "/" && !self.has_subdomains && self.domain == place.host;
        }
        self.is_secure || !self.name.starts_with(b"__Secure-")
    }

    pub(super) const fn has_ended(&self, now: UnixSeconds) -> bool {
        self.expires != 0 && self.expires <= now.get()
    }

    pub(super) fn fits(&self, place: &Place) -> bool {
        let of_host = if self.has_subdomains && !place.is_address() {
            is_below(&place.host, &self.domain)
        } else {
            place.host == self.domain
        };
        of_host && (place.is_secure || !self.is_secure) && is_within(&place.path, &self.path)
    }

    /// Whether another one of this name, domain and path takes its place.
    pub(super) fn is_same_for(&self, other: &Self) -> bool {
        (&self.name, &self.domain, self.has_subdomains) == (&other.name, &other.domain, other.has_subdomains)
            && bare(&self.path) == bare(&other.path)
    }

    /// What goes first (RFC 6265 §5.4, and then as curl does): the longest path, domain and name.
    pub(super) fn rank(&self) -> (usize, usize, usize) {
        (self.path.len(), self.domain.len(), self.name.len())
    }

    pub(super) fn pair(&self) -> Vec<u8> {
        [&self.name, &b"="[..], &self.value].concat()
    }
}

fn pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|byte| *byte == b'=')?;
    Some((part[..at].trim_ascii(), part[at + 1..].trim_ascii()))
}

fn end_of_age(value: &str, now: UnixSeconds) -> u64 {
    match value.trim_matches('"').parse::<i64>() {
        Ok(age) if age > 0 => now.get().saturating_add(age.unsigned_abs()),
        _ => 1,
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// RFC 6265 §5.1.4.
fn is_within(path: &str, folder: &str) -> bool {
    let folder = bare(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Up to the last slash, with it.
fn folder(path: &str) -> &str {
    path.rfind('/').map_or("/", |at| &path[..=at])
}

fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// As curl has it.
const LONGEST: usize = 4_096;
