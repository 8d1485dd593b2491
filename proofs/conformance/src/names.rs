//! The names that errors have in the vectors: one for each public error, and none for two.
//!
//! The enums are `#[non_exhaustive]`, so that a match from here needs an arm for what is not there yet: it yields a name that no
//! case can have, which fails the case.

use crate::check::FaultName;
use l402_core::macaroon::{MintError, ParseError, base64::DecodeError};
use l402_core::{
    CaveatError, ChallengeError, CredentialError, Declined, EpochError, IdentifierError, NameError, TokenError,
    TokenFileError,
};

/// No id, verdict or error has a capital.
const UNNAMED: &str = "UNNAMED";

pub(crate) const fn parse(fault: ParseError) -> &'static str {
    match fault {
        ParseError::Empty => "empty",
        ParseError::TooLong => "too-long",
        ParseError::UnsupportedVersion(_) => "unsupported-version",
        ParseError::Truncated => "truncated",
        ParseError::OverlongLength => "overlong-length",
        ParseError::DuplicateField(_) => "duplicate-field",
        ParseError::FieldOrder(_) => "field-order",
        ParseError::UnknownField(_) => "unknown-field",
        ParseError::UnexpectedField(_) => "unexpected-field",
        ParseError::MissingIdentifier => "missing-identifier",
        ParseError::TooManyCaveats => "too-many-caveats",
        ParseError::SignatureLength => "signature-length",
        ParseError::TrailingBytes => "trailing-bytes",
        ParseError::Packet => "packet",
        _ => UNNAMED,
    }
}

pub(crate) const fn mint(fault: MintError) -> FaultName {
    match fault {
        MintError::BufferTooSmall { .. } => FaultName("", "buffer-too-small"),
        MintError::Limit(fault) => FaultName("", parse(fault)),
        _ => FaultName("", UNNAMED),
    }
}

pub(crate) const fn identifier(fault: IdentifierError) -> &'static str {
    match fault {
        IdentifierError::Length(_) => "length",
        IdentifierError::Version(_) => "version",
        _ => UNNAMED,
    }
}

pub(crate) const fn challenge(fault: ChallengeError) -> &'static str {
    match fault {
        ChallengeError::Missing => "missing",
        ChallengeError::MissingToken => "missing-token",
        ChallengeError::MissingInvoice => "missing-invoice",
        ChallengeError::Contradiction => "contradiction",
        ChallengeError::Scheme => "scheme",
        ChallengeError::Value => "value",
        ChallengeError::Quote => "quote",
        ChallengeError::ControlCharacter => "control-character",
        ChallengeError::TooManyParameters => "too-many-parameters",
        ChallengeError::TooLong => "too-long",
        ChallengeError::InvoiceNotAscii => "invoice-not-ascii",
        ChallengeError::TokenCharacter => "token-character",
        _ => UNNAMED,
    }
}

pub(crate) const fn token(fault: TokenError) -> FaultName {
    match fault {
        TokenError::TooLong => FaultName("token-", "too-long"),
        TokenError::Base64(fault) => FaultName("base64-", base64(fault)),
        TokenError::Macaroon(fault) => FaultName("macaroon-", parse(fault)),
        _ => FaultName("", UNNAMED),
    }
}

const fn base64(fault: DecodeError) -> &'static str {
    match fault {
        DecodeError::Length => "length",
        DecodeError::Padding => "padding",
        DecodeError::InvalidCharacter => "invalid-character",
        DecodeError::MixedAlphabets => "mixed-alphabets",
        DecodeError::NotCanonical => "not-canonical",
        _ => UNNAMED, // a buffer that is too small makes a token that is too long
    }
}

pub(crate) const fn credential(fault: CredentialError) -> FaultName {
    let name = match fault {
        CredentialError::Token(fault) => return token(fault),
        CredentialError::Identifier(fault) => return FaultName("identifier-", identifier(fault)),
        CredentialError::Ambiguous => "ambiguous",
        CredentialError::TooLong => "too-long",
        CredentialError::MissingPreimage => "missing-preimage",
        CredentialError::Preimage => "preimage",
        CredentialError::PreimagesDiffer => "preimages-differ",
        CredentialError::MissingToken => "missing-token",
        CredentialError::TooManyTokens => "too-many-tokens",
        CredentialError::Hex => "hex",
        CredentialError::PaymentsDiffer => "payments-differ",
        _ => UNNAMED,
    };
    FaultName("", name)
}

pub(crate) const fn caveat(fault: CaveatError) -> &'static str {
    match fault {
        CaveatError::NotUtf8 => "not-utf8",
        CaveatError::NoValue => "no-value",
        CaveatError::NoCondition => "no-condition",
        _ => UNNAMED,
    }
}

pub(crate) const fn epoch(fault: EpochError) -> &'static str {
    match fault {
        EpochError::Taken(_) => "taken",
        EpochError::TooMany => "too-many",
        _ => UNNAMED,
    }
}

pub(crate) const fn name(fault: NameError) -> FaultName {
    let name = match fault {
        NameError::Empty => "empty",
        NameError::TooLong(_) => "too-long",
        NameError::Character(_) => "character",
        _ => UNNAMED,
    };
    FaultName("name-", name)
}

pub(crate) const fn declined(fault: Declined) -> &'static str {
    match fault {
        Declined::NoAmount => "no-amount",
        Declined::ZeroAmount => "zero-amount",
        Declined::AboveAllMoney { .. } => "above-all-money",
        Declined::OverLimit { .. } => "over-limit",
        Declined::Expired => "expired",
        Declined::OtherPayment => "other-payment",
        Declined::TokenExpired => "token-expired",
        _ => UNNAMED,
    }
}

pub(crate) const fn token_file(fault: TokenFileError) -> FaultName {
    let name = match fault {
        TokenFileError::Macaroon(fault) => return FaultName("macaroon-", parse(fault)),
        TokenFileError::Identifier(fault) => return FaultName("identifier-", identifier(fault)),
        TokenFileError::Truncated => "truncated",
        TokenFileError::TrailingBytes => "trailing-bytes",
        TokenFileError::PaymentsDiffer => "payments-differ",
        TokenFileError::WrongPreimage => "wrong-preimage",
        _ => UNNAMED,
    };
    FaultName("", name)
}
