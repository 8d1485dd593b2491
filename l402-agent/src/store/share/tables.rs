//! What sharing adds to the database.

/// The budget that a token belongs to is the one that paid. What was imported is the owner's, in the first budget.
///
/// What was bought from a server that may not be who it says is not kept, also where another call learns of it.
pub(in crate::store) const TABLES: &str = "
    ALTER TABLE tokens ADD COLUMN budget INTEGER NOT NULL DEFAULT 1;
    UPDATE tokens SET budget = coalesce(
        (SELECT entries.budget FROM entries WHERE entries.payment_hash = tokens.payment_hash), 1);
    ALTER TABLE tokens ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE payments ADD COLUMN uses INTEGER;
    ALTER TABLE payments ADD COLUMN is_isolated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE budgets ADD COLUMN share_tokens INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE leases (
        payment_hash TEXT NOT NULL,
        holder BLOB NOT NULL,
        ends_at INTEGER NOT NULL,
        boot BLOB,
        PRIMARY KEY (payment_hash, holder)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leases_of_holder ON leases (holder);
";
