//! The tables of breakers, confirmations and alerts. Amounts are in millisatoshi.

/// The breaker without an origin is the common one. Times are in milliseconds of the stored clock; those of confirmations and alerts,
/// which end with an invoice or go out into the world, in seconds since 1970.
pub(in crate::store) const TABLES: &str = "
    CREATE TABLE breakers (
        origin TEXT PRIMARY KEY,
        mode TEXT NOT NULL CHECK (mode IN ('normal', 'require-confirmation', 'read-only', 'frozen')),
        cause TEXT CHECK (cause IN ('failures', 'refused', 'price', 'spent', 'losses', 'owner')),
        number INTEGER,
        other_number INTEGER,
        until INTEGER,
        failures INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE losses (
        payment_hash TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        lost_msat INTEGER NOT NULL,
        lost_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX losses_by_time ON losses (lost_at);
    CREATE TABLE prices (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        what TEXT NOT NULL,
        price_msat INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX prices_of ON prices (origin, what);
    CREATE TABLE confirmations (
        id TEXT PRIMARY KEY,
        payment_hash TEXT NOT NULL,
        call BLOB NOT NULL,
        budget INTEGER NOT NULL REFERENCES budgets (id),
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        amount_msat INTEGER NOT NULL,
        max_fee_msat INTEGER NOT NULL,
        invoice TEXT NOT NULL,
        why TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        answer TEXT CHECK (answer IN ('yes', 'no')),
        answered_by TEXT,
        is_used INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX confirmations_of_payment ON confirmations (payment_hash);
    CREATE TABLE alerts (
        id TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX alerts_by_time ON alerts (next_at);
";
