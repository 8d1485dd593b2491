//! The server's decision about one request, without I/O.
//!
//! [`Gate::decide`] takes the credential headers, the offer of the route and the time, and says what to do next:
//!
//! 1. no credential: charge, with a fresh challenge (402);
//! 2. a malformed or ambiguous credential: refuse (400, or 401 where the operator asks for the literal specification);
//! 3. a forged token, a wrong preimage, a key that is gone: charge with 401, or with 402 for clients that do not recover
//!    from 401;
//! 4. an authentic token that does not permit this request: charge (402) with the reason;
//! 5. a token that permits it: admit, or look the settlement up first where the operator asks for that;
//! 6. a token that can be used so many times: reserve a use in the ledger first.
//!
//! Whoever carries out a decision to charge gets an invoice from a Lightning node, whose payment hash then goes into the
//! token ([`crate::DerivedKeys::mint`]). Where that I/O fails the answer is 503, never 402.

use crate::credential::{CredentialError, CredentialHeaders};
use crate::keys::RootKeySource;
use crate::offer::Offer;
use crate::rule::{Asked, CaveatRule, Judge, Nobody};
use crate::satisfy::{Rules, UnknownCaveats};
use crate::unix_seconds::UnixSeconds;
use crate::unsatisfied::Unsatisfied;
use crate::verify::{Admission, CountedGrant, Grant};
use core::fmt;
use l402_macaroon::MAX_LEN;

/// Decides about requests. `K` finds root keys.
///
/// ```
/// use l402_core::{Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer, CredentialHeaders};
/// use l402_core::{Msat, UnixSeconds};
///
/// let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
/// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
/// let decision = gate.decide(&CredentialHeaders::new(), &offer, UnixSeconds::new(1_700_000_000));
/// assert!(matches!(decision, Decision::Charge(charge) if charge.status == 402));
/// # Ok::<(), l402_core::NameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gate<K> {
    keys: K,
    policy: GatePolicy,
}

impl<K: RootKeySource> Gate<K> {
    /// Joins the keys that verify and an operator's policy.
    pub const fn new(keys: K, policy: GatePolicy) -> Self {
        Self { keys, policy }
    }

    /// Replaces the policy.
    #[must_use]
    pub fn with_policy(mut self, policy: GatePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the keys.
    pub const fn keys(&self) -> &K {
        &self.keys
    }

    /// Returns the policy.
    pub const fn policy(&self) -> &GatePolicy {
        &self.policy
    }

    /// Decides about one request.
    ///
    /// Takes 1 KiB of stack for the tokens, or 8 KiB where they are longer; see [`Gate::decide_in`] for machines that have
    /// less. [`Gate`] shows it at work.
    #[inline]
    pub fn decide(&self, headers: &CredentialHeaders<'_>, offer: &Offer, now: UnixSeconds) -> Decision {
        if headers.is_empty() {
            return Decision::Charge(Charge { status: 402, reason: ChargeReason::PaymentRequired });
        }
        if headers.buffer_len() <= USUAL_BUFFER_LEN {
            self.decide_in(&mut [0; USUAL_BUFFER_LEN], headers, offer, now)
        } else {
            self.decide_large(headers, offer, now)
        }
    }

    /// Tokens that are longer than usual pay for the larger buffer themselves.
    #[cold]
    #[inline(never)]
    fn decide_large(&self, headers: &CredentialHeaders<'_>, offer: &Offer, now: UnixSeconds) -> Decision {
        self.decide_in(&mut [0; MAX_LEN], headers, offer, now)
    }

    /// Decides about one request with the caller's buffer, such as one of [`USUAL_BUFFER_LEN`] bytes.
    /// Tokens that it does not hold, decoded, are refused as too long.
    ///
    /// ```
    /// use l402_core::{CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer};
    /// use l402_core::{Preimage, CredentialHeaders, Scheme, TokenText};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (mut text, preimage, now) = (TokenText::new(), Preimage::from_bytes([1; 32]), UnixSeconds::new(1_700_000_000));
    /// let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000)).valid_for(core::time::Duration::from_secs(60));
    /// let token = gate.keys().mint(&offer, &preimage.hash(), [2; 28], now, &mut text)?;
    /// let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
    ///
    /// let mut headers = CredentialHeaders::new();
    /// headers.add("authorization", credential.as_bytes());
    /// assert!(matches!(gate.decide_in(&mut [0; 256], &headers, &offer, now.saturating_add(59)), Decision::Admit(_)));
    /// assert!(matches!(gate.decide_in(&mut [0; 256], &headers, &offer, now.saturating_add(60)), Decision::Charge(_)));
    /// assert!(matches!(gate.decide_in(&mut [0; 64], &headers, &offer, now), Decision::Refuse(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn decide_in(
        &self,
        buffer: &mut [u8],
        headers: &CredentialHeaders<'_>,
        offer: &Offer,
        now: UnixSeconds,
    ) -> Decision {
        self.decide_by(buffer, headers, &self.rules(offer, now), &mut Nobody)
    }

    /// As [`Gate::decide_in`], and asks `rule` about conditions that are not known; [`crate::CaveatRule`] shows one.
    /// [`CredentialHeaders::buffer_len`] bytes of `buffer` are enough, and [`MAX_LEN`] for any one token.
    ///
    /// ```
    /// use l402_core::{Caveat, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer, CredentialHeaders, Ruling};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000)).valid_for(core::time::Duration::from_secs(60));
    /// let mut get_only = |caveat: Caveat<'_>, _: Option<&str>| match (caveat.condition, caveat.value) {
    ///     ("method", "GET") => Ruling::Holds,
    ///     ("method", _) => Ruling::Fails,
    ///     _ => Ruling::NotMine,
    /// };
    /// let (headers, now) = (CredentialHeaders::new(), UnixSeconds::new(1_700_000_000)); // no credential: nothing to ask about
    /// assert!(matches!(gate.decide_with(&mut [], &headers, &offer, now, &mut get_only), Decision::Charge(_)));
    /// # Ok::<(), l402_core::NameError>(())
    /// ```
    pub fn decide_with(
        &self,
        buffer: &mut [u8],
        headers: &CredentialHeaders<'_>,
        offer: &Offer,
        now: UnixSeconds,
        rule: &mut (impl CaveatRule + ?Sized),
    ) -> Decision {
        self.decide_by(buffer, headers, &self.rules(offer, now), &mut Asked(rule))
    }

    #[inline]
    const fn rules<'o>(&self, offer: &'o Offer, now: UnixSeconds) -> Rules<'o> {
        Rules { offer, now, unknown: self.policy.unknown_caveats }
    }

    #[inline]
    fn decide_by(
        &self,
        buffer: &mut [u8],
        headers: &CredentialHeaders<'_>,
        rules: &Rules<'_>,
        judge: &mut impl Judge,
    ) -> Decision {
        // What was read stays where it is.
        let decoded = headers.decode(buffer);
        let presented = match &decoded {
            Ok(Some(presented)) => presented,
            Ok(None) => return Decision::Charge(Charge { status: 402, reason: ChargeReason::PaymentRequired }),
            Err(fault) => {
                return Decision::Refuse(Refusal { status: self.policy.malformed.status(), fault: *fault });
            }
        };
        let Ok(verified) = presented.verify_in_place(&self.keys) else {
            return Decision::Charge(Charge { status: self.policy.forged.status(), reason: ChargeReason::Forged });
        };
        match (verified.judged(rules, judge), self.policy.settlement) {
            (Ok(Admission::Unlimited(grant)), SettlementRule::Trust) => Decision::Admit(grant),
            (Ok(Admission::Unlimited(grant)), SettlementRule::Strict) => Decision::Settle(grant),
            (Ok(Admission::Counted(grant)), settlement) => Decision::Reserve { grant, settlement },
            (Err(reason), _) => Decision::Charge(Charge { status: 402, reason: ChargeReason::Unsatisfied(reason) }),
        }
    }
}

/// What an operator can choose about decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GatePolicy {
    /// The status for a malformed credential.
    pub malformed: MalformedStatus,
    /// The status for a forged one.
    pub forged: ForgedStatus,
    /// What becomes of unknown conditions.
    pub unknown_caveats: UnknownCaveats,
    /// Whether a preimage is proof enough.
    pub settlement: SettlementRule,
}

/// The status for a malformed credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MalformedStatus {
    /// 400, since the request is at fault.
    #[default]
    BadRequest,
    /// 401, as the specification says.
    Unauthorized,
}

impl MalformedStatus {
    const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
        }
    }
}

/// The status for a forged token or a wrong preimage; a fresh challenge comes with either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForgedStatus {
    /// 401.
    #[default]
    Unauthorized,
    /// 402, for clients that do not recover from 401.
    PaymentRequired,
}

impl ForgedStatus {
    const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::PaymentRequired => 402,
        }
    }
}

/// Whether a preimage is proof enough that the payment arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettlementRule {
    /// It is: verification stays a matter of mathematics.
    #[default]
    Trust,
    /// Our node must have recorded the payment as settled, for at least the price: a preimage can leak on its way.
    Strict,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Forward it.
    Admit(Grant),
    /// Ask the Lightning node whether the grant's payment hash is settled for at least the price that it was sold
    /// for ([`Grant::sold_msat`]; the offer's, where the token does not say), then forward it.
    /// Where the look-up fails, or the payment is not settled yet: 503.
    Settle(Grant),
    /// Where `settlement` is strict, look the settlement up as for [`Decision::Settle`]. Then reserve a use in the ledger, forward
    /// the request, and commit the use ([`crate::ledger`]). Without a ledger: 503.
    Reserve {
        /// The counters, and what the request may do once it has a use.
        grant: CountedGrant,
        /// Whether a preimage is proof enough.
        settlement: SettlementRule,
    },
    /// Get an invoice, mint a token for its payment hash, and answer with this status and a challenge.
    Charge(Charge),
    /// Answer with this status and no challenge.
    Refuse(Refusal),
}

/// A decision to charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// 402, or 401.
    pub status: u16,
    /// Why.
    pub reason: ChargeReason,
}

/// Why a request is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChargeReason {
    /// It carried no credential.
    PaymentRequired,
    /// Its credential proves nothing: forged, changed, not paid for, or minted with a key that is gone.
    Forged,
    /// Its token does not permit this request.
    Unsatisfied(Unsatisfied),
}

impl ChargeReason {
    /// Returns the machine-readable reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentRequired => "payment-required",
            Self::Forged => "forged",
            Self::Unsatisfied(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for ChargeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaymentRequired => f.write_str("payment required"),
            Self::Forged => crate::verify::Denied.fmt(f),
            Self::Unsatisfied(reason) => reason.fmt(f),
        }
    }
}

/// A decision to refuse a malformed credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// 400, or 401.
    pub status: u16,
    /// Which part was malformed.
    pub fault: CredentialError,
}

impl Refusal {
    /// Returns the machine-readable reason.
    pub const fn reason(&self) -> &'static str {
        match self.fault {
            CredentialError::Ambiguous => "ambiguous-credential",
            _ => "malformed-credential",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

/// Bytes of a buffer for [`Gate::decide_in`] that holds the tokens which [`DerivedKeys::mint`](crate::DerivedKeys::mint) makes,
/// attenuated a few times. One of [`MAX_LEN`] bytes holds any one token.
pub const USUAL_BUFFER_LEN: usize = 1024;
