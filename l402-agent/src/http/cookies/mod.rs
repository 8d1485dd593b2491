//! Cookies, as curl keeps them (RFC 6265).
//!
//! 1. A cookie goes to the host that set it, or with `Domain` to the hosts below that domain: never to another. A domain of a single label,
//!    such as `com`, is nobody's, and so is an address as a domain of others.
//! 2. A cookie with `Secure` is set and sent over https only; on loopback over http too. Over http, none that is `Secure` is replaced.
//! 3. Each request of a call gets the cookies that fit its URL, along redirects and after a payment. Those that responses set come in,
//!    of a 402 too.
//! 4. A cookie is a secret: a header that carries one is marked sensitive, and a file is written with mode 0600.

mod cookie;
mod date;
mod file;

pub use file::CookieFileError;

use cookie::{Cookie, Place};
use core::fmt;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Uri};
use l402_core::UnixSeconds;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The cookies of a caller. Clones share them.
///
/// ```
/// use l402_agent::http::cookies::Cookies;
///
/// let cookies = Cookies::default();
/// cookies.read(b"api.example\tFALSE\t/\tTRUE\t0\tid\t7\n");
/// let (https, http) = ("https://api.example/v1".parse()?, "http://api.example/v1".parse()?);
/// assert_eq!(cookies.header(&https, 0.into()).unwrap(), "id=7");
/// assert!(cookies.header(&http, 0.into()).is_none());
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Default)]
pub struct Cookies(Arc<Mutex<Vec<Cookie>>>);

impl Cookies {
    /// Takes what a file says, in the format of Netscape; what cannot be read in it is passed over.
    pub fn read(&self, file: &[u8]) {
        let mut jar = self.lock();
        for cookie in file::parse(file) {
            put(&mut jar, cookie);
        }
    }

    /// Returns the file, in the format of Netscape, newest first; without those that have ended.
    pub fn write(&self, now: UnixSeconds) -> Vec<u8> {
        let mut jar = self.lock();
        jar.retain(|cookie| !cookie.has_ended(now));
        file::print(&jar)
    }

    /// Returns the header for a URL; [`None`] without a cookie for it.
    pub fn header(&self, uri: &Uri, now: UnixSeconds) -> Option<HeaderValue> {
        let place = Place::of(uri)?;
        let jar = self.lock();
        let mut fit: Vec<_> = jar.iter().filter(|cookie| !cookie.has_ended(now) && cookie.fits(&place)).collect();
        fit.reverse(); // curl: the newest goes first
        fit.sort_by_key(|cookie| core::cmp::Reverse(cookie.rank()));
        let pairs: Vec<_> = fit.iter().map(|cookie| cookie.pair()).collect();
        let mut value = HeaderValue::from_bytes(&pairs.join(&b"; "[..])).ok().filter(|value| !value.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Puts the cookies that fit into a request, before its own.
    pub(super) fn add_to(&self, uri: &Uri, headers: &mut HeaderMap, now: UnixSeconds) {
        let Some(mut value) = self.header(uri, now) else { return };
        if let Some(own) = headers.get(COOKIE) {
            let joined = [value.as_bytes(), b"; ", own.as_bytes()].concat();
            let Ok(joined) = HeaderValue::from_bytes(&joined) else { return };
            value = joined;
            value.set_sensitive(true);
        }
        headers.insert(COOKIE, value);
    }

    /// Takes the cookies that a response sets.
    pub(super) fn take(&self, uri: &Uri, headers: &HeaderMap, now: UnixSeconds) {
        let Some(place) = Place::of(uri) else { return };
        let mut jar = self.lock();
        for line in headers.get_all(SET_COOKIE) {
            let Some(cookie) = Cookie::set(line.as_bytes(), &place, now) else { continue };
            let overlays = |old: &Cookie| old.is_secure && old.is_same_for(&cookie) && !place.is_secure;
            if !jar.iter().any(overlays) {
                put(&mut jar, cookie);
            }
        }
        jar.retain(|cookie| !cookie.has_ended(now));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Cookie>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the same name, domain and path is replaced where it stands.
fn put(jar: &mut Vec<Cookie>, cookie: Cookie) {
    let has_room = jar.len() < MOST;
    match jar.iter_mut().find(|old| old.is_same_for(&cookie)) {
        Some(old) => *old = cookie,
        None if has_room => jar.push(cookie),
        None => {}
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookies({}, redacted)", self.lock().len())
    }
}

/// A server cannot fill the memory.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

    fn set(jar: &Cookies, url: &str, lines: &[&str]) {
        let headers = lines.iter().map(|line| (SET_COOKIE, line.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        jar.take(&url.parse().unwrap(), &map, NOW);
    }

    fn sent(jar: &Cookies, url: &str) -> String {
        let value = jar.header(&url.parse().unwrap(), NOW);
        value.map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap()).unwrap_or_default()
    }

    #[test]
    fn a_cookie_goes_only_where_it_may() {
        for (line, from, to, goes) in [
            ("a=1", "http://h.example/x/y", "http://h.example/x/z", true),
            ("a=1", "http://h.example/x/y", "http://h.example/xyz", false),
            ("a=1", "http://h.example/", "http://sub.h.example/", false),
            ("a=1", "http://h.example/", "http://other.example/", false),
            ("a=1; domain=h.example", "http://h.example/", "http://sub.h.example/", true),
            ("a=1; domain=.h.example", "http://sub.h.example/", "http://h.example/", true),
            ("a=1; domain=h.example", "http://h.example/", "http://evilh.example/", false),
            ("a=1; domain=other.example", "http://h.example/", "http://other.example/", false),
            ("a=1; domain=sub.h.example", "http://h.example/", "http://sub.h.example/", false),
            ("a=1; domain=example", "http://h.example/", "http://h.example/", false),
            ("a=1; domain=example.", "http://h.example/", "http://h.example/", false),
            ("a=1; domain=2.3.4", "http://1.2.3.4/", "http://1.2.3.4/", false),
            ("a=1; domain=1.2.3.4", "http://1.2.3.4/", "http://1.2.3.4/", true),
            ("a=1; path=/p", "http://h.example/", "http://h.example/p/q", true),
            ("a=1; path=/p", "http://h.example/", "http://h.example/", false),
            ("a=1; path=p", "http://h.example/q/r", "http://h.example/", true),
            ("a=1; secure", "https://h.example/", "https://h.example/", true),
            ("a=1; secure", "https://h.example/", "http://h.example/", false),
            ("a=1; secure", "http://h.example/", "https://h.example/", false),
            ("a=1; secure", "http://127.0.0.1/", "http://127.0.0.1:8402/", true),
            ("__Secure-a=1", "https://h.example/", "https://h.example/", false),
            ("__Host-a=1; secure; path=/", "https://h.example/", "https://h.example/", true),
            ("__Host-a=1; secure; path=/; domain=h.example", "https://h.example/", "https://h.example/", false),
            ("a=1; max-age=0", "http://h.example/", "http://h.example/", false),
            ("a=1; expires=Thu, 01 Jan 1970 00:00:10 GMT", "http://h.example/", "http://h.example/", false),
            ("a=1; expires=Fri, 31 Dec 2038 23:59:59 GMT", "http://h.example/", "http://h.example/", true),
            ("a=1; expires=nonsense", "http://h.example/", "http://h.example/", true),
            ("no value", "http://h.example/", "http://h.example/", false),
            ("a=1\tb", "http://h.example/", "http://h.example/", false),
        ] {
            let jar = Cookies::default();
            set(&jar, from, &[line]);
            assert_eq!(!sent(&jar, to).is_empty(), goes, "{line} from {from} to {to}");
        }
    }

    #[test]
    fn the_longest_path_goes_first_and_a_new_value_replaces_the_old() {
        let jar = Cookies::default();
        set(&jar, "http://h.example/", &["a=1", "bb=2; path=/p", "a=3; path=/", "c=4; domain=h.example"]);
        assert_eq!(sent(&jar, "http://h.example/p/q"), "bb=2; c=4; a=3");
        set(&jar, "http://h.example/", &["a=; max-age=0"]);
        assert_eq!(sent(&jar, "http://h.example/"), "c=4");
        let own = &mut HeaderMap::from_iter([(COOKIE, "mine=1".parse().unwrap())]);
        jar.add_to(&"http://h.example/".parse().unwrap(), own, NOW);
        assert_eq!(own[COOKIE], "c=4; mine=1");
        assert!(own[COOKIE].is_sensitive() && !format!("{jar:?}").contains("c=4"));
    }

    #[test]
    fn over_http_nothing_secure_is_replaced() {
        let jar = Cookies::default();
        set(&jar, "https://h.example/", &["a=1; secure"]);
        set(&jar, "http://h.example/", &["a=2"]);
        assert_eq!(sent(&jar, "https://h.example/"), "a=1");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let jar = Cookies::default();
        set(
            &jar,
            "https://h.example/x/",
            &["a=1; secure; httponly", "b=two words; domain=h.example; max-age=60", "gone=1; max-age=0"],
        );
        let file = jar.write(NOW);
        let again = Cookies::default();
        again.read(&file);
        // The last line is the newest cookie, and goes first, as with curl: twice written, it is as it was.
        let twice = Cookies::default();
        twice.read(&again.write(NOW));
        assert_eq!(twice.write(NOW), file);
        assert_eq!(sent(&twice, "https://h.example/x/"), sent(&jar, "https://h.example/x/"));
        let text = String::from_utf8(file).unwrap();
        assert!(text.contains("#HttpOnly_h.example\tFALSE\t/x/\tTRUE\t0\ta\t1\n"), "{text}");
        assert!(text.contains(".h.example\tTRUE\t/x/\tFALSE\t1700000060\tb\ttwo words\n"), "{text}");
    }
}
