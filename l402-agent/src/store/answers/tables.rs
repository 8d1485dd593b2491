//! The table of answers that nobody has waited for.

/// An answer without a status is still to come: the call goes on, as long as it renews its end.
pub(in crate::store) const TABLES: &str = "
    CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        request BLOB NOT NULL,
        budget INTEGER NOT NULL,
        holder BLOB NOT NULL,
        ends_at INTEGER NOT NULL,
        boot BLOB,
        url TEXT,
        status INTEGER,
        headers BLOB,
        body BLOB
    ) STRICT;
    CREATE INDEX answers_of_request ON answers (origin, method, target);
";
