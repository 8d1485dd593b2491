-- Payments that arrived at the node of one gateway, for the others: a record for each, until its end in seconds.
CREATE TABLE @schema@.settlement (
    ends_at bigint NOT NULL,
    payment bytea PRIMARY KEY,
    record bytea NOT NULL
);
CREATE INDEX settlement_ends_at ON @schema@.settlement (ends_at);

-- Keeps a record until the later of its end and that of the record before. Deletes two that are over, so that the table stays small.
CREATE FUNCTION @schema@.put_settlement(_payment bytea, _record bytea, _ends_at bigint, _ahead bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    _now CONSTANT bigint := floor(date_part('epoch', clock_timestamp()))::bigint + _ahead / 1000;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    DELETE FROM @schema@.settlement WHERE payment IN (
        SELECT payment FROM @schema@.settlement WHERE ends_at <= _now ORDER BY ends_at LIMIT 2 FOR UPDATE SKIP LOCKED
    );
    IF _ends_at > _now THEN
        INSERT INTO @schema@.settlement AS s VALUES (_ends_at, _payment, _record)
            ON CONFLICT (payment) DO UPDATE SET record = excluded.record, ends_at = greatest(s.ends_at, excluded.ends_at)
            WHERE s.record <> excluded.record OR s.ends_at < excluded.ends_at;
    END IF;
END
$$;

CREATE FUNCTION @schema@.settlement_of(_payment bytea, _ahead bigint) RETURNS bytea LANGUAGE sql AS $$
    SELECT record FROM @schema@.settlement
        WHERE payment = _payment AND ends_at > floor(date_part('epoch', clock_timestamp()))::bigint + _ahead / 1000
$$;
