//! The protocol's types in the columns of the database. No error repeats what a column holds.

use super::record::{Intent, KeptToken, PaymentOutcome, Recorded};
use core::fmt;
use core::str::FromStr;
use http::Method;
use l402_core::purchase::Tally;
use l402_core::{Msat, PaymentHash, Preimage, Scheme, UnixSeconds};
use l402_http::pay::{Asking, Order, Standing, Taken, sold};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};

/// Writes a payment, in place of one with the same hash.
pub(super) fn put_payment(
    tx: &Transaction<'_>,
    intent: &Intent,
    outcome: Option<PaymentOutcome>,
    conflict: Conflict,
) -> rusqlite::Result<()> {
    let order = intent.order.as_ref();
    // A limit above what there is in all money is none.
    let max_fee_msat = order.map(|order| i64::try_from(order.max_fee_msat.get()).unwrap_or(i64::MAX));
    let sql = format!(
        "INSERT OR {conflict} INTO payments (payment_hash, amount_msat, wallet, origin, method, path, scheme, token, begun_at, \
         invoice, max_fee_msat, max_cltv_expiry_delta, outcome, fee_msat, is_repeated, uses, is_isolated) VALUES (:payment_hash, :amount_msat, :wallet, :origin, :method, :path, :scheme, \
         :token, :begun_at, :invoice, :max_fee_msat, :max_cltv_expiry_delta, :outcome, :fee_msat, :is_repeated, :uses, \
         :is_isolated)"
    );
    let columns = named_params! {
        ":payment_hash": intent.payment_hash.to_string(),
        ":amount_msat": intent.amount_msat.get(),
        ":wallet": intent.wallet,
        ":origin": intent.origin.to_string(),
        ":method": intent.method.as_str(),
        ":path": intent.path,
        ":scheme": intent.scheme.to_string(),
        ":token": intent.token,
        ":begun_at": intent.at.get(),
        ":invoice": order.map(|order| &order.invoice),
        ":max_fee_msat": max_fee_msat,
        ":max_cltv_expiry_delta": order.map(|order| order.max_cltv_expiry_delta),
        ":outcome": outcome.map(|outcome| columns(outcome).0),
        ":fee_msat": outcome.and_then(|outcome| columns(outcome).1),
        ":is_repeated": order.is_some_and(|order| order.asking == Asking::Again),
        ":uses": intent.uses,
        ":is_isolated": intent.is_isolated,
    };
    tx.execute(&sql, columns).map(drop)
}

/// Writes a token.
pub(super) fn put_token(tx: &Transaction<'_>, token: &KeptToken, conflict: Conflict) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT OR {conflict} INTO tokens (payment_hash, preimage, amount_msat, fee_msat, origin, method, path, scheme, token, \
         bought_at, standing, uses_left, budget) VALUES (:payment_hash, :preimage, :amount_msat, :fee_msat, :origin, :method, :path, :scheme, :token, \
         :bought_at, :standing, :uses_left, \
         coalesce((SELECT budget FROM entries WHERE entries.payment_hash = :payment_hash), 1))"
    );
    let columns = named_params! {
        ":payment_hash": token.payment_hash.to_string(),
        ":preimage": token.preimage.expose(),
        ":amount_msat": token.amount_msat.get(),
        ":fee_msat": token.fee_msat.get(),
        ":origin": token.origin.to_string(),
        ":method": token.method.as_str(),
        ":path": token.path,
        ":scheme": token.scheme.to_string(),
        ":token": token.token,
        ":bought_at": token.bought_at.get(),
        ":standing": standing_name(token.standing),
        ":uses_left": token.uses_left,
    };
    tx.execute(&sql, columns).map(drop)
}

/// Notes what a server made of a token, and returns whether there is one.
pub(super) fn mark_token(tx: &Transaction<'_>, hash: &PaymentHash, standing: Standing) -> rusqlite::Result<bool> {
    let mark = "UPDATE tokens SET standing = ?2 WHERE payment_hash = ?1";
    tx.execute(mark, [hash.to_string().as_str(), standing_name(standing)]).map(|changed| changed > 0)
}

/// Notes how many uses of a token are left; never more than were noted before.
pub(super) fn count_token(tx: &Transaction<'_>, hash: &PaymentHash, uses_left: u64) -> rusqlite::Result<()> {
    let count = "UPDATE tokens SET uses_left = min(coalesce(uses_left, ?2), ?2) WHERE payment_hash = ?1";
    tx.execute(count, params![hash.to_string(), uses_left]).map(drop)
}

/// Returns what is known of the uses of a token, where it is there.
pub(super) fn tally(tx: &Transaction<'_>, hash: &PaymentHash) -> rusqlite::Result<Option<Tally>> {
    let read = |row: &Row<'_>| {
        let sold = sold(&row.get::<_, String>("token")?);
        Ok(Tally { sold, told: row.get("uses_left")?, used: row.get("used")? })
    };
    let of = "SELECT token, uses_left, used FROM tokens WHERE payment_hash = ?1";
    tx.prepare_cached(of)?.query_row([hash.to_string()], read).optional()
}

/// Notes that a use of a token went, and what the server says is left.
pub(super) fn use_token(tx: &Transaction<'_>, hash: &PaymentHash, taken: Taken) -> rusqlite::Result<()> {
    let Some(tally) = tally(tx, hash)? else { return Ok(()) };
    let tally = if taken.is_used { tally.used(taken.told) } else { tally.told(taken.told) };
    let note = "UPDATE tokens SET uses_left = ?2, used = ?3 WHERE payment_hash = ?1";
    tx.prepare_cached(note)?.execute(params![hash.to_string(), tally.left(), tally.used]).map(drop)
}

/// What becomes of a row that is there already.
#[derive(Debug, Clone, Copy)]
pub(super) enum Conflict {
    /// It stays.
    Ignore,
    /// It goes.
    Replace,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "IGNORE",
            Self::Replace => "REPLACE",
        })
    }
}

/// Reads a payment and its outcome.
pub(super) fn payment(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    let intent = Intent {
        payment_hash: text(row, "payment_hash")?,
        amount_msat: row.get("amount_msat").map(Msat::new)?,
        wallet: row.get("wallet")?,
        origin: text(row, "origin")?,
        method: text(row, "method")?,
        path: row.get("path")?,
        scheme: scheme(row)?,
        token: row.get("token")?,
        at: row.get("begun_at").map(UnixSeconds::new)?,
        order: order(row)?,
        uses: row.get("uses")?,
        is_isolated: row.get("is_isolated")?,
    };
    Ok(Recorded { intent, outcome: outcome(row)? })
}

/// Reads a token.
pub(super) fn token(row: &Row<'_>) -> rusqlite::Result<KeptToken> {
    Ok(KeptToken {
        origin: text(row, "origin")?,
        method: text::<Method>(row, "method")?,
        path: row.get("path")?,
        scheme: scheme(row)?,
        token: row.get("token")?,
        payment_hash: text(row, "payment_hash")?,
        preimage: preimage(row)?,
        amount_msat: row.get("amount_msat").map(Msat::new)?,
        fee_msat: row.get("fee_msat").map(Msat::new)?,
        bought_at: row.get("bought_at").map(UnixSeconds::new)?,
        standing: standing(row)?,
        uses_left: row.get("uses_left")?,
    })
}

const fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::New => NEW,
        Standing::Served => SERVED,
        Standing::Refused => REFUSED,
    }
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    match row.get::<_, String>("standing")?.as_str() {
        NEW => Ok(Standing::New),
        SERVED => Ok(Standing::Served),
        REFUSED => Ok(Standing::Refused),
        _ => Err(wrong(row, "standing")),
    }
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<Option<PaymentOutcome>> {
    Ok(match row.get::<_, Option<String>>("outcome")?.as_deref() {
        None => None,
        Some(PAID) => Some(PaymentOutcome::Paid { fee_msat: row.get("fee_msat").map(Msat::new)? }),
        Some(NOT_PAID) => Some(PaymentOutcome::NotPaid),
        Some(FORGOTTEN) => Some(PaymentOutcome::Forgotten),
        Some(_) => return Err(wrong(row, "outcome")),
    })
}

/// Splits an outcome into its columns.
pub(super) const fn columns(outcome: PaymentOutcome) -> (&'static str, Option<u64>) {
    match outcome {
        PaymentOutcome::Paid { fee_msat } => (PAID, Some(fee_msat.get())),
        PaymentOutcome::NotPaid => (NOT_PAID, None),
        PaymentOutcome::Forgotten => (FORGOTTEN, None),
    }
}

fn order(row: &Row<'_>) -> rusqlite::Result<Option<Order>> {
    let Some(invoice) = row.get("invoice")? else { return Ok(None) };
    let (max_fee_msat, max_cltv_expiry_delta) =
        (row.get("max_fee_msat").map(Msat::new)?, row.get("max_cltv_expiry_delta")?);
    let asking = if row.get("is_repeated")? { Asking::Again } else { Asking::First };
    Ok(Some(Order { invoice, max_fee_msat, max_cltv_expiry_delta, asking }))
}

/// Whatever is written as text and read from it: origins, methods, payment hashes.
pub(super) fn text<T: FromStr>(row: &Row<'_>, column: &'static str) -> rusqlite::Result<T> {
    row.get::<_, String>(column)?.parse().map_err(|_| wrong(row, column))
}

fn scheme(row: &Row<'_>) -> rusqlite::Result<Scheme> {
    Scheme::parse(row.get::<_, String>("scheme")?.as_bytes()).ok_or_else(|| wrong(row, "scheme"))
}

/// No copy of the secret stays behind on our side.
fn preimage(row: &Row<'_>) -> rusqlite::Result<Preimage> {
    let bytes = row.get_ref("preimage")?.as_blob().ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(Preimage::from_bytes).ok_or_else(|| wrong(row, "preimage"))
}

fn wrong(row: &Row<'_>, column: &'static str) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    let why = format!("`{column}` is none");
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, why.into())
}

const PAID: &str = "paid";
const NOT_PAID: &str = "not_paid";
const FORGOTTEN: &str = "forgotten";

const NEW: &str = "new";
const SERVED: &str = "served";
const REFUSED: &str = "refused";
