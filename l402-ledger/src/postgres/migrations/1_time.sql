-- Moves the first attempt at a payment, whose row is locked, to the others.
CREATE FUNCTION @schema@.spill(_payment bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _sale CONSTANT bytea := '\x00000000000000000000000000000000';
    _lease CONSTANT bigint := 30000;
    _skew CONSTANT bigint := 600000;
BEGIN
    INSERT INTO @schema@.attempt
        SELECT first_due_at, first_due_at - CASE WHEN first_standing = 0 THEN _lease ELSE _skew END, first_amount, 0,
            first_doubt_after, first_doubt_used, false, first_standing, payment, first_attempt, _sale, first_fingerprint, first_key
        FROM @schema@.payment WHERE payment = _payment AND first_attempt IS NOT NULL;
    UPDATE @schema@.payment SET first_attempt = NULL, first_fingerprint = NULL, first_key = NULL
        WHERE payment = _payment AND first_attempt IS NOT NULL;
END
$$;

-- Does what time does to the attempts of a payment whose row is locked.
CREATE FUNCTION @schema@.pass(_payment bytea, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _attempt bytea;
BEGIN
    PERFORM @schema@.spill(_payment);
    LOOP
        SELECT attempt INTO _attempt FROM @schema@.attempt
            WHERE payment = _payment AND standing < 3 AND due_at <= _now ORDER BY due_at LIMIT 1;
        EXIT WHEN NOT FOUND;
        PERFORM @schema@.settle_any(_payment, _attempt, 9::smallint, 0, 0, _now);
    END LOOP;
    UPDATE @schema@.payment SET due_at = coalesce(
        (SELECT min(due_at) FROM @schema@.attempt WHERE payment = _payment AND standing < 3), 9223372036854775807
    ) WHERE payment = _payment;
END
$$;

-- The same for all payments, but those that a step holds just now.
CREATE FUNCTION @schema@.pass_all(_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _payment bytea;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    FOR _payment IN SELECT DISTINCT payment FROM @schema@.attempt WHERE standing < 3 AND due_at <= _now ORDER BY payment LOOP
        PERFORM FROM @schema@.payment WHERE payment = _payment FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM @schema@.pass(_payment, _now);
        END IF;
    END LOOP;
END
$$;

-- What is known of a payment: a row for the sale, whose limit is null where nothing of it is taken, and one for each branch.
CREATE FUNCTION @schema@.uses(_payment bytea, _ahead bigint)
RETURNS TABLE (_ends_at bigint, _key bytea, _most bigint, _committed bigint, _reserved bigint, _doubtful bigint, _tries smallint)
LANGUAGE plpgsql AS $$
DECLARE
    _now bigint;
    p @schema@.payment%ROWTYPE;
BEGIN
    SELECT * INTO p FROM @schema@.payment WHERE payment = _payment FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    _now := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    IF p.due_at <= _now THEN
        PERFORM @schema@.pass(_payment, _now);
        SELECT * INTO p FROM @schema@.payment WHERE payment = _payment;
    END IF;
    RETURN QUERY SELECT p.ends_at, '\x00000000000000000000000000000000'::bytea, p.sale_limit, p.committed, p.reserved, p.doubtful,
        p.tries;
    RETURN QUERY SELECT p.ends_at, key, most, committed, reserved, doubtful, tries
        FROM @schema@.branch WHERE payment = _payment ORDER BY key;
END
$$;

-- The uses in doubt, the oldest first.
CREATE FUNCTION @schema@.doubtful(_most bigint, _ahead bigint)
RETURNS TABLE (_payment bytea, _attempt bytea, _number bigint, _ends_at bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM @schema@.pass_all(floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead);
    RETURN QUERY SELECT a.payment, a.attempt, a.number, p.ends_at
        FROM @schema@.attempt AS a JOIN @schema@.payment AS p USING (payment)
        WHERE a.standing < 3 AND a.standing > 0 ORDER BY a.since, a.attempt LIMIT _most;
END
$$;

-- Deletes payments whose time is over, and keeps the latest of their ends in the same transaction.
CREATE FUNCTION @schema@.sweep(_most bigint, _ahead bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _skew CONSTANT bigint := 600000;
    _now CONSTANT bigint := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    _over bytea[];
    _latest bigint;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM @schema@.pass_all(_now);
    SELECT array_agg(payment), max(ends_at) INTO _over, _latest FROM (
        SELECT payment, ends_at FROM @schema@.payment
            WHERE ends_at <= (_now - _skew) / 1000 ORDER BY ends_at LIMIT _most FOR UPDATE SKIP LOCKED
    ) AS over;
    IF _over IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE @schema@.state SET horizon = greatest(horizon, _latest);
    DELETE FROM @schema@.attempt WHERE payment = ANY (_over);
    DELETE FROM @schema@.branch WHERE payment = ANY (_over);
    DELETE FROM @schema@.payment WHERE payment = ANY (_over);
    RETURN cardinality(_over);
END
$$;

-- Deletes attempts that need no longer be remembered. A step takes them as deleted already.
CREATE FUNCTION @schema@.forget(_most bigint, _ahead bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _now CONSTANT bigint := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    _count bigint;
BEGIN
    DELETE FROM @schema@.attempt WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM @schema@.attempt
            WHERE standing >= 3 AND due_at <= _now ORDER BY due_at LIMIT _most FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS _count = ROW_COUNT;
    RETURN _count;
END
$$;
