//! The format of the database file: its names, its tables, and what each earlier version lacks.

use super::{answers, breaker, budget, keys, share};

/// `outcome` is empty while there is none; an order is absent where the first format did not have it.
pub(super) const TABLES: &str = "
    CREATE TABLE payments (
        payment_hash TEXT PRIMARY KEY,
        amount_msat INTEGER NOT NULL,
        wallet TEXT NOT NULL,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        scheme TEXT NOT NULL,
        token TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        invoice TEXT,
        max_fee_msat INTEGER,
        max_cltv_expiry_delta INTEGER,
        outcome TEXT CHECK (outcome IN ('paid', 'not_paid', 'forgotten')),
        fee_msat INTEGER,
        is_repeated INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX open_payments ON payments (origin) WHERE outcome IS NULL;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        payment_hash TEXT NOT NULL UNIQUE,
        preimage BLOB NOT NULL,
        amount_msat INTEGER NOT NULL,
        fee_msat INTEGER NOT NULL,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        scheme TEXT NOT NULL,
        token TEXT NOT NULL,
        bought_at INTEGER NOT NULL,
        standing TEXT NOT NULL DEFAULT 'served' CHECK (standing IN ('new', 'served', 'refused')),
        uses_left INTEGER
    ) STRICT;
    CREATE INDEX tokens_of_origin ON tokens (origin);
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        body BLOB NOT NULL,
        idempotency_key TEXT NOT NULL,
        is_own_key INTEGER NOT NULL,
        payment_hash TEXT NOT NULL,
        begun_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX attempts_of_request ON attempts (origin, method, target);
";

pub(super) const FILE: &str = "store.sqlite";
pub(super) const LOGS: [&str; 2] = ["store.sqlite-wal", "store.sqlite-journal"];
pub(super) const LOCK: &str = "store.lock";
pub(super) const UNFINISHED: &str = "store.sqlite.new";
pub(super) const UNFINISHED_LOGS: [&str; 3] =
    ["store.sqlite.new-journal", "store.sqlite.new-wal", "store.sqlite.new-shm"];

/// "L402", so that no other program's database is taken for ours.
pub(super) const APPLICATION: i32 = 0x4c34_3032;
pub(super) const VERSION: i32 = 9;

/// What each earlier version lacks.
pub(super) const STEPS: [(i32, &str); 7] = [
    // The payments were asked for once, as far as is known.
    (2, "ALTER TABLE payments ADD COLUMN is_repeated INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 3;"),
    // The tokens have served, as far as is known.
    (
        3,
        "ALTER TABLE tokens ADD COLUMN standing TEXT NOT NULL DEFAULT 'served'
             CHECK (standing IN ('new', 'served', 'refused'));
         PRAGMA user_version = 4;",
    ),
    // Nothing was noted of uses.
    (4, "ALTER TABLE tokens ADD COLUMN uses_left INTEGER; PRAGMA user_version = 5;"),
    // No answer is known to be lost.
    (
        5,
        "CREATE TABLE attempts (
             id INTEGER PRIMARY KEY,
             origin TEXT NOT NULL,
             method TEXT NOT NULL,
             target TEXT NOT NULL,
             body BLOB NOT NULL,
             idempotency_key TEXT NOT NULL,
             is_own_key INTEGER NOT NULL,
             payment_hash TEXT NOT NULL,
             begun_at INTEGER NOT NULL
         ) STRICT;
         CREATE INDEX attempts_of_request ON attempts (origin, method, target);
         PRAGMA user_version = 6;",
    ),
    // There were no budgets; their tables follow, and what was paid counts in the first one.
    (BEFORE_BUDGETS, "PRAGMA user_version = 7;"),
    // No wallet was stopped.
    (BEFORE_STOPPED, "PRAGMA user_version = 8;"),
    // What was added follows.
    (BEFORE_ADDED, "PRAGMA user_version = 9;"),
];

/// What version 9 has and version 8 lacks.
pub(super) const ADDED: &[&str] =
    &[share::TABLES, answers::TABLES, breaker::TABLES, budget::ADDED_TABLES, keys::TABLES];

/// The last version without it.
pub(super) const BEFORE_ADDED: i32 = 8;

/// The last version without a table of wallets that are stopped.
pub(super) const BEFORE_STOPPED: i32 = 7;

/// The last version without budgets.
pub(super) const BEFORE_BUDGETS: i32 = 6;

/// The version of the JSON files, which were the first format.
pub(super) const FIRST_VERSION: u32 = 1;
