//! Minting: from an offer and a payment hash to the base64 text of a challenge (L402 §HTTP Server Flow).
//!
//! Caveats are written in the order in which deployed servers write them: services, capabilities (empty where the whole
//! service is sold, so that no holder can add one that was not), then how many uses or what balance, for what price, and until when.

use crate::identifier::Identifier;
use crate::keys::{DerivedKeys, RootKeySource};
use crate::name::Name;
use crate::offer::{Offer, Uses};
use crate::payment::PaymentHash;
use crate::unix_seconds::UnixSeconds;
use core::fmt::{self, Write};
use heapless::{String, Vec};
use l402_macaroon::{self as macaroon, RootKey, base64};

impl DerivedKeys {
    /// Mints the token of an offer for a payment hash that a Lightning node chose, and writes it as padded standard base64
    /// (L402 §HTTP Server Flow). It ends `offer.valid_for` after `now`.
    ///
    /// `random` comes from a cryptographic random source.
    ///
    /// # Errors
    /// [`TokenTooLong`], which a [`crate::Name`] of legal length cannot cause.
    ///
    /// ```
    /// use l402_core::{DerivedKeys, MasterKey, Name, Offer, PaymentHash, TokenText};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    /// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
    /// let mut text = TokenText::new();
    /// let token = keys.mint(&offer, &PaymentHash::from_bytes([1; 32]), [2; 28], UnixSeconds::new(1_700_000_000), &mut text)?;
    /// assert!(token.starts_with("AgEEbHNhdA"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mint<'t>(
        &self,
        offer: &Offer,
        payment_hash: &PaymentHash,
        random: [u8; 28],
        now: UnixSeconds,
        text: &'t mut TokenText,
    ) -> Result<&'t str, TokenTooLong> {
        let identifier = Identifier::new(*payment_hash, self.token_id(random));
        let key = self.root_key(&identifier).ok_or(TokenTooLong)?; // the minting epoch always has a key
        write(&key, &identifier, offer, now, text)
    }
}

/// Mints the token of an offer with any source of root keys, as [`DerivedKeys::mint`] does with its own.
///
/// `random` comes from a cryptographic random source.
///
/// # Errors
/// [`TokenMintError`].
///
/// ```
/// use l402_core::macaroon::RootKey;
/// use l402_core::{Identifier, Name, Offer, PaymentHash, TokenMintError, TokenText, mint_token};
/// use l402_core::{Msat, UnixSeconds};
///
/// let keys = |identifier: &Identifier| Some(RootKey::new(&[7; 32])); // one key for all tokens: for this example only
/// let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
/// let mut text = TokenText::new();
/// let token = mint_token(&keys, &offer, &PaymentHash::from_bytes([1; 32]), [2; 28], UnixSeconds::new(1_700_000_000), &mut text)?;
/// assert!(token.starts_with("AgEEbHNhdA"));
///
/// let gone = |_: &Identifier| None;
/// let minted = mint_token(&gone, &offer, &PaymentHash::from_bytes([1; 32]), [2; 28], UnixSeconds::new(1_700_000_000), &mut text);
/// assert_eq!(minted, Err(TokenMintError::NoKey));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mint_token<'t>(
    keys: &(impl RootKeySource + ?Sized),
    offer: &Offer,
    payment_hash: &PaymentHash,
    random: [u8; 28],
    now: UnixSeconds,
    text: &'t mut TokenText,
) -> Result<&'t str, TokenMintError> {
    let identifier = Identifier::new(*payment_hash, keys.token_id(random));
    let key = keys.minting_key(&identifier).ok_or(TokenMintError::NoKey)?;
    write(&key, &identifier, offer, now, text).map_err(TokenMintError::TooLong)
}

fn write<'t>(
    key: &RootKey,
    identifier: &Identifier,
    offer: &Offer,
    now: UnixSeconds,
    text: &'t mut TokenText,
) -> Result<&'t str, TokenTooLong> {
    let caveats = CaveatTexts::of(offer, now).map_err(|_| TokenTooLong)?;
    let mut texts: Vec<&[u8], CAVEATS> = Vec::new(); // `collect` could panic
    for caveat in caveats.iter() {
        texts.push(caveat).map_err(|_| TokenTooLong)?;
    }
    let token = macaroon::mint(key, LOCATION, &identifier.to_bytes(), &texts, &mut text.bytes);
    base64::encode_into(token.map_err(|_| TokenTooLong)?.as_bytes(), &mut text.text).ok_or(TokenTooLong)
}

/// Room for the base64 text of a minted token, on the caller's stack.
pub struct TokenText {
    bytes: [u8; TOKEN],
    text: [u8; base64::encoded_len(TOKEN)],
}

impl TokenText {
    /// The most bytes of the text. The room itself takes this and [`TokenText::MAX_TOKEN_LEN`] bytes of the caller's stack.
    pub const MAX_LEN: usize = base64::encoded_len(TOKEN);

    /// The most bytes of the token before it is written as base64.
    pub const MAX_TOKEN_LEN: usize = TOKEN;

    /// Makes room for one token.
    pub const fn new() -> Self {
        Self { bytes: [0; TOKEN], text: [0; base64::encoded_len(TOKEN)] }
    }
}

impl Default for TokenText {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText")
    }
}

/// A token would not fit its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTooLong;

impl fmt::Display for TokenTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token does not fit its buffer")
    }
}

impl core::error::Error for TokenTooLong {}

/// Why [`mint_token`] makes no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenMintError {
    /// The source of root keys has none for the token.
    NoKey,
    /// The token is too long.
    TooLong(TokenTooLong),
}

impl fmt::Display for TokenMintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("there is no root key for a new token"),
            Self::TooLong(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for TokenMintError {}

/// The location that deployed servers write: a hint for humans, covered by no signature.
const LOCATION: &[u8] = b"lsat";

/// The most caveats.
const CAVEATS: usize = 5;

/// The longest token: head, caveats, signature.
const TOKEN: usize = 768;

/// The most bytes of all caveats: a service, a capability and a plan of the greatest length, and the words between them.
const CAVEAT_TEXT: usize = 576;

/// The caveats of an offer, one text behind the other, and where each ends.
#[derive(Default)]
struct CaveatTexts {
    text: String<CAVEAT_TEXT>,
    ends: Vec<usize, CAVEATS>,
}

impl CaveatTexts {
    fn of(offer: &Offer, now: UnixSeconds) -> Result<Self, fmt::Error> {
        let Offer { service, tier, capability, price_msat, valid_for, uses, plan } = offer;
        let plan = plan.as_ref().map_or(Offer::PLAN, Name::as_str);
        let mut caveats = Self::default();
        caveats.add(format_args!("services={service}:{tier}"))?;
        caveats.add(format_args!("{service}_capabilities={}", capability.as_ref().map_or("", Name::as_str)))?;
        match uses {
            Uses::Unlimited => {}
            Uses::Times(uses) => caveats.add(format_args!("{service}_uses={uses}"))?,
            Uses::Metered => caveats.add(format_args!("{service}_balance_msat={}", price_msat.get()))?,
        }
        caveats.add(format_args!("{service}_sale={},{plan}", price_msat.get()))?;
        let end = now.saturating_add(valid_for.as_secs());
        caveats.add(format_args!("{service}_valid_until={}", end.get()))?;
        Ok(caveats)
    }

    fn add(&mut self, caveat: fmt::Arguments<'_>) -> fmt::Result {
        self.text.write_fmt(caveat)?;
        self.ends.push(self.text.len()).map_err(|_| fmt::Error)
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, &end)| self.text.as_bytes().get(start..end))
    }
}
