//! Takes over the first format: `tokens.json`, and a JSON file for each payment in `payments/open` and `payments/closed`.
//!
//! 1. All of it goes into the database in one step; then the files are moved aside, into `imported`. A crash between the two
//!    repeats the first, which changes nothing that the database knows already.
//! 2. A file that cannot be understood stops everything. Nothing is moved then.
//! 3. While an earlier version of this program sees to a payment, nothing is taken over: it would write its outcome where it
//!    is not looked for. One that begins later does not find its folder, and pays nothing.

use super::budget;
use super::codec;
use super::database::Database;
use super::error::{DatabaseError, ImportError};
use super::format::FIRST_VERSION;
use super::private::{Lock, PrivateDir, PrivateError};
use super::record::{Intent, KeptToken, PaymentOutcome};
use super::row::{self, Conflict};
use http::Method;
use l402_core::{Msat, PaymentHash, Preimage, Scheme, UnixSeconds};
use l402_http::pay::{Origin, Standing};
use rusqlite::Transaction;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

/// Takes over what is there.
pub(super) fn run(data: &PrivateDir, database: &Database) -> Result<(), DatabaseError> {
    let is_there = |name: &str| data.path(name).exists();
    if !is_there(TOKENS) && !is_there(PAYMENTS) {
        return Ok(());
    }
    let file = |fault| DatabaseError::Import(ImportError::File(fault));
    let turn = data.lock(TOKENS_LOCK).map_err(file)?;
    let tokens = read_tokens(data).map_err(DatabaseError::Import)?;
    let payments = if is_there(PAYMENTS) { Some(read_payments(data).map_err(DatabaseError::Import)?) } else { None };
    database.write(|tx| {
        tokens.iter().try_for_each(|token| row::put_token(tx, token, Conflict::Ignore))?;
        payments.iter().flat_map(|payments| &payments.records).try_for_each(|record| put(tx, record))?;
        budget::adopt(tx, database.clocks())
    })?;
    move_aside(data).map_err(file)?;
    turn.discard();
    Ok(())
}

fn put(tx: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    if record.outcome.is_none() {
        // An earlier version, called once more, may have begun again what had failed.
        let failed = "DELETE FROM payments WHERE payment_hash = ?1 AND outcome = 'not_paid'";
        tx.execute(failed, [record.intent.payment_hash.to_string()])?;
    }
    row::put_payment(tx, &record.intent, record.outcome, Conflict::Ignore)
}

fn read_tokens(data: &PrivateDir) -> Result<Vec<KeptToken>, ImportError> {
    let contents: Option<TokensFile> = read(data, TOKENS)?;
    Ok(contents.map_or(Vec::new(), |contents| contents.tokens.into_iter().map(KeptToken::from).collect()))
}

/// The records, open ones first: of a payment that has both, its end was not certain.
struct Payments {
    records: Vec<Record>,
    _locks: Vec<Lock>,
}

fn read_payments(data: &PrivateDir) -> Result<Payments, ImportError> {
    let folder = |dir: &PrivateDir, name| dir.folder(name).map_err(ImportError::File);
    let payments = folder(data, PAYMENTS)?;
    let (open, closed) = (folder(&payments, "open")?, folder(&payments, "closed")?);
    let mut locks = vec![payments.lock("begin.lock").map_err(ImportError::File)?];
    let mut records = Vec::new();
    for (dir, is_open) in [(open, true), (closed, false)] {
        let names = dir.names().map_err(ImportError::File)?;
        for name in names.iter().filter(|name| !name.ends_with(UNFINISHED)) {
            if is_open {
                let lock = dir.try_lock(name).map_err(ImportError::File)?;
                locks.push(lock.ok_or_else(|| ImportError::InUse(dir.path(name)))?);
            }
            let Some(PaymentFile { intent, outcome, .. }) = read(&dir, name)? else { continue };
            if outcome.is_none() != is_open {
                let cause = serde_json::Error::custom("the outcome does not fit the folder");
                return Err(ImportError::Damaged { path: dir.path(name), cause });
            }
            records.push(Record { intent: intent.into(), outcome });
        }
    }
    Ok(Payments { records, _locks: locks })
}

fn read<T: DeserializeOwned>(dir: &PrivateDir, name: &str) -> Result<Option<T>, ImportError> {
    let Some(bytes) = dir.read(name).map_err(ImportError::File)? else { return Ok(None) };
    let damaged = |cause| ImportError::Damaged { path: dir.path(name), cause };
    let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if version != FIRST_VERSION {
        return Err(ImportError::Version { path: dir.path(name), version });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn move_aside(data: &PrivateDir) -> Result<(), PrivateError> {
    let names = core::iter::once("imported".to_owned()).chain((2..).map(|number: u32| format!("imported-{number}")));
    let Some(aside) = names.into_iter().find(|name| !data.path(name).exists()) else { return Ok(()) };
    data.folder(&aside)?;
    for name in [TOKENS, PAYMENTS] {
        if data.path(name).exists() {
            data.rename(name, &format!("{aside}/{name}"))?;
        }
    }
    Ok(())
}

struct Record {
    intent: Intent,
    outcome: Option<PaymentOutcome>,
}

/// Read first, so that another version is not called damaged.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensFile {
    #[serde(rename = "version")]
    _version: u32,
    tokens: Vec<OldToken>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldToken {
    #[serde(deserialize_with = "codec::text")]
    origin: Origin,
    #[serde(deserialize_with = "codec::text")]
    method: Method,
    path: String,
    #[serde(deserialize_with = "codec::scheme")]
    scheme: Scheme,
    token: String,
    #[serde(deserialize_with = "codec::text")]
    payment_hash: PaymentHash,
    #[serde(deserialize_with = "codec::preimage")]
    preimage: Preimage,
    #[serde(deserialize_with = "codec::msat")]
    amount_msat: Msat,
    #[serde(deserialize_with = "codec::msat")]
    fee_msat: Msat,
    #[serde(deserialize_with = "codec::unix_seconds")]
    bought_at: UnixSeconds,
}

impl From<OldToken> for KeptToken {
    fn from(old: OldToken) -> Self {
        let OldToken { origin, method, path, scheme, token, payment_hash, preimage, amount_msat, fee_msat, bought_at } =
            old;
        // Whether a server has accepted it was not recorded.
        let standing = Standing::Served;
        let uses_left = None;
        Self {
            origin,
            method,
            path,
            scheme,
            token,
            payment_hash,
            preimage,
            amount_msat,
            fee_msat,
            bought_at,
            standing,
            uses_left,
        }
    }
}

#[derive(Deserialize)]
struct PaymentFile {
    intent: OldIntent,
    #[serde(default)]
    outcome: Option<PaymentOutcome>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldIntent {
    #[serde(deserialize_with = "codec::text")]
    payment_hash: PaymentHash,
    #[serde(deserialize_with = "codec::msat")]
    amount_msat: Msat,
    wallet: String,
    #[serde(deserialize_with = "codec::text")]
    origin: Origin,
    #[serde(deserialize_with = "codec::text")]
    method: Method,
    path: String,
    #[serde(deserialize_with = "codec::scheme")]
    scheme: Scheme,
    token: String,
    #[serde(deserialize_with = "codec::unix_seconds")]
    at: UnixSeconds,
}

impl From<OldIntent> for Intent {
    fn from(old: OldIntent) -> Self {
        let OldIntent { payment_hash, amount_msat, wallet, origin, method, path, scheme, token, at } = old;
        Self {
            payment_hash,
            amount_msat,
            wallet,
            origin,
            method,
            path,
            scheme,
            token,
            at,
            order: None,
            uses: None,
            is_isolated: false,
        }
    }
}

const TOKENS: &str = "tokens.json";
const TOKENS_LOCK: &str = "tokens.lock";
const PAYMENTS: &str = "payments";

/// Ends the name of a file that a crash left incomplete.
const UNFINISHED: &str = ".new";

#[cfg(test)]
mod tests;
