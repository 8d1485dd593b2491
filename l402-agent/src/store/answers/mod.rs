//! Answers that were paid for, and whose caller did not wait for them.
//!
//! 1. A call whose caller is gone goes on where it may have paid. It says so first: the same request waits for it then.
//! 2. The same request from the same budget gets the answer: the same method, URL, headers and body. It is removed once it was delivered.
//! 3. An answer is kept for [`KEPT_FOR`], one of up to [`MAX_BODY`] bytes, and [`MAX_ANSWERS`] of them. Of a longer one, the token is kept.
//! 4. A call that was killed no longer renews the end of its row: the next one then goes its own way.

// Threats: A9.

mod tables;

pub(super) use tables::TABLES;

use super::budget::{self, BudgetId, CallId};
use super::clocks::Clocks;
use super::database::Database;
use super::error::DatabaseError;
use super::share::LEASE;
use crate::http::draft::Draft;
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use l402_core::purchase::{BootId, WindowTime};
use l402_http::pay::Origin;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

/// The answers of a database.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    database: Database,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    origin: String,
    method: String,
    target: String,
}

impl Address {
    /// Takes that of a request; [`None`] where it has no origin.
    pub(crate) fn of(draft: &Draft) -> Option<Self> {
        let origin = Origin::of(&draft.uri).ok()?.to_string();
        let target = draft.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Some(Self { origin, method: draft.method.to_string(), target })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The URL that answered, after redirects.
    pub(crate) url: Uri,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Nothing.
    Nothing,
    /// A call that goes on, for the same request.
    Coming,
    /// Its answer, by its number.
    Here(i64, Box<Answer>),
}

impl Answers {
    /// Takes those of a database.
    pub(crate) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Looks what there is for a request. Its body is read only where there may be something.
    pub(crate) fn find(&self, draft: &Draft, budget: BudgetId) -> Result<Waiting, DatabaseError> {
        let Some(address) = Address::of(draft) else { return Ok(Waiting::Nothing) };
        if !self.database.read(|tx| is_any(tx, &address))? {
            return Ok(Waiting::Nothing);
        }
        let Some(request) = fingerprint(draft) else { return Ok(Waiting::Nothing) };
        self.database.write(|tx| {
            Live::now(tx, self.database.clocks())?;
            let same = "SELECT * FROM answers WHERE origin = ?1 AND method = ?2 AND target = ?3 AND request = ?4 \
                        AND budget = ?5 ORDER BY status IS NULL DESC, id DESC LIMIT 1";
            let key = params![address.origin, address.method, address.target, request, budget];
            Ok(tx.prepare_cached(same)?.query_row(key, read).optional()?.unwrap_or(Waiting::Nothing))
        })
    }

    /// Says that a call goes on although its caller is gone, and returns the number of its answer.
    pub(crate) fn expect(&self, draft: &Draft, budget: BudgetId, holder: CallId) -> Result<Option<i64>, DatabaseError> {
        let (Some(address), Some(request)) = (Address::of(draft), fingerprint(draft)) else { return Ok(None) };
        self.database.write(|tx| {
            let live = Live::now(tx, self.database.clocks())?;
            let put = "INSERT INTO answers (origin, method, target, request, budget, holder, ends_at, boot) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let Address { origin, method, target } = &address;
            let ends_at = column(live.now.after(LEASE));
            tx.execute(put, params![origin, method, target, request, budget, holder.as_bytes(), ends_at, live.boot])?;
            Ok(Some(tx.last_insert_rowid()))
        })
    }

    /// Keeps an answer that was expected.
    pub(crate) fn keep(&self, id: i64, answer: &Answer) -> Result<(), DatabaseError> {
        self.database.write(|tx| {
            let live = Live::now(tx, self.database.clocks())?;
            let keep = "UPDATE answers SET url = ?2, status = ?3, headers = ?4, body = ?5, ends_at = ?6 WHERE id = ?1";
            let (status, ends_at) = (answer.status.as_u16(), column(live.now.after(KEPT_FOR)));
            let url = answer.url.to_string();
            tx.execute(keep, params![id, url, status, lines(&answer.headers), &answer.body[..], ends_at])?;
            let oldest = "DELETE FROM answers WHERE status IS NOT NULL AND id NOT IN \
                          (SELECT id FROM answers WHERE status IS NOT NULL ORDER BY id DESC LIMIT ?1)";
            tx.execute(oldest, [MAX_ANSWERS]).map(drop)
        })
    }

    /// Removes an answer, or says that none comes.
    pub(crate) fn remove(&self, id: i64) -> Result<(), DatabaseError> {
        self.database.write(|tx| tx.execute("DELETE FROM answers WHERE id = ?1", [id]).map(drop))
    }
}

/// Lets what a call is expected to answer last on.
pub(super) fn renew(tx: &Transaction<'_>, clocks: &dyn Clocks, holder: CallId) -> rusqlite::Result<()> {
    let now = budget::pass(tx, clocks)?.time;
    let renew = "UPDATE answers SET ends_at = ?2 WHERE holder = ?1 AND status IS NULL";
    tx.prepare_cached(renew)?.execute(params![holder.as_bytes(), column(now.after(LEASE))]).map(drop)
}

/// Says that no answer comes of a call.
pub(super) fn give_up(tx: &Transaction<'_>, holder: CallId) -> rusqlite::Result<()> {
    let give_up = "DELETE FROM answers WHERE holder = ?1 AND status IS NULL";
    tx.prepare_cached(give_up)?.execute([holder.as_bytes()]).map(drop)
}

/// The moment at which answers are looked at.
struct Live {
    now: WindowTime,
    boot: Option<BootId>,
}

impl Live {
    /// Lets time pass, and removes what has ended: an answer by its time, a call that goes on also by another boot.
    fn now(tx: &Transaction<'_>, clocks: &dyn Clocks) -> rusqlite::Result<Self> {
        let (now, boot) = (budget::pass(tx, clocks)?.time, clocks.read().boot);
        let over = "DELETE FROM answers WHERE ends_at <= ?1 OR (status IS NULL AND boot IS NOT ?2)";
        tx.prepare_cached(over)?.execute(params![column(now), boot])?;
        Ok(Self { now, boot })
    }
}

fn is_any(tx: &Transaction<'_>, address: &Address) -> rusqlite::Result<bool> {
    let any = "SELECT EXISTS (SELECT 1 FROM answers WHERE origin = ?1 AND method = ?2 AND target = ?3)";
    let Address { origin, method, target } = address;
    tx.prepare_cached(any)?.query_row([origin, method, target], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let Some(status) = row.get::<_, Option<u16>>("status")? else { return Ok(Waiting::Coming) };
    let url: String = row.get("url")?;
    let (Ok(status), Ok(url)) = (StatusCode::from_u16(status), url.parse()) else { return Ok(Waiting::Nothing) };
    let (headers, body): (Vec<u8>, Vec<u8>) = (row.get("headers")?, row.get("body")?);
    let answer = Answer { url, status, headers: fields(&headers), body: body.into() };
    Ok(Waiting::Here(row.get("id")?, Box::new(answer)))
}

/// What makes two requests the same, besides where they go; [`None`] where the body cannot be read again.
fn fingerprint(draft: &Draft) -> Option<[u8; 32]> {
    let mut fields: Vec<(&str, &[u8])> =
        draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    fields.sort_unstable();
    let mut sha256 = Sha256::new_with_prefix(draft.body.digest()?);
    for (name, value) in fields {
        for part in [name.as_bytes(), value] {
            sha256.update((part.len() as u64).to_be_bytes());
            sha256.update(part);
        }
    }
    Some(sha256.finalize().into())
}

/// A value may hold any byte but that of a line's end.
fn lines(headers: &HeaderMap) -> Vec<u8> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| [name.as_str().as_bytes(), b":", value.as_bytes()].concat();
    headers.iter().map(line).collect::<Vec<_>>().join(&b'\n')
}

fn fields(lines: &[u8]) -> HeaderMap {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.get(1..)?).ok()?))
    };
    lines.split(|byte| *byte == b'\n').filter_map(field).collect()
}

fn column(time: WindowTime) -> i64 {
    i64::try_from(time.millis()).unwrap_or(i64::MAX)
}

/// How long an answer is kept.
pub(crate) const KEPT_FOR: Duration = Duration::from_mins(10);

/// The longest body that is kept, in bytes.
pub(crate) const MAX_BODY: usize = 1 << 20;

/// The most answers that are kept.
const MAX_ANSWERS: u32 = 64;

#[cfg(test)]
mod tests;
