//! The table of the keys that agents use budgets by.

/// Times are in seconds since 1970. The index is for what an agent sees of its budget.
pub(in crate::store) const TABLES: &str = "
    CREATE TABLE agent_keys (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        digest BLOB NOT NULL UNIQUE,
        budget INTEGER NOT NULL REFERENCES budgets (id),
        uid INTEGER,
        made_at INTEGER NOT NULL,
        revoked_at INTEGER
    ) STRICT;
    CREATE INDEX entries_of_budget ON entries (budget);
";
