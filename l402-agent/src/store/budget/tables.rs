//! The tables of budgets. Amounts are in millisatoshi, times in milliseconds of the stored clock.

/// What was added: wallets that have debited more than was reserved. What was taken away: how far the wall clock might be behind.
pub(in crate::store) const NEXT_TABLES: &str = "
    CREATE TABLE stopped_wallets (wallet TEXT PRIMARY KEY, stopped_at INTEGER NOT NULL) STRICT;
    ALTER TABLE clock DROP COLUMN ahead;
";

/// An account without an origin is that of the whole budget; one without a service, that of the whole origin. That of the origin `*`,
/// which is none, is of all origins together that are not listed.
pub(in crate::store) const TABLES: &str = "
    CREATE TABLE budgets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        parent INTEGER REFERENCES budgets (id),
        standing TEXT NOT NULL CHECK (standing IN ('active', 'frozen', 'removed')),
        made_at INTEGER NOT NULL,
        expires_at INTEGER,
        per_call_msat INTEGER,
        per_hour_msat INTEGER,
        per_day_msat INTEGER,
        per_origin_msat INTEGER,
        per_service_msat INTEGER,
        total_msat INTEGER,
        reserved_msat INTEGER,
        in_flight INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX budget_names ON budgets (name) WHERE standing <> 'removed';
    CREATE INDEX budget_children ON budgets (parent);
    INSERT INTO budgets (id, name, standing, made_at) VALUES (1, 'main', 'active', 0);
    CREATE TABLE entries (
        payment_hash TEXT PRIMARY KEY,
        budget INTEGER NOT NULL REFERENCES budgets (id),
        call BLOB NOT NULL,
        origin TEXT NOT NULL,
        service TEXT NOT NULL,
        standing TEXT NOT NULL CHECK
            (standing IN ('intended', 'sent', 'unknown', 'proven', 'failed', 'abandoned', 'forgotten')),
        held_msat INTEGER NOT NULL,
        closed_at INTEGER
    ) STRICT;
    CREATE INDEX entries_by_end ON entries (closed_at);
    CREATE INDEX entries_of_call ON entries (call);
    CREATE TABLE accounts (
        budget INTEGER NOT NULL REFERENCES budgets (id),
        origin TEXT NOT NULL,
        service TEXT NOT NULL,
        booked_msat INTEGER NOT NULL,
        reserved_msat INTEGER NOT NULL,
        in_flight INTEGER NOT NULL,
        PRIMARY KEY (budget, origin, service)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE clock (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        time INTEGER NOT NULL,
        boot BLOB,
        since_boot INTEGER NOT NULL,
        ahead INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        wall INTEGER NOT NULL,
        what TEXT NOT NULL
    ) STRICT;
";

/// What version 9 added: limits, and which payments went to origins that were not listed. Before, none was listed.
pub(in crate::store) const ADDED_TABLES: &str = "
    ALTER TABLE budgets ADD COLUMN origin_reserved_msat INTEGER;
    ALTER TABLE budgets ADD COLUMN origin_in_flight INTEGER;
    ALTER TABLE budgets ADD COLUMN unlisted_msat INTEGER;
    ALTER TABLE budgets ADD COLUMN fee_msat INTEGER;
    ALTER TABLE budgets ADD COLUMN fee_ppm INTEGER;
    ALTER TABLE budgets ADD COLUMN cltv INTEGER;
    CREATE TABLE unlisted (payment_hash TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    INSERT INTO unlisted SELECT payment_hash FROM entries;
    INSERT INTO accounts SELECT budget, '*', '', booked_msat, reserved_msat, in_flight FROM accounts
        WHERE origin = '' AND service = '';
    CREATE TABLE payees (
        origin TEXT NOT NULL,
        payee TEXT NOT NULL,
        first_at INTEGER NOT NULL,
        PRIMARY KEY (origin, payee)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX origins_of_payee ON payees (payee);
";
