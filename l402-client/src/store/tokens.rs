//! The tokens that were bought: one file, `tokens.json`.
//!
//! 1. A token is written, and on the disk, before it is presented for the first time: whoever paid never loses it.
//! 2. It is kept with its origin, so that it never goes to another one (threat A6).
//! 3. Reading, changing and replacing happens under a lock: processes at the same time lose nothing of each other's.
//! 4. A file that cannot be understood is an error and stays as it is.

use super::codec;
use super::private::{PrivateDir, PrivateError};
use core::fmt;
use http::Method;
use l402_core::{PaymentHash, Preimage, Scheme};
use l402_http::pay::{Origin, Token};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A token that was paid for, as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptToken {
    /// Where it was bought; the only place where it is presented.
    #[serde(with = "codec::text")]
    pub origin: Origin,
    /// The method that it was bought for.
    #[serde(with = "codec::text")]
    pub method: Method,
    /// The path that it was bought for. It may open others too.
    pub path: String,
    /// The scheme of the challenge, which the credential mirrors.
    #[serde(with = "codec::scheme")]
    pub scheme: Scheme,
    /// The macaroon, in padded standard base64.
    pub token: String,
    /// What the payment proves.
    #[serde(with = "codec::text")]
    pub payment_hash: PaymentHash,
    /// The proof of payment.
    #[serde(with = "codec::preimage")]
    pub preimage: Preimage,
    /// What was paid, in millisatoshi.
    pub amount_msat: u64,
    /// What routing cost, in millisatoshi.
    pub fee_msat: u64,
    /// When it was bought, in Unix seconds.
    pub bought_at: u64,
}

impl KeptToken {
    /// Takes a token that was paid for; `None` where the proof is missing.
    pub fn new(origin: &Origin, token: &Token) -> Option<Self> {
        Some(Self {
            origin: origin.clone(),
            method: token.method.clone(),
            path: token.path.clone(),
            scheme: token.scheme,
            token: token.text.clone(),
            payment_hash: token.payment_hash,
            preimage: token.preimage.clone()?,
            amount_msat: token.amount_msat,
            fee_msat: token.fee_msat,
            bought_at: token.bought_at,
        })
    }
}

impl From<KeptToken> for Token {
    fn from(kept: KeptToken) -> Self {
        Self {
            scheme: kept.scheme,
            text: kept.token,
            payment_hash: kept.payment_hash,
            preimage: Some(kept.preimage),
            amount_msat: kept.amount_msat,
            fee_msat: kept.fee_msat,
            method: kept.method,
            path: kept.path,
            bought_at: kept.bought_at,
        }
    }
}

/// The tokens of a data folder.
#[derive(Debug, Clone)]
pub struct Tokens {
    dir: PrivateDir,
}

impl Tokens {
    /// Keeps tokens in a folder. Nothing is read or written yet.
    pub const fn new(dir: PrivateDir) -> Self {
        Self { dir }
    }

    /// Returns all tokens, oldest first.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn all(&self) -> Result<Vec<KeptToken>, TokensError> {
        let Some(bytes) = self.dir.read(FILE).map_err(TokensError::File)? else { return Ok(Vec::new()) };
        let damaged = |cause| TokensError::Damaged { path: self.dir.path(FILE), cause };
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version != VERSION {
            return Err(TokensError::Version { path: self.dir.path(FILE), version });
        }
        serde_json::from_slice(&bytes).map(|Contents { tokens, .. }| tokens).map_err(damaged)
    }

    /// Returns the tokens of an origin and of no other, oldest first.
    ///
    /// # Errors
    /// [`TokensError`].
    pub fn of(&self, origin: &Origin) -> Result<Vec<KeptToken>, TokensError> {
        let mut tokens = self.all()?;
        tokens.retain(|token| token.origin == *origin);
        Ok(tokens)
    }

    /// Adds a token; it is on the disk when this returns. One with the same payment hash is replaced.
    ///
    /// # Errors
    /// [`TokensError`]; the file is then as it was.
    pub fn keep(&self, token: KeptToken) -> Result<(), TokensError> {
        self.change(|tokens| {
            tokens.retain(|other| other.payment_hash != token.payment_hash);
            tokens.push(token);
        })
    }

    /// Removes the token that a payment bought.
    ///
    /// # Errors
    /// [`TokensError`]; the file is then as it was.
    pub fn forget(&self, hash: &PaymentHash) -> Result<(), TokensError> {
        self.change(|tokens| tokens.retain(|token| token.payment_hash != *hash))
    }

    /// Removes all tokens of an origin, and returns how many there were.
    ///
    /// # Errors
    /// [`TokensError`]; the file is then as it was.
    pub fn forget_origin(&self, origin: &Origin) -> Result<usize, TokensError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.origin != *origin);
            before - tokens.len()
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<KeptToken>) -> T) -> Result<T, TokensError> {
        let _lock = self.dir.lock(LOCK).map_err(TokensError::File)?;
        let mut tokens = self.all()?;
        let result = change(&mut tokens);
        let contents = Contents { version: VERSION, tokens };
        let bytes = serde_json::to_vec_pretty(&contents).map(Zeroizing::new).map_err(TokensError::Encode)?;
        self.dir.replace(FILE, &bytes).map_err(TokensError::File)?;
        Ok(result)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    tokens: Vec<KeptToken>,
}

/// Read first, so that a file of a later version is not called damaged.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Why the tokens cannot be had or kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokensError {
    /// The file cannot be used.
    File(PrivateError),
    /// The file cannot be understood. It is left as it is.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A later version of this program wrote the file.
    Version {
        /// Where it is.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The tokens cannot be written as JSON.
    Encode(serde_json::Error),
}

impl fmt::Display for TokensError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => cause.fmt(f),
            Self::Damaged { path, .. } => write!(
                f,
                "{} is damaged, and was left as it is; repair it, or move it away to start without tokens",
                path.display()
            ),
            Self::Version { path, version } => {
                write!(f, "{} has version {version}; this program knows version {VERSION} only", path.display())
            }
            Self::Encode(_) => f.write_str("the tokens cannot be written as JSON"),
        }
    }
}

impl core::error::Error for TokensError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => cause.source(),
            Self::Damaged { cause, .. } | Self::Encode(cause) => Some(cause),
            Self::Version { .. } => None,
        }
    }
}

const FILE: &str = "tokens.json";
const LOCK: &str = "tokens.lock";
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn token(origin: &str, path: &str, seed: u8) -> KeptToken {
        let preimage = Preimage::from_bytes([seed; 32]);
        KeptToken {
            origin: origin.parse().unwrap(),
            method: Method::GET,
            path: path.to_owned(),
            scheme: Scheme::L402,
            token: "AgEE".to_owned(),
            payment_hash: preimage.hash(),
            preimage,
            amount_msat: 21_000,
            fee_msat: 0,
            bought_at: 1_700_000_000,
        }
    }

    fn store() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(PrivateDir::open(folder.path().join("data")).unwrap());
        (folder, tokens)
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_forgotten() {
        let (_folder, tokens) = store();
        for seed in [1, 2, 3] {
            tokens.keep(token("http://a", "/x", seed)).unwrap();
        }
        tokens.keep(token("http://b", "/x", 4)).unwrap();
        tokens.keep(token("http://a", "/again", 1)).unwrap();
        tokens.forget(&token("http://a", "/x", 2).payment_hash).unwrap();
        let kept = tokens.all().unwrap();
        let seeds = kept.iter().map(|token| (token.preimage.expose()[0], token.path.as_str()));
        assert_eq!(seeds.collect::<Vec<_>>(), [(3, "/x"), (4, "/x"), (1, "/again")]);
        assert_eq!(tokens.forget_origin(&"http://a".parse().unwrap()).unwrap(), 2);
        assert_eq!(tokens.all().unwrap().len(), 1);
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let (_folder, tokens) = store();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let tokens = tokens.clone();
                scope.spawn(move || {
                    for round in 0..5 {
                        tokens.keep(token("http://a", "/", writer * 5 + round)).unwrap();
                    }
                });
            }
        });
        assert_eq!(tokens.all().unwrap().len(), 40);
    }

    #[test]
    fn a_damaged_file_is_said_and_left_alone() {
        for damage in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":1,"tokens":[{"origin":"http://a"}]}"#] {
            let (_folder, tokens) = store();
            tokens.keep(token("http://a", "/", 1)).unwrap();
            let path = tokens.dir.path(FILE);
            fs::write(&path, damage).unwrap();
            let fault = tokens.keep(token("http://a", "/", 2)).unwrap_err();
            assert!(fault.to_string().contains("damaged"), "{fault}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }

    #[test]
    fn a_later_version_is_not_called_damaged() {
        let (_folder, tokens) = store();
        tokens.keep(token("http://a", "/", 1)).unwrap();
        fs::write(tokens.dir.path(FILE), r#"{"version":2,"tokens":{}}"#).unwrap();
        assert!(matches!(tokens.all(), Err(TokensError::Version { version: 2, .. })));
    }

    #[test]
    fn a_wrong_preimage_is_not_repeated_in_the_error() {
        let (_folder, tokens) = store();
        tokens.keep(token("http://a", "/", 1)).unwrap();
        let path = tokens.dir.path(FILE);
        let canary = "5ec2e7".repeat(11);
        let text = fs::read_to_string(&path).unwrap().replace(&"01".repeat(32), &canary);
        fs::write(&path, text).unwrap();
        let fault = anyhow::Error::from(tokens.all().unwrap_err());
        assert!(!format!("{fault:#} {fault:?}").contains("5ec2e7"), "{fault:#}");
    }
}
