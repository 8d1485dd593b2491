//! Verification: signature and preimage decided in one branch, caveats only afterwards (L402 §Verification).
//!
//! `UnverifiedCredential` → [`UnverifiedCredential::verify`] → [`Verified`] → [`Verified::grant`] → [`Grant`].

use crate::counter::{Counters, Unit};
use crate::credential::{MAX_TOKENS, UnverifiedCredential};
use crate::identifier::{Identifier, IdentifierRef, TokenId};
use crate::keys::RootKeySource;
use crate::msat::Msat;
use crate::payment::{PaymentHash, Preimage};
use crate::rule::{Asked, CaveatRule, Judge, Nobody};
use crate::satisfy::{Rules, satisfy};
use crate::terms::{Count, Counted, Terms, Uncounted};
use crate::token_facts::{end, services};
use crate::unix_seconds::UnixSeconds;
use crate::unsatisfied::Unsatisfied;
use core::fmt;
use heapless::Vec;
use l402_macaroon::{Authentic, MacaroonRef, RootKey};

/// Verifies one token: its signature chain under `key`, and the preimage against the payment hash of its identifier
/// (L402 §Verification). Its caveats are not looked at.
///
/// # Errors
/// [`Denied`], whichever of them failed, and where the identifier is not one of version 0.
///
/// ```
/// use l402_core::macaroon::{RootKey, mint};
/// use l402_core::{Denied, Identifier, Preimage, TokenId, verify};
///
/// let (key, preimage, mut out) = (RootKey::new(b"root key"), Preimage::from_bytes([1; 32]), [0; 256]);
/// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32]));
/// let token = mint(&key, b"lsat", &identifier.to_bytes(), &[b"services=weather:0"], &mut out)?;
/// assert_eq!(verify(token, &preimage, &key)?.identifier(), identifier);
/// assert_eq!(verify(token, &Preimage::from_bytes([3; 32]), &key).unwrap_err(), Denied);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn verify<'a>(token: MacaroonRef<'a>, preimage: &Preimage, key: &RootKey) -> Result<Verified<'a>, Denied> {
    let identifier = IdentifierRef::parse(token.identifier()).map_err(|_| Denied)?;
    let authentic = check(token, identifier, preimage, key)?;
    Ok(Verified { tokens: Vec::from_array([authentic]), identifier })
}

impl<'b> UnverifiedCredential<'b> {
    /// Verifies every token of the request.
    ///
    /// # Errors
    /// [`Denied`] where a key is unknown or retired for good, a signature does not match, or the preimage is not the one
    /// that the tokens' payment hash asks for.
    ///
    /// ```
    /// use l402_core::{CredentialLine, DerivedKeys, MasterKey, Name, Offer, Preimage, CredentialHeaders, Scheme, TokenText};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (mut text, preimage) = (TokenText::new(), Preimage::from_bytes([1; 32]));
    /// let keys = |byte| DerivedKeys::new(0, &MasterKey::from_bytes([byte; 32]));
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000)).valid_for(core::time::Duration::from_secs(60));
    /// let token = keys(7).mint(&offer, &preimage.hash(), [2; 28], UnixSeconds::new(1_700_000_000), &mut text)?;
    /// let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
    ///
    /// let (mut headers, mut buffer) = (CredentialHeaders::new(), [0; 256]);
    /// headers.add("authorization", credential.as_bytes());
    /// assert!(headers.decode(&mut buffer)?.unwrap().verify(&keys(7)).is_ok());
    /// assert!(headers.decode(&mut buffer)?.unwrap().verify(&keys(8)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn verify(self, keys: &impl RootKeySource) -> Result<Verified<'b>, Denied> {
        self.verify_in_place(keys)
    }

    /// As [`UnverifiedCredential::verify`], without moving what was read.
    #[inline]
    pub(crate) fn verify_in_place(&self, keys: &impl RootKeySource) -> Result<Verified<'b>, Denied> {
        let mut verified = Verified { tokens: Vec::new(), identifier: self.identifier };
        for (identifier, token) in &self.tokens {
            let key = keys.root_key(&identifier.to_identifier()).ok_or(Denied)?;
            verified.tokens.push(check(*token, *identifier, &self.preimage, &key)?).map_err(|_| Denied)?;
        }
        Ok(verified)
    }
}

#[inline]
fn check<'a>(
    token: MacaroonRef<'a>,
    identifier: IdentifierRef<'a>,
    preimage: &Preimage,
    key: &RootKey,
) -> Result<Authentic<'a>, Denied> {
    let hash = identifier.payment_hash();
    token.verify_with_digest(key, preimage.expose(), hash.as_bytes()).map_err(|_| Denied)
}

/// Tokens that we minted, and that were paid for. What they permit is still to be asked.
#[derive(Debug)]
pub struct Verified<'a> {
    tokens: Vec<Authentic<'a>, MAX_TOKENS>,
    identifier: IdentifierRef<'a>,
}

impl Verified<'_> {
    /// Returns the identifier of the first token; all of them bind its payment hash.
    pub const fn identifier(&self) -> Identifier {
        self.identifier.to_identifier()
    }

    /// Returns the hash of the payment that bought the tokens: public, and safe to log.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.identifier.payment_hash()
    }

    /// Returns the ids of the tokens, in the order of the request: public, and safe to log.
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, mint};
    /// use l402_core::{Identifier, Preimage, TokenId, verify};
    /// use l402_core::UnixSeconds;
    ///
    /// let (key, preimage, mut out) = (RootKey::new(b"root key"), Preimage::from_bytes([1; 32]), [0; 256]);
    /// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32]));
    /// let caveats = [&b"services=weather:0,maps:2"[..], b"weather_valid_until=1700000060", b"maps_valid_until=1700000000"];
    /// let verified = verify(mint(&key, b"lsat", &identifier.to_bytes(), &caveats, &mut out)?, &preimage, &key)?;
    ///
    /// assert!(verified.token_ids().eq([identifier.token_id()]));
    /// assert!(verified.services().eq(["weather", "maps"]));
    /// assert_eq!(verified.expires_at(), Some(UnixSeconds::new(1_700_000_060)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_ids(&self) -> impl Iterator<Item = TokenId> {
        let identifiers = self.tokens.iter().filter_map(|token| Identifier::parse(token.macaroon().identifier()).ok());
        identifiers.map(|identifier| identifier.token_id())
    }

    /// Returns the services that the tokens name, as far as they can be read: for a log, since whether a token permits a
    /// request is what [`Verified::grant`] decides.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let lists = self.tokens.iter().filter_map(|token| services(token.macaroon()));
        lists.flat_map(|services| services.names()).filter_map(|name| core::str::from_utf8(name).ok())
    }

    /// Returns when the first of the tokens ends for all its services, as far as can be read: for a log, as
    /// [`Verified::services`].
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        self.tokens.iter().filter_map(|token| end(token.macaroon())).min()
    }

    /// Evaluates the caveats of every token (L402 §Caveats). A token that can be used so many times only is denied; see
    /// [`Verified::admission`].
    ///
    /// # Errors
    /// [`Unsatisfied`]: the first reason that was met.
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, mint};
    /// use l402_core::{Identifier, Name, Offer, Preimage, Rules, TokenId, UnknownCaveats, Unsatisfied, verify};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (key, preimage, mut out) = (RootKey::new(b"root key"), Preimage::from_bytes([1; 32]), [0; 256]);
    /// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
    /// let caveats = [&b"services=weather:0"[..], b"weather_valid_until=1700000060"];
    /// let verified = verify(mint(&key, b"lsat", &identifier, &caveats, &mut out)?, &preimage, &key)?;
    ///
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000)).valid_for(core::time::Duration::from_secs(60));
    /// let rules = |now| Rules { offer: &offer, now: UnixSeconds::new(now), unknown: UnknownCaveats::Refuse };
    /// assert_eq!(verified.grant(&rules(1_700_000_059))?.expires_at(), Some(UnixSeconds::new(1_700_000_060)));
    /// assert_eq!(verified.grant(&rules(1_700_000_060)), Err(Unsatisfied::Expired));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn grant(&self, rules: &Rules<'_>) -> Result<Grant, Unsatisfied> {
        self.uncounted(rules, &mut Nobody)
    }

    /// Evaluates the caveats of every token, and asks `rule` about the conditions that are not known.
    ///
    /// # Errors
    /// As [`Verified::grant`], and [`Unsatisfied::Unmet`] where the rule says that a condition fails.
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, mint};
    /// use l402_core::{Caveat, Identifier, Name, Offer, Preimage, Rules, Ruling, TokenId, UnknownCaveats, Unsatisfied, verify};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (key, preimage, mut out) = (RootKey::new(b"root key"), Preimage::from_bytes([1; 32]), [0; 256]);
    /// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
    /// let caveats = [&b"services=weather:0"[..], b"region=north"];
    /// let token = mint(&key, b"lsat", &identifier, &caveats, &mut out)?;
    ///
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000)).valid_for(core::time::Duration::from_secs(60));
    /// let rules = Rules { offer: &offer, now: UnixSeconds::new(1_700_000_000), unknown: UnknownCaveats::Refuse };
    /// let verified = verify(token, &preimage, &key)?;
    /// assert_eq!(verified.grant(&rules), Err(Unsatisfied::Unknown));
    ///
    /// let mut north = |caveat: Caveat<'_>, _earlier: Option<&str>| match (caveat.condition, caveat.value) {
    ///     ("region", "north") => Ruling::Holds,
    ///     ("region", _) => Ruling::Fails,
    ///     _ => Ruling::NotMine,
    /// };
    /// assert!(verified.grant_with(&rules, &mut north).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn grant_with(&self, rules: &Rules<'_>, rule: &mut (impl CaveatRule + ?Sized)) -> Result<Grant, Unsatisfied> {
        self.uncounted(rules, &mut Asked(rule))
    }

    /// Evaluates the caveats of every token, for a caller with a ledger: where the result is [`Admission::Counted`], the
    /// request may pass once a ledger has reserved a use of each of its counters.
    ///
    /// # Errors
    /// As [`Verified::grant`].
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, mint};
    /// use l402_core::{Admission, CounterKey, Identifier, Msat, Name, Offer, Preimage, Rules, TokenId, UnknownCaveats};
    /// use l402_core::{UnixSeconds, Unsatisfied, verify};
    ///
    /// let (key, preimage, mut out) = (RootKey::new(b"root key"), Preimage::from_bytes([1; 32]), [0; 256]);
    /// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
    /// let caveats = [&b"services=weather:0"[..], b"weather_uses=3", b"weather_valid_until=1700000060"];
    /// let token = mint(&key, b"lsat", &identifier, &caveats, &mut out)?;
    ///
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
    /// let rules = Rules { offer: &offer, now: UnixSeconds::new(1_700_000_000), unknown: UnknownCaveats::Refuse };
    /// let verified = verify(token, &preimage, &key)?;
    /// assert_eq!(verified.grant(&rules), Err(Unsatisfied::Counted));
    ///
    /// let Admission::Counted(grant) = verified.admission(&rules)? else { panic!("the token has a counter") };
    /// let counter = grant.counters().iter().next().unwrap();
    /// assert_eq!((counter.key, counter.limit), (CounterKey::SALE, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn admission(&self, rules: &Rules<'_>) -> Result<Admission, Unsatisfied> {
        self.judged(rules, &mut Nobody)
    }

    /// As [`Verified::admission`], and asks `rule` about the conditions that are not known.
    ///
    /// # Errors
    /// As [`Verified::grant_with`].
    pub fn admission_with(
        &self,
        rules: &Rules<'_>,
        rule: &mut (impl CaveatRule + ?Sized),
    ) -> Result<Admission, Unsatisfied> {
        self.judged(rules, &mut Asked(rule))
    }

    #[inline]
    pub(crate) fn judged(&self, rules: &Rules<'_>, judge: &mut impl Judge) -> Result<Admission, Unsatisfied> {
        let (grant, Counted { counters, unit, sale_ends_at }) = self.terms(rules, judge)?;
        Ok(match (sale_ends_at, unit) {
            (Some(sale_ends_at), Some(unit)) => {
                Admission::Counted(CountedGrant { grant, sale_ends_at, unit, counters })
            }
            _ => Admission::Unlimited(grant), // a counter has an end
        })
    }

    #[inline]
    fn uncounted(&self, rules: &Rules<'_>, judge: &mut impl Judge) -> Result<Grant, Unsatisfied> {
        self.terms(rules, judge).map(|(grant, Uncounted)| grant)
    }

    #[inline]
    fn terms<C: Count>(&self, rules: &Rules<'_>, judge: &mut impl Judge) -> Result<(Grant, C), Unsatisfied> {
        let payment_hash = self.identifier.payment_hash();
        let mut terms = Terms::default();
        for token in &self.tokens {
            satisfy(token, &payment_hash, rules, judge, &mut terms)?;
        }
        let Terms { expires_at, sold_msat, counted } = terms;
        Ok((Grant { identifier: self.identifier.to_identifier(), expires_at, sold_msat }, counted))
    }
}

/// What tokens permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// This request, and as many others as their holder likes until they end.
    Unlimited(Grant),
    /// This request, if a ledger has a use left for it.
    Counted(CountedGrant),
}

/// Permission for one request, if each of the counters has a use left; made only by [`Verified::admission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedGrant {
    grant: Grant,
    sale_ends_at: UnixSeconds,
    unit: Unit,
    counters: Counters,
}

impl CountedGrant {
    /// Returns the hash of the payment that bought the token.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.grant.payment_hash()
    }

    /// Returns the id of the token.
    pub const fn token_id(&self) -> TokenId {
        self.grant.token_id()
    }

    /// Returns the price that the token was sold for; [`None`] where it does not say so.
    pub const fn sold_msat(&self) -> Option<Msat> {
        self.grant.sold_msat()
    }

    /// Returns when the sale ends, which is when the ledger may forget it: the first end in the token, which its seller wrote.
    /// This token may end earlier.
    pub const fn sale_ends_at(&self) -> UnixSeconds {
        self.sale_ends_at
    }

    /// Returns the counters; there is at least one.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns what they count.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Returns what the ledger's word makes of it. Only for a request whose use is reserved.
    pub const fn reserved(&self) -> Grant {
        self.grant
    }
}

/// Permission for one request; made only by [`Verified::grant`] and by [`CountedGrant::reserved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    identifier: Identifier,
    expires_at: Option<UnixSeconds>,
    sold_msat: Option<Msat>,
}

impl Grant {
    /// Returns the hash of the payment that bought the token.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.identifier.payment_hash()
    }

    /// Returns the id of the token.
    pub const fn token_id(&self) -> TokenId {
        self.identifier.token_id()
    }

    /// Returns when the token ends; [`None`] where no caveat ends it.
    pub const fn expires_at(&self) -> Option<UnixSeconds> {
        self.expires_at
    }

    /// Returns the price that the token was sold for; [`None`] where it does not say so.
    pub const fn sold_msat(&self) -> Option<Msat> {
        self.sold_msat
    }
}

/// The credential proves nothing: not our token, changed since, not paid for, or minted with a key that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied;

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token's signature or preimage does not match")
    }
}

impl core::error::Error for Denied {}
