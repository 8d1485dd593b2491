-- What `l402_core::ledger::step` does, in PL/pgSQL. The differential test of this crate holds the two against each other.
--
-- 1. A step is one call of `reserve` or `settle`, in a transaction of its own, at READ COMMITTED.
-- 2. It first inserts or locks the row of the payment. Whatever belongs to a payment changes only under that lock. What is refused
--    changes nothing, and most of it does not wait for the lock (`refused`).
-- 3. The time is read after the lock is held; in the first statement of a function before, which shortens a lease at most. `_ahead`
--    moves it on in tests, and is 0 otherwise.
-- 4. The first attempt at a payment, if it only reads, stands in the row of the payment: a sale of one use is one row, and each of
--    its steps one statement. Whatever else happens first moves it to the other attempts (`spill`).
-- 5. Attempts that are remembered only for a repetition are found by their name, and never scanned.
--
-- Points in time are milliseconds since 1970, ends of tokens are seconds. `@schema@` stands for the name of the schema.
-- Standings: 0 reserved, 1 in doubt since its lease ended, 2 in doubt, 3 committed, 4 cancelled.
-- Replies: {kind, a, b, time}; the kinds are those of `reply.rs`.

CREATE TABLE @schema@.state (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- The latest end of a token whose rows were deleted.
    horizon bigint NOT NULL DEFAULT 0
);
INSERT INTO @schema@.state DEFAULT VALUES;

CREATE TABLE @schema@.payment (
    ends_at bigint NOT NULL,
    -- None of its attempts is due before.
    due_at bigint NOT NULL DEFAULT 9223372036854775807,
    next_number bigint NOT NULL DEFAULT 0,
    -- The counter of the sale; no limit where nothing of it is taken.
    sale_limit bigint,
    committed bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    doubtful bigint NOT NULL DEFAULT 0,
    tries smallint NOT NULL DEFAULT 0,
    -- The first attempt, which has number 0 and no counter but that of the sale; it is reserved or committed.
    first_due_at bigint,
    first_amount bigint,
    first_doubt_after bigint,
    first_doubt_used boolean,
    first_standing smallint,
    payment bytea PRIMARY KEY,
    -- Numbers that were given back.
    spare bigint[] NOT NULL DEFAULT '{}',
    first_attempt bytea,
    first_fingerprint bytea,
    first_key bytea
) WITH (fillfactor = 70);
CREATE INDEX payment_ends_at ON @schema@.payment (ends_at);

-- The counters that holders of a token have added.
CREATE TABLE @schema@.branch (
    most bigint NOT NULL,
    committed bigint NOT NULL,
    reserved bigint NOT NULL,
    doubtful bigint NOT NULL,
    tries smallint NOT NULL,
    payment bytea,
    key bytea,
    PRIMARY KEY (payment, key)
) WITH (fillfactor = 70);

CREATE TABLE @schema@.attempt (
    -- When its lease ends, a rule resolves its doubt, or it is forgotten.
    due_at bigint NOT NULL,
    since bigint NOT NULL,
    amount bigint NOT NULL,
    number bigint NOT NULL,
    -- No time where a person resolves a doubt.
    doubt_after bigint,
    doubt_used boolean NOT NULL,
    is_unsafe boolean NOT NULL,
    standing smallint NOT NULL,
    payment bytea,
    attempt bytea,
    -- The keys of its counters, 16 bytes each.
    counters bytea NOT NULL,
    fingerprint bytea,
    key bytea,
    PRIMARY KEY (payment, attempt)
);
CREATE INDEX attempt_open ON @schema@.attempt (payment, due_at) WHERE standing < 3;
CREATE INDEX attempt_settled ON @schema@.attempt (due_at) WHERE standing >= 3;
