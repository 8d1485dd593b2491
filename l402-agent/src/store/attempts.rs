//! Requests that were sent with a token, and whose answers have not come whole.
//!
//! 1. An attempt is on the disk before its request is sent. It goes once the answer has come whole, or cannot be asked for.
//! 2. The same request finds it again: the same origin, method, path with query and body, and the same `Idempotency-Key`, if the
//!    caller has set one.
//! 3. Who works on an attempt holds its lock, a file in `locks`, which the system gives back when the process dies: a request that is
//!    only under way in another process is not taken for one whose answer was lost.
//! 4. It is forgotten after a day: no server is expected to keep an answer longer.

// Threats: A9.

use super::database::Database;
use super::error::DatabaseError;
use super::payments::fnv;
use super::private::{Lock, PrivateDir, PrivateError};
use core::fmt;
use http::Method;
use l402_core::{PaymentHash, UnixSeconds};
use l402_http::pay::Origin;
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameRequest {
    /// Where it goes.
    pub origin: Origin,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub target: String,
    /// The `Idempotency-Key` that the caller has set.
    pub own_key: Option<String>,
}

/// The attempts of a database.
#[derive(Debug, Clone)]
pub struct Attempts {
    database: Database,
    locks: PrivateDir,
}

impl Attempts {
    /// Opens the record in a database.
    ///
    /// # Errors
    /// [`AttemptsError::Lock`].
    pub fn new(database: Database) -> Result<Self, AttemptsError> {
        let locks = database.folder().folder("locks").map_err(AttemptsError::Lock)?;
        Ok(Self { database, locks })
    }

    /// Takes over the last attempt of the same request that nobody works on any more. `body` finds the SHA-256 of the request's body,
    /// and is asked only where there may be one.
    ///
    /// # Errors
    /// [`AttemptsError`].
    pub fn adopt(
        &self,
        request: &SameRequest,
        body: impl FnOnce() -> Option<[u8; 32]>,
        now: UnixSeconds,
    ) -> Result<Option<OpenAttempt>, AttemptsError> {
        let mut found = self.database.read(|tx| find(tx, request, now)).map_err(AttemptsError::Database)?;
        if found.is_empty() {
            return Ok(None);
        }
        let Some(body) = body() else { return Ok(None) };
        found.retain(|row| row.body == body);
        for row in found {
            let Some(lock) = self.try_lock(request, &row.key)? else { continue };
            let open = OpenAttempt::new(self.clone(), row, lock);
            // Who held the lock before may have had the answer meanwhile.
            if self.database.read(|tx| is_there(tx, open.row.id)).map_err(AttemptsError::Database)? {
                return Ok(Some(open));
            }
        }
        Ok(None)
    }

    /// Records that a request is about to be sent with the token of a payment; it is on the disk when this returns. [`None`] where
    /// somebody else is sending the same request with the same key.
    ///
    /// # Errors
    /// [`AttemptsError`].
    pub fn begin(
        &self,
        request: &SameRequest,
        (key, body): (&str, [u8; 32]),
        payment_hash: PaymentHash,
        now: UnixSeconds,
    ) -> Result<Option<OpenAttempt>, AttemptsError> {
        let Some(lock) = self.try_lock(request, key)? else { return Ok(None) };
        let id = self.database.write(|tx| {
            let before = now.get().saturating_sub(KEPT_FOR);
            tx.execute("DELETE FROM attempts WHERE begun_at < ?1", [before])?;
            put(tx, request, (key, body), (&payment_hash, now))
        });
        let row = Found { id: id.map_err(AttemptsError::Database)?, key: key.to_owned(), body, payment_hash };
        Ok(Some(OpenAttempt::new(self.clone(), row, lock)))
    }

    fn try_lock(&self, request: &SameRequest, key: &str) -> Result<Option<Lock>, AttemptsError> {
        let SameRequest { origin, method, target, .. } = request;
        let name = format!("attempt-{:016x}", fnv(&[&origin.to_string(), method.as_str(), target, key]));
        self.locks.try_lock(&name).map_err(AttemptsError::Lock)
    }
}

/// An attempt whose answer has not come whole. Dropped, it stays so, and the same request finds it.
#[derive(Debug)]
pub struct OpenAttempt {
    attempts: Attempts,
    row: Found,
    lock: Option<Lock>,
}

impl OpenAttempt {
    const fn new(attempts: Attempts, row: Found, lock: Lock) -> Self {
        Self { attempts, row, lock: Some(lock) }
    }

    /// Returns the `Idempotency-Key` that it was sent with.
    pub fn key(&self) -> &str {
        &self.row.key
    }

    /// Returns the payment whose token it was sent with.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.row.payment_hash
    }

    /// Records that the request is about to be sent with another token.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn sent_with(&mut self, payment_hash: PaymentHash) -> Result<(), DatabaseError> {
        let change = "UPDATE attempts SET payment_hash = ?2 WHERE id = ?1";
        let id = self.row.id;
        self.attempts.database.write(|tx| tx.execute(change, params![id, payment_hash.to_string()]))?;
        self.row.payment_hash = payment_hash;
        Ok(())
    }

    /// Ends it: there is nothing more to ask for.
    ///
    /// # Errors
    /// [`DatabaseError`]; the same request finds it again then.
    pub fn end(self) -> Result<(), DatabaseError> {
        let id = self.row.id;
        self.attempts.database.write(|tx| tx.execute("DELETE FROM attempts WHERE id = ?1", [id]).map(drop))
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.discard();
        }
    }
}

/// Tells whether an answer may still be asked for with the token of a payment.
pub(super) fn is_asked_for(tx: &Transaction<'_>, hash: &PaymentHash, now: UnixSeconds) -> rusqlite::Result<bool> {
    let after = now.get().saturating_sub(KEPT_FOR);
    let any = "SELECT EXISTS (SELECT 1 FROM attempts WHERE payment_hash = ?1 AND begun_at >= ?2)";
    tx.query_row(any, params![hash.to_string(), after], |row| row.get(0))
}

fn is_there(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<bool> {
    tx.query_row("SELECT 1 FROM attempts WHERE id = ?1", [id], |_| Ok(())).optional().map(|found| found.is_some())
}

/// Finds the attempts of a request by all but its body, the last first.
fn find(tx: &Transaction<'_>, request: &SameRequest, now: UnixSeconds) -> rusqlite::Result<Vec<Found>> {
    let of_request = "SELECT * FROM attempts WHERE origin = :origin AND method = :method AND target = :target
        AND begun_at >= :after AND CASE WHEN :key IS NULL THEN NOT is_own_key ELSE idempotency_key = :key END
        ORDER BY id DESC";
    let columns = named_params! {
        ":origin": request.origin.to_string(),
        ":method": request.method.as_str(),
        ":target": request.target,
        ":after": now.get().saturating_sub(KEPT_FOR),
        ":key": request.own_key,
    };
    tx.prepare(of_request)?.query_map(columns, Found::read)?.collect()
}

fn put(
    tx: &Transaction<'_>,
    request: &SameRequest,
    (key, body): (&str, [u8; 32]),
    (hash, now): (&PaymentHash, UnixSeconds),
) -> rusqlite::Result<i64> {
    let add = "INSERT INTO attempts (origin, method, target, body, idempotency_key, is_own_key, payment_hash, begun_at)
        VALUES (:origin, :method, :target, :body, :key, :is_own, :payment_hash, :begun_at)";
    let columns = named_params! {
        ":origin": request.origin.to_string(),
        ":method": request.method.as_str(),
        ":target": request.target,
        ":body": body,
        ":key": key,
        ":is_own": request.own_key.is_some(),
        ":payment_hash": hash.to_string(),
        ":begun_at": now.get(),
    };
    tx.execute(add, columns)?;
    Ok(tx.last_insert_rowid())
}

/// A row.
#[derive(Debug)]
struct Found {
    id: i64,
    key: String,
    body: [u8; 32],
    payment_hash: PaymentHash,
}

impl Found {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            key: row.get("idempotency_key")?,
            body: row.get("body")?,
            payment_hash: super::row::text(row, "payment_hash")?,
        })
    }
}

/// Why an attempt cannot be recorded or found.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttemptsError {
    /// The database cannot be used.
    Database(DatabaseError),
    /// A lock cannot be used.
    Lock(PrivateError),
}

impl fmt::Display for AttemptsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(cause) => cause.fmt(f),
            Self::Lock(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for AttemptsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Database(cause) => cause.source(),
            Self::Lock(cause) => cause.source(),
        }
    }
}

/// Seconds.
const KEPT_FOR: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::Preimage;

    const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

    fn attempts() -> (tempfile::TempDir, Attempts) {
        let folder = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(folder.path().join("data")).unwrap();
        (folder, Attempts::new(Database::open(&data).unwrap()).unwrap())
    }

    fn request(target: &str, own_key: Option<&str>) -> SameRequest {
        let origin = "http://a".parse().unwrap();
        SameRequest { origin, method: Method::POST, target: target.to_owned(), own_key: own_key.map(str::to_owned) }
    }

    fn hash(seed: u8) -> PaymentHash {
        Preimage::from_bytes([seed; 32]).hash()
    }

    fn adopt(attempts: &Attempts, request: &SameRequest, body: u8) -> Option<OpenAttempt> {
        attempts.adopt(request, || Some([body; 32]), NOW).unwrap()
    }

    #[test]
    fn a9_the_same_request_finds_what_was_left_and_nothing_else() {
        let (_folder, attempts) = attempts();
        let this = request("/a?b", None);
        let open = attempts.begin(&this, ("key", [1; 32]), hash(1), NOW).unwrap().unwrap();
        assert!(adopt(&attempts, &this, 1).is_none(), "it is under way");
        drop(open);
        for other in [request("/a", None), SameRequest { method: Method::PUT, ..this.clone() }] {
            assert!(adopt(&attempts, &other, 1).is_none());
        }
        assert!(adopt(&attempts, &this, 2).is_none() && adopt(&attempts, &request("/a?b", Some("own")), 1).is_none());
        assert!(attempts.adopt(&this, || None, NOW).unwrap().is_none());
        let named = adopt(&attempts, &request("/a?b", Some("key")), 1).unwrap();
        assert_eq!(named.payment_hash(), hash(1));
        drop(named);
        let mut found = adopt(&attempts, &this, 1).unwrap();
        assert_eq!((found.key(), found.payment_hash()), ("key", hash(1)));
        found.sent_with(hash(2)).unwrap();
        drop(found);
        let found = adopt(&attempts, &this, 1).unwrap();
        assert_eq!(found.payment_hash(), hash(2));
        found.end().unwrap();
        assert!(adopt(&attempts, &this, 1).is_none());
        let left = attempts.locks.names().unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a9_an_own_key_is_the_callers_to_repeat() {
        let (_folder, attempts) = attempts();
        let own = request("/a", Some("own"));
        drop(attempts.begin(&own, ("own", [1; 32]), hash(1), NOW).unwrap());
        assert!(adopt(&attempts, &request("/a", None), 1).is_none());
        assert!(adopt(&attempts, &own, 1).is_some());
    }

    #[test]
    fn a9_what_is_older_than_a_day_is_forgotten() {
        let (_folder, attempts) = attempts();
        let this = request("/a", None);
        drop(attempts.begin(&this, ("key", [1; 32]), hash(1), NOW).unwrap());
        let is_asked_for = |now| attempts.database.read(|tx| is_asked_for(tx, &hash(1), now)).unwrap();
        assert!(is_asked_for(NOW.saturating_add(KEPT_FOR)) && !is_asked_for(NOW.saturating_add(KEPT_FOR + 1)));
        let late = NOW.saturating_add(KEPT_FOR + 1);
        assert!(attempts.adopt(&this, || Some([1; 32]), late).unwrap().is_none());
        drop(attempts.begin(&request("/b", None), ("other", [1; 32]), hash(2), late).unwrap());
        let count =
            |tx: &Transaction<'_>| tx.query_row("SELECT count(*) FROM attempts", [], |row| row.get::<_, i64>(0));
        assert_eq!(attempts.database.read(count).unwrap(), 1);
    }
}
