-- When this ledger was made, in milliseconds since 1970: whoever notes it notices one that began anew.
ALTER TABLE @schema@.state
    ADD COLUMN created_at bigint NOT NULL DEFAULT floor(extract(epoch FROM clock_timestamp()) * 1000);
