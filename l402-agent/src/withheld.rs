//! A token that is good, and is not served at the moment: why, and whether waiting helps.
//!
//! 1. A server that says when to come back (`Retry-After`) is waited for, and the request repeated: never longer in all than the
//!    timeout for a silent server, and no more than 20 times. Nothing is paid for that.
//! 2. Where the request may have been performed already, its repetition is never paid for either. Only a request that was
//!    certainly not performed ([`Withheld::UsesReserved`], [`Withheld::TooOften`]) may buy another token once its own is spent.
//! 3. Without `Retry-After`, the response is the caller's. So is one that puts the use in doubt: it was sent, and what became of it is
//!    not known.

// Threats: A9.

use crate::http::peek::Peeked;
use core::fmt;
use core::time::Duration;
use http::header::{HeaderMap, HeaderName, RETRY_AFTER};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use l402_http::pay::reason;
use serde::Serialize;

/// Why a token is not served at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Withheld {
    /// Other requests hold what is left of it.
    UsesReserved,
    /// Another request with the same `Idempotency-Key` holds a use.
    KeyHeld,
    /// It is not known whether an earlier request took the use.
    InDoubt,
    /// The request failed, and it is not known whether it was performed.
    LeftInDoubt,
    /// The server cannot reach what counts the uses.
    LedgerUnavailable,
    /// The server has heard from this client, or seen this token, too often. It has not looked at the request.
    TooOften,
    /// The server's node has not recorded the payment yet.
    NotSettled,
    /// The server's node cannot say at the moment whether the payment is settled.
    SettlementUnknown,
}

impl Withheld {
    /// Reads the reason of a response, from its headers and the beginning of its body.
    pub fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if !may_say(status, headers) {
            return None;
        }
        let withheld = match reason(headers, body)?.as_str() {
            "uses-reserved" => Self::UsesReserved,
            "key-held" => Self::KeyHeld,
            "in-doubt" => Self::InDoubt,
            "ledger-unavailable" => Self::LedgerUnavailable,
            "token-rate" | "too-many-requests" | "too-many-challenges" | "too-many-unpaid" => Self::TooOften,
            "not-settled" => Self::NotSettled,
            "settlement-unknown" => Self::SettlementUnknown,
            _ => return None,
        };
        Some(withheld)
    }

    /// Reads whether this very request has put a use of the token in doubt.
    pub fn left_in_doubt(headers: &HeaderMap) -> Option<Self> {
        headers.get_all(X_L402).iter().any(|value| value == "in-doubt").then_some(Self::LeftInDoubt)
    }

    /// Tells whether there is nothing to wait for: the server will not give this answer to this request.
    pub(crate) fn is_for_good(self, headers: &HeaderMap) -> bool {
        self == Self::KeyHeld && !headers.contains_key(RETRY_AFTER)
    }

    /// Tells whether the request may have been performed, by this attempt or by what it waits for.
    pub const fn may_have_served(self) -> bool {
        !matches!(self, Self::UsesReserved | Self::TooOften)
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UsesReserved => "other requests hold what is left of the token",
            Self::KeyHeld => "another request with this Idempotency-Key is being served",
            Self::InDoubt => "the server does not know whether an earlier request used the token",
            Self::LeftInDoubt => "the request failed, and the server does not know whether it was performed",
            Self::LedgerUnavailable => "the server cannot count uses at the moment",
            Self::TooOften => "the server takes no more requests for now",
            Self::NotSettled => "the server has not recorded the payment yet",
            Self::SettlementUnknown => "the server cannot look up the payment at the moment",
        })
    }
}

/// A pause before a request is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The URL that was answered so.
    pub url: String,
    /// What is waited for.
    pub reason: Withheld,
    /// For how long.
    pub time: Duration,
}

/// How long a call waits in all, and how often it is repeated.
#[derive(Debug)]
pub(crate) struct Patience {
    left: Duration,
    repeats: u32,
}

impl Patience {
    pub(crate) const fn new(left: Duration) -> Self {
        Self { left, repeats: 0 }
    }

    /// Returns how long to wait before the request is repeated, if it is.
    pub(crate) fn pause(&mut self, headers: &HeaderMap) -> Option<Duration> {
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        let pause = Duration::from_secs(seconds).max(LEAST_PAUSE);
        self.left = self.left.checked_sub(pause)?;
        self.repeats += 1;
        (self.repeats <= MAX_REPEATS).then_some(pause)
    }
}

/// Looks at a response to a request with a token, or at a 429.
pub(crate) async fn look(response: Response<Incoming>) -> (Response<Peeked<Incoming>>, Option<Withheld>) {
    let (head, body) = response.into_parts();
    if !may_say(head.status, &head.headers) {
        return (Response::from_parts(head, Peeked::unread(body)), None);
    }
    let body = Peeked::read(body, MAX_READ, READ_TIME).await;
    let withheld = Withheld::of(head.status, &head.headers, &body.start());
    (Response::from_parts(head, body), withheld)
}

/// gRPC has the status 200, and its reason among the headers.
fn may_say(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        || headers.contains_key("grpc-status")
}

const X_L402: HeaderName = HeaderName::from_static("x-l402");

/// The most repetitions of one request.
const MAX_REPEATS: u32 = 20;

/// A server that says 0 is not asked in a tight loop.
const LEAST_PAUSE: Duration = Duration::from_millis(200);

/// How much of a body is read for its reason, and for how long.
const MAX_READ: usize = 4 * 1024;
const READ_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())])
    }

    #[test]
    fn waiting_has_an_end() {
        let mut patience = Patience::new(Duration::from_secs(5));
        let pauses: Vec<_> = ["2", "3", "1"].map(|text| patience.pause(&after(text))).into();
        assert_eq!(pauses, [Some(Duration::from_secs(2)), Some(Duration::from_secs(3)), None]);
        let mut patience = Patience::new(Duration::from_hours(1));
        assert_eq!((0..1_000).filter_map(|_| patience.pause(&after("0"))).count(), MAX_REPEATS as usize);
        for text in ["", "-1", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999"] {
            assert_eq!(Patience::new(Duration::MAX).pause(&after(text)), None, "{text}");
        }
        assert_eq!(Patience::new(Duration::MAX).pause(&HeaderMap::new()), None);
    }

    #[test]
    fn only_the_three_statuses_and_grpc_withhold() {
        let body = br#"{"error":"Conflict","reason":"in-doubt","message":"x"}"#;
        let of = |status| Withheld::of(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body);
        assert_eq!((of(409), of(503)), (Some(Withheld::InDoubt), Some(Withheld::InDoubt)));
        assert_eq!((of(200), of(402)), (None, None));
        let limited = Withheld::of(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), br#"{"reason":"token-rate"}"#);
        assert_eq!(limited.map(|why| (why, why.may_have_served())), Some((Withheld::TooOften, false)));
        let mut headers = HeaderMap::new();
        headers.insert("l402-reason", "uses-reserved".parse().unwrap());
        assert_eq!(Withheld::of(StatusCode::OK, &headers, b""), None);
        headers.insert("grpc-status", "10".parse().unwrap());
        assert_eq!(Withheld::of(StatusCode::OK, &headers, b""), Some(Withheld::UsesReserved));
    }
}
