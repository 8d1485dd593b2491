//! The table of reasons: every machine-readable `reason` of a response, with one sentence each.

use core::fmt;
use l402_core::{ChargeReason, CredentialError, Refusal, Unsatisfied};

/// Why a response is not what was asked for: a code for programs, which never changes, and one sentence for people.
///
/// The code is the `reason` of a JSON body and the value of `l402-reason` in a gRPC response. [`Reason::ALL`] is the whole
/// table; reference documentation is printed from it.
///
/// ```
/// use l402_http::response::Reason;
///
/// assert_eq!(Reason::NO_ROUTE.code(), "no-route");
/// assert_eq!(Reason::find("no-route"), Some(Reason::NO_ROUTE));
/// for reason in Reason::ALL {
///     println!("{reason}\t{:?}\t{}", reason.statuses(), reason.meaning());
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason {
    code: &'static str,
    statuses: &'static [u16],
    meaning: &'static str,
}

impl Reason {
    /// Makes a reason for the responses of your own service or layer; it is not in [`Reason::ALL`].
    ///
    /// A code is lower-case words joined with hyphens. Keep it once clients know it.
    pub const fn custom(code: &'static str, statuses: &'static [u16], meaning: &'static str) -> Self {
        Self { code, statuses, meaning }
    }

    /// Returns the code, such as `no-route`.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Returns the statuses that it comes with, usually one.
    pub const fn statuses(self) -> &'static [u16] {
        self.statuses
    }

    /// Returns the sentence.
    pub const fn meaning(self) -> &'static str {
        self.meaning
    }

    /// Finds the reason of the table that has a code.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|reason| reason.code == code).copied()
    }

    /// Takes a code of `l402-core`. All of them are in the table, as a test shows.
    fn of_core(code: &'static str, statuses: &'static [u16]) -> Self {
        Self::find(code).unwrap_or(Self { code, statuses, meaning: "" })
    }
}

impl From<ChargeReason> for Reason {
    fn from(reason: ChargeReason) -> Self {
        Self::of_core(reason.as_str(), &[401, 402])
    }
}

impl From<&Refusal> for Reason {
    fn from(refusal: &Refusal) -> Self {
        Self::of_core(refusal.reason(), &[400, 401])
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

macro_rules! reasons {
    ($($name:ident = $code:expr, [$($status:literal),+], $meaning:literal;)+) => {
        impl Reason {
            $(#[doc = $meaning]
            pub const $name: Self = Self { code: $code, statuses: &[$($status),+], meaning: $meaning };)+

            /// Every reason that this crate and the gateway give.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

const fn refused(fault: CredentialError) -> &'static str {
    Refusal { status: 400, fault }.reason()
}

// The codes of `l402-core` stand there; all others stand here.
reasons! {
    PAYMENT_REQUIRED = ChargeReason::PaymentRequired.as_str(), [402], "The request carries no L402 credential.";
    FORGED = ChargeReason::Forged.as_str(), [401, 402],
        "The token is forged or changed, its key is gone, or the preimage is wrong.";
    EXPIRED = Unsatisfied::Expired.as_str(), [402], "The token has expired.";
    OTHER_SERVICE = Unsatisfied::Service.as_str(), [402], "The token is for another service.";
    TIER_TOO_LOW = Unsatisfied::Tier.as_str(), [402], "The tier of the token is lower than the route asks for.";
    OTHER_CAPABILITY = Unsatisfied::Capability.as_str(), [402], "The token is for another route of the service.";
    NO_SERVICES = Unsatisfied::NoServices.as_str(), [402], "The token has no `services` caveat.";
    NO_CAPABILITIES = Unsatisfied::NoCapabilities.as_str(), [402],
        "The token has no capabilities caveat, and the route asks for a capability.";
    WIDENED = Unsatisfied::Widened.as_str(), [402], "A later caveat of the token allows more than an earlier one.";
    UNDECODABLE_CAVEAT = Unsatisfied::Undecodable.as_str(), [402], "A caveat of the token cannot be read.";
    UNKNOWN_CAVEAT = Unsatisfied::Unknown.as_str(), [402], "The token has a condition that this service does not know.";
    CONDITION_NOT_MET = Unsatisfied::Unmet.as_str(), [402],
        "The token has a condition of this service that does not hold for the request.";
    NO_LEDGER = Unsatisfied::Counted.as_str(), [402],
        "The token can be used so many times only, and this service does not count.";
    NO_END = Unsatisfied::Endless.as_str(), [402], "The token can be used so many times only, but has no end.";
    TOO_MANY_COUNTERS = Unsatisfied::TooManyCounters.as_str(), [402], "The tokens have more than 4 numbers of uses.";
    THIRD_PARTY_CAVEAT = Unsatisfied::ThirdParty.as_str(), [402],
        "The token has a third-party caveat, which L402 cannot discharge.";
    OTHER_PREIMAGE = Unsatisfied::Preimage.as_str(), [402],
        "A `preimage` caveat of the token names another preimage than that of the payment.";
    UNDERPAID = "underpaid", [402], "The payment behind the token is less than what it was sold for.";
    SPENT = "spent", [402], "The token was used as often as it was sold for.";
    REVOKED = "revoked", [402], "The operator has revoked the token.";
    BALANCE = "balance", [402], "What is left of the token's balance does not pay for the request.";
    USES_RESERVED = "uses-reserved", [409],
        "Other requests hold what is left of the token. Repeat the request later, without paying.";
    IN_DOUBT = "in-doubt", [409],
        "It is not known whether an earlier request took the use. The operator decides, or a setting of the route.";
    KEY_HELD = "key-held", [409], "Another request with this `Idempotency-Key` holds a use, or its answer is kept and not for this request.";
    LOST_USE = "lost-use", [409],
        "The lease of the use ended before the response began, and another request has it. The response was dropped.";
    TOO_MANY_BRANCHES = "too-many-branches", [429],
        "Too many numbers of uses were added to the tokens of one payment.";
    PREFETCH = "prefetch", [503], "A browser asked ahead of its user, so no invoice was made.";
    MALFORMED_CREDENTIAL = refused(CredentialError::MissingPreimage), [400, 401], "The credential cannot be read.";
    AMBIGUOUS_CREDENTIAL = refused(CredentialError::Ambiguous), [400, 401],
        "The request carries more than one credential, or a credential in more than one form.";
    NOT_SETTLED = "not-settled", [503], "The Lightning node has not recorded the payment as settled yet.";
    SETTLEMENT_UNKNOWN = "settlement-unknown", [503],
        "The Lightning node cannot say at the moment whether the payment is settled.";
    LEDGER_UNAVAILABLE = "ledger-unavailable", [503],
        "The ledger, which counts uses and has the list of revoked tokens, cannot be reached; nothing was charged.";
    LEDGER_AHEAD = "ledger-ahead", [503],
        "The clock of the ledger was ahead, so a token that is sold now would be refused. `Retry-After` says when the route is sold again; nothing was charged.";
    NO_INVOICE = "no-invoice", [503], "The Lightning node cannot make an invoice at the moment.";
    BUSY = "busy", [503], "Too many requests are waiting; try again later.";
    UNDELIVERABLE = "undeliverable", [503],
        "The route cannot be served at the moment, so nothing is sold; nothing was charged.";
    NO_ROUTE = "no-route", [404], "No route covers the path.";
    METHOD_NOT_ALLOWED = "method-not-allowed", [405], "The routes of the path do not take the method.";
    METHOD_NOT_IMPLEMENTED = "method-not-implemented", [501], "The method is never served, such as TRACE.";
    MALFORMED_PATH = "malformed-path", [400], "Two programs could read the path in two ways.";
    MALFORMED_FRAMING = "malformed-framing", [400], "The request does not say clearly where its body ends.";
    TRANSFER_CODING_NOT_IMPLEMENTED = "transfer-coding-not-implemented", [501],
        "The body of the request has a transfer coding other than chunked.";
    MALFORMED_PREFLIGHT = "malformed-preflight", [400],
        "The preflight has a body, or asks for a method that no page may use.";
    CROSS_ORIGIN_OFF = "cross-origin-off", [403], "Pages of other origins may not call this service.";
    ORIGIN_NOT_ALLOWED = "origin-not-allowed", [403], "Pages of this origin may not call this service.";
    REQUEST_REFUSED = "request-refused", [400], "The request cannot be forwarded as it is; the message says why.";
    REQUEST_ABORTED = "request-aborted", [400], "The client broke off the body of its request.";
    REQUEST_TIMEOUT = "request-timeout", [408], "The client did not send its whole request in time.";
    UPSTREAM_UNREACHABLE = "upstream-unreachable", [502], "The upstream cannot be reached.";
    UPSTREAM_TLS = "upstream-tls", [502], "There is no trusted TLS connection to the upstream.";
    UPSTREAM_PROTOCOL = "upstream-protocol", [502], "The upstream does not speak HTTP/2, which is configured.";
    UPSTREAM_RESET = "upstream-reset", [502], "The upstream broke off before its response began.";
    UPSTREAM_MALFORMED = "upstream-malformed", [502], "The response of the upstream is malformed.";
    UPSTREAM_HEADER_TOO_LARGE = "upstream-header-too-large", [502],
        "The response of the upstream has too many headers, or too long ones.";
    UPSTREAM_TRANSFER_CODING = "upstream-transfer-coding", [502],
        "The response of the upstream has a transfer coding other than chunked.";
    UPSTREAM_REFLECTS = "upstream-reflects", [502], "The upstream sent the request back.";
    UPSTREAM_UPGRADE = "upstream-upgrade", [502], "The upstream changed the protocol without being asked.";
    UPSTREAM_CONNECT_TIMEOUT = "upstream-connect-timeout", [504], "The upstream did not accept a connection in time.";
    UPSTREAM_TIMEOUT = "upstream-timeout", [504], "The response of the upstream did not begin in time.";
    TOO_MANY_CHALLENGES = "too-many-challenges", [429],
        "The client, or all clients together, asked for invoices too often. No invoice was made.";
    TOO_MANY_UNPAID = "too-many-unpaid", [429, 503],
        "The client (429), or all clients together (503), have too many invoices that are not paid. No invoice was made.";
    TOKEN_RATE = "token-rate", [429],
        "The token is used more often than the service allows. Nothing was taken; repeat the request later, without paying.";
    TOO_MANY_REQUESTS = "too-many-requests", [429], "The client has too many running requests.";
    MALFORMED_REQUEST = "malformed-request", [400], "The request is not HTTP.";
    TARGET_TOO_LONG = "target-too-long", [414], "The request target is too long.";
    HEADER_TOO_LARGE = "header-too-large", [431], "The request has too many headers, or too long ones.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_unique_and_in_lower_case() {
        for reason in Reason::ALL {
            let same = Reason::ALL.iter().filter(|other| other.code == reason.code).count();
            assert_eq!(same, 1, "{reason} stands twice");
            let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(reason.code.split('-').all(is_word), "{reason}");
            assert!(reason.meaning.ends_with('.') && !reason.statuses.is_empty(), "{reason}");
        }
    }

    #[test]
    fn every_reason_of_the_core_is_in_the_table() {
        let unsatisfied = Unsatisfied::ALL.into_iter().map(ChargeReason::Unsatisfied);
        for reason in unsatisfied.chain([ChargeReason::PaymentRequired, ChargeReason::Forged]) {
            assert_eq!(Reason::find(reason.as_str()), Some(reason.into()));
        }
        for fault in [CredentialError::Ambiguous, CredentialError::MissingPreimage] {
            let refusal = Refusal { status: 400, fault };
            assert_eq!(Reason::find(refusal.reason()), Some(Reason::from(&refusal)));
        }
    }
}
