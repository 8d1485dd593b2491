-- The deny-list: `p` and a payment hash, or `e` and an epoch in four bytes, big-endian; and until when, in seconds.
CREATE TABLE @schema@.revoked (
    ends_at bigint NOT NULL,
    what bytea PRIMARY KEY
);
CREATE TABLE @schema@.revocations (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- Goes up with each entry.
    version bigint NOT NULL DEFAULT 0
);
INSERT INTO @schema@.revocations DEFAULT VALUES;

-- Puts something on the list, or leaves it there for longer. The lock on the version makes one wait for the other, so that whoever
-- reads a version reads all entries up to it.
CREATE FUNCTION @schema@.revoke(_what bytea, _ends_at bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _version bigint;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    UPDATE @schema@.revocations SET version = version + 1 RETURNING version INTO _version;
    INSERT INTO @schema@.revoked AS old (what, ends_at) VALUES (_what, _ends_at)
        ON CONFLICT (what) DO UPDATE SET ends_at = greatest(old.ends_at, excluded.ends_at);
    RETURN _version;
END
$$;

-- Takes off the list what denies nothing any more.
CREATE FUNCTION @schema@.forget_revoked(_most bigint, _ahead bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _skew CONSTANT bigint := 600000;
    _now CONSTANT bigint := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    _count bigint;
BEGIN
    DELETE FROM @schema@.revoked WHERE what = ANY (ARRAY(
        SELECT what FROM @schema@.revoked
            WHERE ends_at <= (_now - _skew) / 1000 ORDER BY ends_at LIMIT _most FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS _count = ROW_COUNT;
    RETURN _count;
END
$$;
