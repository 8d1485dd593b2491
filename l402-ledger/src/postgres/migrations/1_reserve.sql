CREATE FUNCTION @schema@.reserve(
    _payment bytea, _attempt bytea, _counters bytea, _limits bigint[], _amount bigint, _ends_at bigint, _is_unsafe boolean,
    _is_repeatable boolean, _fingerprint bytea, _key bytea, _doubt_after bigint, _doubt_used boolean, _ahead bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _now bigint;
    _refused bigint;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    _now := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    -- Most payments are new, and their only counter is that of the sale. Its token has not ended: no sweep can delete this
    -- payment while the statement runs.
    INSERT INTO @schema@.payment (payment, ends_at, due_at, next_number, sale_limit, reserved, first_due_at, first_amount,
        first_doubt_after, first_doubt_used, first_standing, first_attempt, first_fingerprint, first_key)
        SELECT _payment, _ends_at, _now + 30000, 1, _limits[1], _amount, _now + 30000, _amount, _doubt_after, _doubt_used, 0,
            _attempt, _fingerprint, _key
        WHERE NOT _is_unsafe AND _counters = '\x00000000000000000000000000000000' AND _limits[1] >= _amount
            AND _ends_at > _now / 1000 AND _ends_at > (SELECT horizon FROM @schema@.state)
        ON CONFLICT (payment) DO NOTHING;
    IF FOUND THEN
        RETURN ARRAY[0, 0, _limits[1] - _amount, _now];
    END IF;
    _refused := @schema@.refused(_payment, _attempt, _counters, _limits, _amount, _ends_at, _fingerprint, _key, _ahead);
    IF _refused IS NOT NULL THEN
        RETURN ARRAY[_refused, 0, 0, _now];
    END IF;
    RETURN @schema@.reserve_any(_payment, _attempt, _counters, _limits, _amount, _ends_at, _is_unsafe, _is_repeatable,
        _fingerprint, _key, _doubt_after, _doubt_used, _ahead);
END
$$;

-- Why `reserve_any` would refuse and change nothing, in one look without the lock; null where it has to look itself. Of a crowd that
-- wants one use, nobody keeps waiting who has it.
CREATE FUNCTION @schema@.refused(
    _payment bytea, _attempt bytea, _counters bytea, _limits bigint[], _amount bigint, _ends_at bigint, _fingerprint bytea,
    _key bytea, _ahead bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    _now CONSTANT bigint := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
BEGIN
    IF _counters <> '\x00000000000000000000000000000000' OR _amount = 0 OR _key IS NOT NULL OR _ends_at <= _now / 1000 THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT CASE
            WHEN least(p.sale_limit, _limits[1]) - p.committed < _amount THEN 12
            WHEN least(p.sale_limit, _limits[1]) - p.committed - p.doubtful < _amount THEN 11
            WHEN least(p.sale_limit, _limits[1]) - p.committed - p.doubtful - p.reserved < _amount THEN 10 END
        FROM @schema@.payment AS p
        WHERE p.payment = _payment AND p.sale_limit IS NOT NULL AND p.due_at > _now AND p.ends_at >= _ends_at
            AND _ends_at > (SELECT horizon FROM @schema@.state) AND p.first_attempt IS DISTINCT FROM _attempt
            AND NOT EXISTS (SELECT FROM @schema@.attempt WHERE payment = _payment AND attempt = _attempt)
            AND NOT EXISTS (SELECT FROM @schema@.attempt
                WHERE payment = _payment AND standing < 3 AND standing > 0 AND fingerprint = _fingerprint)
    );
END
$$;

CREATE FUNCTION @schema@.reserve_any(
    _payment bytea, _attempt bytea, _counters bytea, _limits bigint[], _amount bigint, _ends_at bigint, _is_unsafe boolean,
    _is_repeatable boolean, _fingerprint bytea, _key bytea, _doubt_after bigint, _doubt_used boolean, _ahead bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _sale CONSTANT bytea := '\x00000000000000000000000000000000';
    _lease CONSTANT bigint := 30000;
    _skew CONSTANT bigint := 600000;
    _most_branches CONSTANT bigint := 1000;
    _now bigint;
    _is_new boolean;
    _refused bigint := 0;
    _remaining bigint;
    _of bytea;
    _most bigint;
    _new_branches bigint := 0;
    _number bigint;
    p @schema@.payment%ROWTYPE;
    a @schema@.attempt%ROWTYPE;
    b @schema@.branch%ROWTYPE;
BEGIN
    LOOP
        INSERT INTO @schema@.payment (payment, ends_at) VALUES (_payment, _ends_at) ON CONFLICT (payment) DO NOTHING;
        _is_new := FOUND;
        SELECT * INTO p FROM @schema@.payment WHERE payment = _payment FOR UPDATE;
        EXIT WHEN FOUND; -- else a sweep was faster
    END LOOP;
    _now := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
    IF p.ends_at < _ends_at THEN
        UPDATE @schema@.payment SET ends_at = _ends_at WHERE payment = _payment;
    END IF;
    IF p.first_attempt IS NOT NULL THEN
        PERFORM @schema@.spill(_payment);
    END IF;
    IF p.due_at <= _now THEN
        PERFORM @schema@.pass(_payment, _now);
        SELECT * INTO p FROM @schema@.payment WHERE payment = _payment;
    END IF;

    -- What is left of each counter, and whether it is enough: 12 spent, 11 in doubt, 10 held by others. The first of these counts.
    FOR i IN 1 .. length(_counters) / 16 LOOP
        _of := substr(_counters, 16 * i - 15, 16);
        IF _of = _sale THEN
            b := (p.sale_limit, p.committed, p.reserved, p.doubtful, p.tries, _payment, _of);
        ELSE
            SELECT * INTO b FROM @schema@.branch WHERE payment = _payment AND key = _of;
        END IF;
        IF b.most IS NULL THEN
            b := (_limits[i], 0, 0, 0, 0, _payment, _of);
            IF _of <> _sale THEN
                _new_branches := _new_branches + 1;
            END IF;
        END IF;
        _remaining := least(_remaining, greatest(b.most - b.committed - b.reserved - b.doubtful, 0));
        _most := least(b.most, _limits[i]);
        IF _most - b.committed - b.reserved - b.doubtful < _amount AND _amount > 0 THEN
            _refused := greatest(_refused, CASE
                WHEN _most - b.committed < _amount THEN 12
                WHEN _most - b.committed - b.doubtful < _amount THEN 11
                ELSE 10 END);
        END IF;
    END LOOP;
    _remaining := coalesce(_remaining, 0);

    SELECT * INTO a FROM @schema@.attempt WHERE payment = _payment AND attempt = _attempt;
    IF FOUND AND a.standing >= 3 AND a.due_at <= _now THEN
        DELETE FROM @schema@.attempt WHERE payment = _payment AND attempt = _attempt;
    ELSIF FOUND AND a.standing = 0 THEN
        RETURN ARRAY[0, a.number, _remaining, _now];
    ELSIF FOUND THEN
        RETURN ARRAY[16, 0, 0, _now];
    END IF;

    IF _ends_at <= (_now - _skew) / 1000 OR _ends_at <= (SELECT horizon FROM @schema@.state) THEN
        _refused := 14;
    ELSE
        -- The same request under another attempt: one to take over, or a reason to refuse.
        a := NULL;
        IF _key IS NOT NULL THEN
            SELECT * INTO a FROM @schema@.attempt
                WHERE payment = _payment AND standing < 3 AND key = _key ORDER BY attempt LIMIT 1;
        ELSIF _fingerprint IS NOT NULL THEN
            SELECT * INTO a FROM @schema@.attempt
                WHERE payment = _payment AND standing IN (1, 2) AND fingerprint = _fingerprint ORDER BY attempt LIMIT 1;
        END IF;
        IF a.attempt IS NULL THEN
            IF _refused = 0 AND _new_branches > 0 AND _new_branches > _most_branches
                - (SELECT count(*) FROM @schema@.branch WHERE payment = _payment)
            THEN
                _refused := 15;
            END IF;
        ELSIF a.fingerprint IS NULL OR a.fingerprint IS DISTINCT FROM _fingerprint THEN
            _refused := 13;
        ELSIF a.standing = 0 THEN
            _refused := 10;
        ELSIF NOT _is_repeatable OR a.amount <> _amount OR a.counters <> _counters THEN
            _refused := 11;
        ELSE
            PERFORM @schema@.take_over(a, _attempt, _doubt_after, _doubt_used, _now);
            RETURN ARRAY[0, a.number, _remaining, _now];
        END IF;
    END IF;
    IF _refused > 0 THEN
        IF _is_new THEN
            DELETE FROM @schema@.payment WHERE payment = _payment;
        END IF;
        RETURN ARRAY[_refused, 0, 0, _now];
    END IF;

    IF cardinality(p.spare) > 0 THEN
        _number := (SELECT min(number) FROM unnest(p.spare) AS number);
        p.spare := array_remove(p.spare, _number);
    ELSE
        _number := p.next_number;
        p.next_number := least(p.next_number + 1, 4294967295);
    END IF;
    FOR i IN 1 .. length(_counters) / 16 LOOP
        _of := substr(_counters, 16 * i - 15, 16);
        IF _of = _sale THEN
            p.sale_limit := coalesce(p.sale_limit, _limits[i]);
            p.reserved := p.reserved + _amount;
        ELSE
            INSERT INTO @schema@.branch AS old VALUES (_limits[i], 0, _amount, 0, 0, _payment, _of)
                ON CONFLICT (payment, key) DO UPDATE SET reserved = old.reserved + _amount;
        END IF;
    END LOOP;
    UPDATE @schema@.payment SET sale_limit = p.sale_limit, reserved = p.reserved, next_number = p.next_number, spare = p.spare,
        due_at = least(p.due_at, _now + _lease) WHERE payment = _payment;
    INSERT INTO @schema@.attempt VALUES (_now + _lease, _now, _amount, _number, _doubt_after, _doubt_used, _is_unsafe, 0,
        _payment, _attempt, _counters, _fingerprint, _key);
    RETURN ARRAY[0, _number, greatest(_remaining - _amount, 0), _now];
END
$$;

-- Gives the use of a doubtful attempt to a repetition of the same request.
CREATE FUNCTION @schema@.take_over(
    _old @schema@.attempt, _attempt bytea, _doubt_after bigint, _doubt_used boolean, _now bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _lease CONSTANT bigint := 30000;
    _skew CONSTANT bigint := 600000;
BEGIN
    UPDATE @schema@.attempt SET standing = 4, since = _now, due_at = _now + _skew
        WHERE payment = _old.payment AND attempt = _old.attempt;
    INSERT INTO @schema@.attempt VALUES (_now + _lease, _now, _old.amount, _old.number, _doubt_after, _doubt_used,
        _old.is_unsafe, 0, _old.payment, _attempt, _old.counters, _old.fingerprint, _old.key);
    PERFORM @schema@.change(_old.payment, _old.counters, 0, _old.amount, -_old.amount);
    UPDATE @schema@.payment SET due_at = least(due_at, _now + _lease) WHERE payment = _old.payment;
END
$$;
