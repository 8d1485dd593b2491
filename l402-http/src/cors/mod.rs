//! Pages of other origins: what a browser asks before it sends a call, and what it lets a page read (Fetch §3.2, "CORS").
//!
//! ```
//! use http::{HeaderMap, HeaderValue};
//! use l402_http::cors::Cors;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let cors = Cors::origins(["https://shop.example"])?;
//!     let request = HeaderMap::from_iter([("origin".parse()?, HeaderValue::from_static("https://shop.example"))]);
//!     let mut response = HeaderMap::new();
//!     cors.sharing(&request).write(&mut response);
//!     assert_eq!(response["access-control-allow-origin"], "https://shop.example");
//!     assert_eq!(response["vary"], "Origin");
//!     Ok(())
//! }
//! ```
//!
//! # Placement
//!
//! A route has a setting of its own: [`Sale::cors`](crate::policy::Sale::cors), [`Free::cors`](crate::policy::Free::cors). The
//! paid service applies it. Do not put another CORS layer around it: that one would answer preflights by itself.
//!
//! # Responses
//!
//! 1. A *preflight* is `OPTIONS` with `Origin` and `Access-Control-Request-Method`. The browser sends it by itself, without a
//!    credential, before it sends what the page asked for. It is never priced and makes no invoice.
//! 2. The gateway answers it ([`Cors::any`], [`Cors::origins`]), passes it on without payment ([`Cors::upstream`]), or refuses
//!    it with 403 ([`Cors::off`]). Where it was passed on, only the status and the CORS headers of the upstream's response
//!    reach the client: some servers answer every method of a path with the content that is sold.
//! 3. Where origins are allowed, every response carries one `Access-Control-Allow-Origin`, whether it is ours or the
//!    upstream's. It names in `Access-Control-Expose-Headers` what a page needs to pay: `WWW-Authenticate` first of all. The
//!    setting replaces what the upstream says about origins. What else it exposes stays.
//! 4. Cookies stay out: no response of ours says `Access-Control-Allow-Credentials`. A page sends its token in
//!    `Authorization`, which needs no such permission. Where the upstream says it, it stays only beside the very origin
//!    that it was said of.
//! 5. A malformed origin, more than one, and `null`, which every sandboxed page has, are on no list.
//! 6. A page of the internet reaches a gateway in a private network only where its origin is listed
//!    (`Access-Control-Allow-Private-Network`).
//!
//! # Caching
//!
//! With a list of origins the responses depend on who asks, and say so: `Vary: Origin`. An answer to a preflight is `no-store`
//! for caches on the way; the browser keeps it for ten minutes.

// All of it keeps P9 of docs/threats.md.

mod origin;
mod preflight;

pub use origin::CorsOriginError;
pub(crate) use preflight::{Preflight, only_cors};

use crate::response::EXPOSED;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use http::{Request, Response};
use std::sync::Arc;

/// Which pages may call, and who answers their preflights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors(Rule);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Off,
    Upstream,
    Any,
    Listed(Arc<[HeaderValue]>),
}

impl Cors {
    /// Pages of other origins may not call. The default.
    pub const fn off() -> Self {
        Self(Rule::Off)
    }

    /// The upstream decides: its preflights are passed on without payment, and nothing is changed in answers. Our own answers,
    /// the 402 among them, cannot be read by a page then. An upstream that does its work whatever the method is would do it
    /// unpaid.
    pub const fn upstream() -> Self {
        Self(Rule::Upstream)
    }

    /// Every page may call.
    pub const fn any() -> Self {
        Self(Rule::Any)
    }

    /// Pages of these origins may call, such as `https://shop.example` or `http://localhost:5173`.
    ///
    /// # Errors
    /// [`CorsOriginError`] for the first that is no origin.
    pub fn origins<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, CorsOriginError> {
        let listed: Result<Vec<_>, _> = origins.into_iter().map(origin::parse).collect();
        Ok(Self(Rule::Listed(listed?.into())))
    }

    /// Returns what answers to a request with these fields say about pages.
    pub fn sharing(&self, request: &HeaderMap) -> Sharing {
        match &self.0 {
            Rule::Off | Rule::Upstream => Sharing::Unsaid,
            Rule::Any => Sharing::Said { allowed: Some(EVERY_ORIGIN), varies: false },
            Rule::Listed(listed) => {
                Sharing::Said { allowed: only(request).filter(|origin| listed.contains(origin)).cloned(), varies: true }
            }
        }
    }

    /// Answers a preflight for a path that belongs to no route, where these methods are known; [`None`] for every other request.
    pub fn preflight<B>(&self, request: &Request<B>, methods: &HeaderValue) -> Option<Response<Bytes>> {
        Preflight::of(request).map(|preflight| preflight.answer(self, methods))
    }

    /// Whether preflights are passed on.
    pub(crate) fn is_upstream(&self) -> bool {
        self.0 == Rule::Upstream
    }

    /// Whether no page may call.
    pub(crate) fn is_off(&self) -> bool {
        self.0 == Rule::Off
    }

    /// Whether this origin was named.
    fn names_origins(&self) -> bool {
        matches!(self.0, Rule::Listed(_))
    }

    /// Joins two settings for answers that belong to neither: whom either allows may read them.
    pub(crate) fn or(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Rule::Any, _) | (_, Rule::Any) => Self::any(),
            (Rule::Listed(one), Rule::Listed(two)) => {
                let new = two.iter().filter(|origin| !one.contains(origin));
                Self(Rule::Listed(one.iter().chain(new).cloned().collect()))
            }
            (Rule::Listed(_), _) => self.clone(),
            (_, Rule::Listed(_)) => other.clone(),
            _ => Self::off(),
        }
    }
}

/// What an answer says about the pages that may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing: it is left as it is.
    Unsaid,
    /// What the setting says, in place of what the answer says itself.
    Said {
        /// The value of `Access-Control-Allow-Origin`; [`None`] where the page that asks may not read it.
        allowed: Option<HeaderValue>,
        /// Whether that depends on who asks.
        varies: bool,
    },
}

impl Sharing {
    /// Writes it into the fields of an answer.
    pub fn write(&self, fields: &mut HeaderMap) {
        let Self::Said { allowed, varies } = self else { return };
        let mut said = fields.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
        let is_same = said.next() == allowed.as_ref() && said.next().is_none();
        fields.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        if !is_same {
            fields.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        }
        if let Some(origin) = allowed {
            fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            fields.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        if *varies {
            vary(fields, "Origin");
        }
    }
}

/// Says that the answer depends on a field of the request, unless that is said already.
fn vary(fields: &mut HeaderMap, name: &'static str) {
    let lines = fields.get_all(VARY).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut said = lines.map(<[u8]>::trim_ascii);
    if !said.any(|said| said == b"*" || said.eq_ignore_ascii_case(name.as_bytes())) {
        fields.append(VARY, HeaderValue::from_static(name));
    }
}

/// The origin of a request that names one.
fn only(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = request.get_all(ORIGIN).iter();
    origins.next().filter(|_| origins.next().is_none())
}

const EVERY_ORIGIN: HeaderValue = HeaderValue::from_static("*");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    fn lines<'a>(fields: &'a HeaderMap, name: &str) -> Vec<&'a str> {
        fields.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// What an upstream's answer says after the setting was applied.
    fn merged(cors: &Cors, origin: &'static str, said: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut answer = fields(said);
        cors.sharing(&fields(&[("origin", origin)])).write(&mut answer);
        answer
    }

    const SHOP: &str = "https://shop.example";

    #[test]
    fn p9_there_is_one_allow_origin_whatever_the_upstream_says() {
        let listed = Cors::origins([SHOP]).unwrap();
        for said in [&[][..], &["*"], &[SHOP], &["https://other.example"], &["*", SHOP]] {
            let said: Vec<_> = said.iter().map(|origin| ("access-control-allow-origin", *origin)).collect();
            let any = merged(&Cors::any(), SHOP, &said);
            assert_eq!(lines(&any, "access-control-allow-origin"), ["*"], "{said:?}");
            assert_eq!(lines(&any, "vary"), [""; 0], "{said:?}");
            let shop = merged(&listed, SHOP, &said);
            assert_eq!(lines(&shop, "access-control-allow-origin"), [SHOP], "{said:?}");
            let other = merged(&listed, "https://other.example", &said);
            assert_eq!(lines(&other, "access-control-allow-origin"), [""; 0], "{said:?}");
            assert_eq!([lines(&shop, "vary"), lines(&other, "vary")], [["Origin"], ["Origin"]], "{said:?}");
            for untouched in [Cors::off(), Cors::upstream()] {
                assert_eq!(merged(&untouched, SHOP, &said), fields(&said));
            }
        }
    }

    #[test]
    fn p9_what_the_upstream_exposes_and_varies_by_stays() {
        let said = [("access-control-expose-headers", "X-Left"), ("vary", "Accept, origin")];
        let shop = merged(&Cors::origins([SHOP]).unwrap(), SHOP, &said);
        assert_eq!(lines(&shop, "access-control-expose-headers"), ["X-Left", EXPOSED]);
        assert_eq!(lines(&shop, "vary"), ["Accept, origin"]);
    }

    #[test]
    fn p9_cookies_are_allowed_to_no_page_that_the_upstream_did_not_name() {
        let listed = Cors::origins([SHOP, "https://two.example"]).unwrap();
        let said = [("access-control-allow-origin", SHOP), ("access-control-allow-credentials", "true")];
        assert!(merged(&listed, SHOP, &said).contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        for (cors, origin) in [(&listed, "https://two.example"), (&listed, "https://six.example"), (&Cors::any(), SHOP)]
        {
            assert!(!merged(cors, origin, &said).contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS), "{origin}");
        }
    }

    #[test]
    fn p9_a_list_holds_neither_null_nor_what_is_malformed() {
        let cors = Cors::origins([SHOP]).unwrap();
        for origins in [
            &["null"][..],
            &[""],
            &["https://shop.example/"],
            &["https://shop.example:443"],
            &["HTTPS://shop.example"],
            &["https://shop.example, https://shop.example"],
            &["https://shop.example.evil.example"],
            &[SHOP, SHOP],
            &[],
        ] {
            let asked: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
            assert_eq!(cors.sharing(&fields(&asked)), Sharing::Said { allowed: None, varies: true }, "{origins:?}");
        }
    }

    #[test]
    fn what_belongs_to_no_service_is_read_by_whom_any_allows() {
        let (one, two) = (Cors::origins([SHOP]).unwrap(), Cors::origins(["http://b", SHOP]).unwrap());
        assert_eq!(Cors::off().or(&Cors::upstream()), Cors::off());
        assert_eq!(Cors::off().or(&one), one);
        assert_eq!(one.or(&Cors::upstream()), one);
        assert_eq!(one.or(&two), Cors::origins([SHOP, "http://b"]).unwrap());
        assert_eq!(one.or(&Cors::any()), Cors::any());
    }
}
