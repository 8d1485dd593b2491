//! The L402 protocol without I/O: a server's and a client's decisions, and the types that they are made of.
//!
//! Bytes become types that promise more at each step, and everything that decides is pure: no clock, no random source, no
//! socket, no log, no allocation. Time, randomness and keys are arguments.
//!
//! # Server
//! [`CredentialHeaders`] (headers) → [`UnverifiedCredential`] (well-formed) → [`Verified`] (ours, and paid for) → [`Grant`] (permits
//! this [`Offer`]). [`Gate`] walks all of it and says what to do next; [`DerivedKeys::mint`] and [`ChallengeLine`] make the
//! 402 answer.
//!
//! # Client
//! [`Challenge`] reads the answer, [`TokenFacts`] what can be read in its token, [`fit`] says which token that is held may open
//! it, [`Exchange`] says whether to pay, and [`CredentialLine`] writes the credential. [`Narrowing`] hands a part of a token on.
//!
//! # Constant time
//! From the header to the decision, and in minting, the instructions that run and the addresses that they use do not depend on
//! the master key, the token's signature, the preimage, or the position of a wrong byte in them. Public are lengths, the
//! delimiters of the header, the payment hash and token id, the caveats' texts, and the decision with its reason: a caveat that is
//! not satisfied, or a text that cannot be read, takes a time of its own. `proofs/ct` proves it; the limit is that of [`macaroon`].
//!
//! ```
//! use l402_core::{ChallengeLine, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer};
//! use l402_core::{Preimage, CredentialHeaders, Scheme, TokenText};
//! use l402_core::{Msat, UnixSeconds};
//!
//! let now = UnixSeconds::new(1_700_000_000);
//! let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
//! let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
//!
//! // The server answers 402 with a token for the payment hash of an invoice.
//! let preimage = Preimage::from_bytes([1; 32]); // known to the payee's node only
//! let mut text = TokenText::new();
//! let token = gate.keys().mint(&offer, &preimage.hash(), [2; 28], now, &mut text)?;
//! let [_, line] = ChallengeLine::both(token, "lnbc210n1…");
//! assert!(line.to_string().starts_with(r#"L402 version="0", token=""#));
//!
//! // The client pays, learns the preimage, and repeats the request.
//! let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
//! let mut headers = CredentialHeaders::new();
//! headers.add("authorization", credential.as_bytes());
//! assert!(matches!(gate.decide(&headers, &offer, now), Decision::Admit(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

mod any;
mod caveat;
mod challenge;
mod client;
mod counter;
mod credential;
mod held;
mod identifier;
mod keys;
pub mod ledger;
mod mint;
mod msat;
mod name;
mod narrow;
mod offer;
mod params;
mod payment;
pub mod purchase;
mod rule;
mod satisfy;
mod scheme;
mod seal;
mod server;
mod tariff;
mod terms;
mod token_facts;
mod token_file;
mod unix_seconds;
mod unsatisfied;
mod verify;

pub use any::AnyChallenge;
pub use caveat::{Caveat, CaveatError};
pub use challenge::{Challenge, ChallengeError, ChallengeLine, Challenges, MAX_HEADER_LEN, TokenError};
pub use client::{
    Declined, Exchange, InvoiceFacts, Next, PayOrder, ResponseStatus, SpendLimits, Verdict, WrongPreimage,
};
pub use counter::{Counter, CounterKey, Counters, Unit};
pub use credential::{
    CREDENTIAL_HEADERS, CredentialError, CredentialHeaders, CredentialLine, MAX_TOKENS, UnverifiedCredential,
};
pub use held::{Fit, fit};
pub use identifier::{Identifier, IdentifierError, TokenId};
pub use keys::{DerivedKeys, EpochError, MasterKey, RootKeySource};
pub use l402_macaroon as macaroon;
pub use mint::{TokenMintError, TokenText, TokenTooLong, mint_token};
pub use msat::Msat;
pub use name::{Name, NameError};
pub use narrow::{NarrowError, Narrowing, NarrowingCaveats, balance_of_token, uses_of_token};
pub use offer::{Offer, Uses, UsesError};
pub use params::ParamValue;
pub use payment::{PaymentHash, PaymentHashError, Preimage, PreimageError, PreimageHex};
pub use rule::{CaveatRule, Ruling};
pub use satisfy::{Rules, UnknownCaveats};
pub use scheme::Scheme;
pub use seal::{Seal, SealError, SealKeys, Sealer};
pub use server::{
    Charge, ChargeReason, Decision, ForgedStatus, Gate, GatePolicy, MalformedStatus, Refusal, SettlementRule,
    USUAL_BUFFER_LEN,
};
pub use tariff::Tariff;
pub use token_facts::TokenFacts;
pub use token_file::{BufferTooSmall, TokenFile, TokenFileError};
pub use unix_seconds::UnixSeconds;
pub use unsatisfied::Unsatisfied;
pub use verify::{Admission, CountedGrant, Denied, Grant, Verified, verify};

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
