//! What sharing adds to the database.

/// The budget that a token belongs to, the one that paid. What was imported is the owner's, in the first budget.
pub(in crate::store) const TABLES: &str = "
    ALTER TABLE tokens ADD COLUMN budget INTEGER NOT NULL DEFAULT 1;
    UPDATE tokens SET budget = coalesce(
        (SELECT entries.budget FROM entries WHERE entries.payment_hash = tokens.payment_hash), 1);
    ALTER TABLE budgets ADD COLUMN share_tokens INTEGER NOT NULL DEFAULT 0;
";
