-- Changes counters, forgets those that are untouched again, and says what is left of the one that has least, and whether one
-- is used up.
CREATE FUNCTION @schema@.change(
    _payment bytea, _counters bytea, _committed bigint, _reserved bigint, _doubtful bigint, OUT _left bigint, OUT _is_spent boolean
) LANGUAGE plpgsql AS $$
DECLARE
    _sale CONSTANT bytea := '\x00000000000000000000000000000000';
    _of bytea;
    b @schema@.branch%ROWTYPE;
BEGIN
    _is_spent := false;
    FOR i IN 1 .. length(_counters) / 16 LOOP
        _of := substr(_counters, 16 * i - 15, 16);
        IF _of = _sale THEN
            UPDATE @schema@.payment SET committed = greatest(committed + _committed, 0),
                reserved = greatest(reserved + _reserved, 0), doubtful = greatest(doubtful + _doubtful, 0)
                WHERE payment = _payment AND sale_limit IS NOT NULL
                RETURNING sale_limit, committed, reserved, doubtful, tries, payment, _of INTO b;
        ELSE
            UPDATE @schema@.branch SET committed = greatest(committed + _committed, 0),
                reserved = greatest(reserved + _reserved, 0), doubtful = greatest(doubtful + _doubtful, 0)
                WHERE payment = _payment AND key = _of RETURNING * INTO b;
        END IF;
        CONTINUE WHEN NOT FOUND;
        _left := least(_left, greatest(b.most - b.committed - b.reserved - b.doubtful, 0));
        _is_spent := _is_spent OR b.committed >= b.most;
        IF b.committed = 0 AND b.reserved = 0 AND b.doubtful = 0 AND b.tries = 0 THEN
            IF _of = _sale THEN
                UPDATE @schema@.payment SET sale_limit = NULL WHERE payment = _payment;
            ELSE
                DELETE FROM @schema@.branch WHERE payment = _payment AND key = _of;
            END IF;
        END IF;
    END LOOP;
    _left := coalesce(_left, 0);
END
$$;

-- Counts a try on the widest counter, which is that of the sale where it is counted, and says whether it is the third.
CREATE FUNCTION @schema@.is_third_try(_payment bytea, _counters bytea) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _sale CONSTANT bytea := '\x00000000000000000000000000000000';
    _most_tries CONSTANT smallint := 3;
    _widest CONSTANT bytea := substr(_counters, 1, 16);
    _tries smallint;
BEGIN
    IF _widest = _sale THEN
        UPDATE @schema@.payment SET tries = (tries + 1) % _most_tries
            WHERE payment = _payment AND sale_limit IS NOT NULL RETURNING tries INTO _tries;
    ELSE
        UPDATE @schema@.branch SET tries = (tries + 1) % _most_tries
            WHERE payment = _payment AND key = _widest RETURNING tries INTO _tries;
    END IF;
    RETURN FOUND AND _tries = 0;
END
$$;

-- What an attempt asks that is not a reservation. Events: 1 renew, 2 commit, 3 release, 4 release that counts, 5 doubt, 6 take
-- back, 7 resolve as used, 8 resolve as unused; 9, with the time, is what time does; 10 draw, 11 draw for the last time.
CREATE FUNCTION @schema@.settle(_payment bytea, _attempt bytea, _event smallint, _amount bigint, _ahead bigint)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _now bigint;
    _left bigint;
    _is_spent bigint;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF _event = 2 THEN
        -- Most events are commits of the first attempt.
        _now := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
        UPDATE @schema@.payment SET committed = committed + first_amount, reserved = reserved - first_amount, first_standing = 3,
            first_due_at = _now + 600000
            WHERE payment = _payment AND first_attempt = _attempt AND first_standing = 0 AND first_amount = _amount
                AND due_at > _now
            RETURNING sale_limit - committed - reserved - doubtful, (committed >= sale_limit)::int INTO _left, _is_spent;
        IF FOUND THEN
            RETURN ARRAY[2, _left, _is_spent, _now];
        END IF;
    END IF;
    RETURN @schema@.settle_any(_payment, _attempt, _event, _amount, _ahead);
END
$$;

CREATE FUNCTION @schema@.settle_any(
    _payment bytea, _attempt bytea, _event smallint, _amount bigint, _ahead bigint, _now bigint DEFAULT NULL
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    _sale CONSTANT bytea := '\x00000000000000000000000000000000';
    _lease CONSTANT bigint := 30000;
    _skew CONSTANT bigint := 600000;
    _never CONSTANT bigint := 9223372036854775807;
    _is_new boolean;
    _becomes smallint;
    _due_at bigint;
    _used bigint;
    _committed bigint := 0;
    _reserved bigint := 0;
    _doubtful bigint := 0;
    _left bigint;
    _is_spent boolean;
    _cost boolean := false;
    p @schema@.payment%ROWTYPE;
    a @schema@.attempt%ROWTYPE;
BEGIN
    SELECT * INTO p FROM @schema@.payment WHERE payment = _payment FOR UPDATE;
    _is_new := NOT FOUND;
    IF p.first_attempt IS NOT NULL THEN
        PERFORM @schema@.spill(_payment);
    END IF;
    IF _now IS NULL THEN
        _now := floor(date_part('epoch', clock_timestamp()) * 1000)::bigint + _ahead;
        IF p.due_at <= _now THEN
            PERFORM @schema@.pass(_payment, _now);
            SELECT * INTO p FROM @schema@.payment WHERE payment = _payment;
        END IF;
    END IF;
    IF NOT _is_new THEN
        SELECT * INTO a FROM @schema@.attempt WHERE payment = _payment AND attempt = _attempt;
        IF FOUND AND a.standing >= 3 AND a.due_at <= _now THEN
            DELETE FROM @schema@.attempt WHERE payment = _payment AND attempt = _attempt;
            a := NULL;
        END IF;
    END IF;

    IF a.attempt IS NULL THEN
        IF _event NOT IN (3, 4, 6) THEN
            RETURN ARRAY[6, 0, 0, _now];
        END IF;
        -- It overtook its reserve, which must not be granted any more.
        IF _is_new THEN
            INSERT INTO @schema@.payment (payment, ends_at) VALUES (_payment, _now / 1000) ON CONFLICT (payment) DO NOTHING;
            IF NOT FOUND THEN
                RETURN @schema@.settle_any(_payment, _attempt, _event, _amount, _ahead);
            END IF;
        END IF;
        INSERT INTO @schema@.attempt
            VALUES (_now + _skew, _now, 0, 0, NULL, false, false, 4, _payment, _attempt, '', NULL, NULL);
        RETURN ARRAY[3, 0, 0, _now];
    END IF;

    IF _event = 1 THEN
        IF a.standing <> 0 THEN
            RETURN ARRAY[6, 0, 0, _now];
        END IF;
        UPDATE @schema@.attempt SET due_at = _now + _lease WHERE payment = _payment AND attempt = _attempt;
        RETURN ARRAY[1, 0, 0, _now];
    END IF;

    IF _event IN (10, 11) THEN
        IF a.standing <> 3 THEN
            RETURN ARRAY[6, 0, 0, _now];
        END IF;
        SELECT c._left INTO _left FROM @schema@.change(_payment, a.counters, 0, 0, 0) AS c;
        _used := CASE WHEN _amount >= a.amount THEN a.amount + least(_amount - a.amount, _left)
            WHEN _event = 11 THEN _amount ELSE a.amount END;
        -- One that has ended counts as cancelled: no later call of the attempt takes from the counters again.
        UPDATE @schema@.attempt SET standing = CASE WHEN _event = 11 THEN 4 ELSE 3 END, since = _now, due_at = _now + _skew,
            amount = _used WHERE payment = _payment AND attempt = _attempt;
        SELECT c._left INTO _left FROM @schema@.change(_payment, a.counters, _used - a.amount, 0, 0) AS c;
        RETURN ARRAY[7, _used, _left, _now];
    END IF;

    _used := a.amount;
    CASE _event
        WHEN 2 THEN
            IF a.standing IN (0, 1) THEN
                _becomes := 3;
                _used := least(_amount, a.amount);
            END IF;
        WHEN 3, 4 THEN
            IF a.standing < 3 THEN
                IF _event = 4 THEN
                    _cost := @schema@.is_third_try(_payment, a.counters);
                    SELECT * INTO p FROM @schema@.payment WHERE payment = _payment;
                END IF;
                _becomes := CASE WHEN _cost THEN 3 ELSE 4 END;
            END IF;
        WHEN 5 THEN
            IF a.standing IN (0, 1) THEN
                _becomes := 2;
            END IF;
        WHEN 6 THEN
            IF a.standing < 4 THEN
                _becomes := CASE WHEN a.is_unsafe THEN 2 ELSE 4 END;
            END IF;
        WHEN 7, 8 THEN
            IF a.standing IN (1, 2) THEN
                _becomes := CASE WHEN _event = 7 THEN 3 ELSE 4 END;
            END IF;
        WHEN 9 THEN
            _becomes := CASE WHEN a.standing > 0 AND a.doubt_used THEN 3 WHEN a.standing = 0 AND a.is_unsafe THEN 1 ELSE 4 END;
    END CASE;

    IF _becomes IS NOT NULL THEN
        CASE a.standing
            WHEN 0 THEN _reserved := -a.amount;
            WHEN 3 THEN _committed := -a.amount;
            ELSE _doubtful := -a.amount;
        END CASE;
        CASE _becomes
            WHEN 3 THEN _committed := _committed + _used;
            WHEN 4 THEN p.spare := array_append(p.spare, a.number);
            ELSE _doubtful := _doubtful + a.amount;
        END CASE;
        _due_at := CASE WHEN _becomes >= 3 THEN _now + _skew ELSE coalesce(_now + a.doubt_after, _never) END;
        -- Where a doubt is over, no later call of the attempt changes that its use is gone: it counts as cancelled.
        UPDATE @schema@.attempt SET standing = CASE WHEN _becomes = 3 AND _event IN (7, 9) THEN 4 ELSE _becomes END, since = _now, due_at = _due_at,
            amount = CASE WHEN _becomes = 3 THEN _used ELSE amount END
            WHERE payment = _payment AND attempt = _attempt;
        IF _becomes >= 3 THEN
            _due_at := p.due_at;
        END IF;
    ELSE
        _due_at := p.due_at;
    END IF;

    IF a.counters = _sale THEN
        -- Most attempts have no other counter: as `change` does it.
        IF p.sale_limit IS NOT NULL THEN
            p.committed := greatest(p.committed + _committed, 0);
            p.reserved := greatest(p.reserved + _reserved, 0);
            p.doubtful := greatest(p.doubtful + _doubtful, 0);
            _left := greatest(p.sale_limit - p.committed - p.reserved - p.doubtful, 0);
            _is_spent := p.committed >= p.sale_limit;
            IF p.committed = 0 AND p.reserved = 0 AND p.doubtful = 0 AND p.tries = 0 THEN
                p.sale_limit := NULL;
            END IF;
        END IF;
        IF _becomes IS NOT NULL THEN
            UPDATE @schema@.payment SET sale_limit = p.sale_limit, committed = p.committed, reserved = p.reserved,
                doubtful = p.doubtful, spare = p.spare, due_at = least(p.due_at, _due_at) WHERE payment = _payment;
        END IF;
    ELSE
        IF _becomes IS NOT NULL THEN
            UPDATE @schema@.payment SET spare = p.spare, due_at = least(p.due_at, _due_at) WHERE payment = _payment;
        END IF;
        SELECT * INTO _left, _is_spent FROM @schema@.change(_payment, a.counters, _committed, _reserved, _doubtful);
    END IF;

    _left := coalesce(_left, 0);
    RETURN CASE
        WHEN _event = 2 AND coalesce(_becomes, a.standing) = 3 THEN ARRAY[2, _left, coalesce(_is_spent, false)::int, _now]
        WHEN _event IN (3, 4) AND (_becomes IS NOT NULL OR a.standing = 4) THEN ARRAY[3, _left, _cost::int, _now]
        WHEN _event = 6 AND coalesce(_becomes, a.standing) = 4 THEN ARRAY[3, _left, 0, _now]
        WHEN _event IN (5, 6) AND coalesce(_becomes, a.standing) = 2 THEN ARRAY[4, 0, 0, _now]
        WHEN _event >= 7 AND _becomes IS NOT NULL THEN ARRAY[5, 0, 0, _now]
        ELSE ARRAY[6, 0, 0, _now]
    END;
END
$$;
