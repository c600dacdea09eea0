-- Tables of the share gateway. Idempotent: run at every migration, by the owner.
-- The platform writes client, grant_, grant_client and health; the gateway writes nonce, usage, refusal and call.
CREATE SCHEMA IF NOT EXISTS gate;

-- A calling system. Two secrets may be live at once, so that a key can be changed without an interruption.
-- Secrets are sealed tokens (gongshu.engine.suite.seal) whose associated data is 'gate.client:' || client_id.
CREATE TABLE IF NOT EXISTS gate.client (
    client_id      text PRIMARY KEY CHECK (client_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    secret_sealed  text NOT NULL,
    secret2_sealed text,
    unit_id        bigint NOT NULL,
    system_name    text NOT NULL,
    algorithm      text NOT NULL DEFAULT 'hmac-sha256' CHECK (algorithm IN ('hmac-sha256', 'hmac-sm3')),
    active         boolean NOT NULL DEFAULT true,
    revision       integer NOT NULL DEFAULT 1
);

-- A grant in force, as compiled by the sharing context (gongshu.gateway.spec.GrantSpec in spec).
CREATE TABLE IF NOT EXISTS gate.grant_ (
    grant_no   text PRIMARY KEY CHECK (grant_no ~ '^[A-Za-z0-9._-]{1,64}$'),
    version    integer NOT NULL DEFAULT 1,
    spec       jsonb NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz NOT NULL,
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked')),
    revision   integer NOT NULL DEFAULT 1,
    CHECK (valid_from < valid_to)
);

CREATE TABLE IF NOT EXISTS gate.grant_client (
    grant_no  text NOT NULL REFERENCES gate.grant_ ON DELETE CASCADE,
    client_id text NOT NULL REFERENCES gate.client ON DELETE CASCADE,
    PRIMARY KEY (grant_no, client_id)
);
CREATE INDEX IF NOT EXISTS grant_client_client ON gate.grant_client (client_id);

-- Nonces of the last minutes; a second use inside the window is a replay.
CREATE TABLE IF NOT EXISTS gate.nonce (
    client_id text NOT NULL,
    nonce     text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, nonce)
);
CREATE INDEX IF NOT EXISTS nonce_at ON gate.nonce USING brin (at);

-- Calls answered per grant and period: 'd:2026-11-22' or 'm:2026-11-22T09:30', both in Asia/Shanghai.
CREATE TABLE IF NOT EXISTS gate.usage (
    grant_no text NOT NULL,
    period   text NOT NULL,
    used     bigint NOT NULL,
    PRIMARY KEY (grant_no, period)
) WITH (fillfactor = 50);

-- One row per answered call, durable before the answer leaves; and the first refused calls of each minute.
-- No look-up value is kept: request_digest binds the record to what the caller signed (its nonce salts it).
CREATE TABLE IF NOT EXISTS gate.call (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL,
    client_id      text NOT NULL,
    grant_no       text NOT NULL,
    grant_version  integer NOT NULL,
    mode           text NOT NULL,
    request_digest text NOT NULL,
    case_no        text,
    status         smallint NOT NULL,
    rows           integer NOT NULL,
    bytes          integer NOT NULL,
    micros         integer NOT NULL,
    problem        text,
    address        text
);
CREATE INDEX IF NOT EXISTS call_grant ON gate.call (grant_no, id);

-- Every refusal, counted per minute: size is bounded by clients x grants x reasons, whatever is thrown at the door.
-- client_id and grant_no are '' where the caller did not prove who it is, or named nothing that exists.
CREATE TABLE IF NOT EXISTS gate.refusal (
    minute    timestamptz NOT NULL,
    problem   text NOT NULL,
    client_id text NOT NULL,
    grant_no  text NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (minute, problem, client_id, grant_no)
);

-- The sealer of the ledger sets sealed_at (PostgreSQL's own now()) each time it finds nothing left to seal.
-- Without a seal for lag_limit_s seconds the gateway stops answering: what cannot be proved is not done.
CREATE TABLE IF NOT EXISTS gate.health (
    name        text PRIMARY KEY,
    sealed_at   timestamptz NOT NULL DEFAULT now(),
    lag_limit_s integer NOT NULL DEFAULT 14400 CHECK (lag_limit_s > 0)
);
INSERT INTO gate.health (name) VALUES ('ledger') ON CONFLICT DO NOTHING;

-- Every change of a client, a grant or a link raises the revision and wakes the gateways. The admitting
-- transaction compares the revision with the one under which the call was checked.
CREATE OR REPLACE FUNCTION gate.revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION gate.announce() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF TG_TABLE_NAME = 'client' THEN
        PERFORM pg_notify('gongshu_grants', 'client:' || changed.client_id);
    ELSE
        PERFORM pg_notify('gongshu_grants', 'grant:' || changed.grant_no);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER client_revise BEFORE UPDATE ON gate.client
    FOR EACH ROW EXECUTE FUNCTION gate.revise();
CREATE OR REPLACE TRIGGER grant_revise BEFORE UPDATE ON gate.grant_
    FOR EACH ROW EXECUTE FUNCTION gate.revise();
CREATE OR REPLACE TRIGGER client_announce AFTER INSERT OR UPDATE OR DELETE ON gate.client
    FOR EACH ROW EXECUTE FUNCTION gate.announce();
CREATE OR REPLACE TRIGGER grant_announce AFTER INSERT OR UPDATE OR DELETE ON gate.grant_
    FOR EACH ROW EXECUTE FUNCTION gate.announce();
CREATE OR REPLACE TRIGGER grant_client_announce AFTER INSERT OR UPDATE OR DELETE ON gate.grant_client
    FOR EACH ROW EXECUTE FUNCTION gate.announce();

-- What a grant has used in a period; its row is locked until the transaction ends.
CREATE OR REPLACE FUNCTION gate.spent(p_grant text, p_period text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    spent bigint;
BEGIN
    LOOP
        SELECT u.used INTO spent FROM gate.usage u WHERE u.grant_no = p_grant AND u.period = p_period FOR UPDATE;
        IF FOUND THEN
            RETURN spent;
        END IF;
        INSERT INTO gate.usage (grant_no, period, used) VALUES (p_grant, p_period, 0) ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- Admit a batch of calls whose answers are ready and waiting: one transaction that re-checks client and grant,
-- takes the nonces, counts the quota and writes the records. Only what comes back 'ok' may leave.
-- Returns, in the order asked: verdict (ok, moved, replayed, quota_day, quota_minute, unsealed) and what the
-- grant has used today and this minute. p_at is business time; nonces and seals follow PostgreSQL's clock.
CREATE OR REPLACE FUNCTION gate.settle(
    p_at timestamptz, p_client text[], p_client_revision int[], p_nonce text[], p_grant text[],
    p_grant_revision int[], p_mode text[], p_digest text[], p_case text[], p_rows int[], p_bytes int[],
    p_micros int[], p_address text[]
) RETURNS TABLE (verdict text, used_day bigint, used_minute bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    n        int := cardinality(p_client);
    verdicts text[] := array_fill('moved'::text, ARRAY[n]);
    days     bigint[] := array_fill(0::bigint, ARRAY[n]);
    minutes  bigint[] := array_fill(0::bigint, ARRAY[n]);
    local_at timestamp := p_at AT TIME ZONE 'Asia/Shanghai';
    day      text := to_char(local_at, '"d:"YYYY-MM-DD');
    minute   text := to_char(local_at, '"m:"YYYY-MM-DD"T"HH24:MI');
    asked    record;
    spent_d  bigint;
    spent_m  bigint;
    room     bigint;
    taken    int;
    j        int;
BEGIN
    IF EXISTS (SELECT 1 FROM gate.health h WHERE h.sealed_at < now() - make_interval(secs => h.lag_limit_s)) THEN
        RETURN QUERY SELECT 'unsealed'::text, 0::bigint, 0::bigint FROM generate_series(1, n);
        RETURN;
    END IF;

    -- Nonces in one order everywhere, so that two batches can wait for each other but never in a ring.
    -- A call whose client or grant changed since it was checked keeps its nonce and is checked again.
    WITH call AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.client_id, c.nonce ORDER BY c.i) AS turn
        FROM unnest(p_client, p_client_revision, p_nonce, p_grant, p_grant_revision)
             WITH ORDINALITY AS c(client_id, client_revision, nonce, grant_no, grant_revision, i)
    ), good AS (
        SELECT d.client_id, d.client_revision, d.grant_no, d.grant_revision
        FROM (SELECT DISTINCT client_id, client_revision, grant_no, grant_revision FROM call) d
        JOIN gate.client k ON k.client_id = d.client_id AND k.revision = d.client_revision AND k.active
        JOIN gate.grant_ g ON g.grant_no = d.grant_no AND g.revision = d.grant_revision AND g.state = 'active'
             AND p_at >= g.valid_from AND p_at < g.valid_to
        JOIN gate.grant_client l ON l.grant_no = d.grant_no AND l.client_id = d.client_id
    ), live AS (
        SELECT call.* FROM call JOIN good USING (client_id, client_revision, grant_no, grant_revision)
    ), fresh AS (
        INSERT INTO gate.nonce (client_id, nonce)
        SELECT client_id, nonce FROM live WHERE turn = 1 ORDER BY client_id, nonce
        ON CONFLICT DO NOTHING RETURNING client_id, nonce
    )
    SELECT array_agg(CASE WHEN live.i IS NULL THEN 'moved' WHEN fresh.nonce IS NULL THEN 'replayed' ELSE 'ok' END
                     ORDER BY call.i)
    INTO verdicts
    FROM call LEFT JOIN live ON live.i = call.i
    LEFT JOIN fresh ON live.turn = 1 AND fresh.client_id = live.client_id AND fresh.nonce = live.nonce;

    -- Quotas, grant by grant in one order. The row of the period stays locked until commit: that is what makes
    -- the count exact over all workers.
    FOR asked IN
        SELECT c.grant_no, array_agg(c.i::int ORDER BY c.i) AS calls,
               (g.spec #>> '{quota,per_day}')::bigint AS per_day,
               (g.spec #>> '{quota,per_minute}')::bigint AS per_minute
        FROM unnest(p_grant, verdicts, p_mode) WITH ORDINALITY AS c(grant_no, verdict, mode, i)
        JOIN gate.grant_ g USING (grant_no)
        WHERE c.verdict = 'ok' AND (g.spec #> '{quota}') IS NOT NULL
        GROUP BY c.grant_no, g.spec ORDER BY c.grant_no
    LOOP
        CONTINUE WHEN asked.per_day IS NULL AND asked.per_minute IS NULL;
        spent_d := 0; spent_m := 0; taken := 0;
        IF asked.per_day IS NOT NULL THEN
            spent_d := gate.spent(asked.grant_no, day);
        END IF;
        IF asked.per_minute IS NOT NULL THEN
            spent_m := gate.spent(asked.grant_no, minute);
        END IF;
        room := greatest(0, least(asked.per_day - spent_d, asked.per_minute - spent_m));
        FOREACH j IN ARRAY asked.calls LOOP
            -- Asking for the quota or the schema is recorded and costs nothing.
            IF p_mode[j] IN ('key', 'page') THEN
                IF taken < room THEN
                    taken := taken + 1;
                ELSIF spent_d + taken >= asked.per_day THEN
                    verdicts[j] := 'quota_day';
                ELSE
                    verdicts[j] := 'quota_minute';
                END IF;
            END IF;
            days[j] := spent_d + taken;
            minutes[j] := spent_m + taken;
        END LOOP;
        IF taken > 0 THEN
            UPDATE gate.usage u SET used = u.used + taken
            WHERE u.grant_no = asked.grant_no
              AND ((asked.per_day IS NOT NULL AND u.period = day)
                   OR (asked.per_minute IS NOT NULL AND u.period = minute));
        END IF;
    END LOOP;

    INSERT INTO gate.call (at, client_id, grant_no, grant_version, mode, request_digest, case_no, status, rows,
                           bytes, micros, address)
    SELECT p_at, c.client_id, c.grant_no, g.version, c.mode, c.digest, c.case_no, 200, c.rows, c.bytes, c.micros,
           c.address
    FROM unnest(p_client, p_grant, p_mode, p_digest, p_case, p_rows, p_bytes, p_micros, p_address, verdicts)
         AS c(client_id, grant_no, mode, digest, case_no, rows, bytes, micros, address, verdict)
    JOIN gate.grant_ g ON g.grant_no = c.grant_no
    WHERE c.verdict = 'ok';

    RETURN QUERY SELECT * FROM unnest(verdicts, days, minutes);
END $$;

-- Forget nonces older than twice the window and counters of past minutes. Runs with the owner's rights because
-- the gateway itself may delete nothing.
CREATE OR REPLACE FUNCTION gate.prune() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('gongshu.gate.prune')) THEN
        RETURN 0;
    END IF;
    DELETE FROM gate.nonce WHERE at < now() - interval '660 seconds';
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM gate.usage WHERE period LIKE 'm:%'
        AND period < to_char((now() - interval '2 days') AT TIME ZONE 'Asia/Shanghai', '"m:"YYYY-MM-DD"T"HH24:MI');
    RETURN gone;
END $$;

-- Rights. The roles are made by the platform's migration; a database without them (a test) is left as it is.
DO $$
BEGIN
    REVOKE ALL ON FUNCTION gate.prune() FROM PUBLIC;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'gongshu_app') THEN
        GRANT USAGE ON SCHEMA gate TO gongshu_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA gate TO gongshu_app;
        GRANT INSERT, UPDATE ON gate.client, gate.grant_, gate.health TO gongshu_app;
        GRANT INSERT, DELETE ON gate.grant_client TO gongshu_app;
        REVOKE UPDATE, DELETE, TRUNCATE ON gate.call FROM gongshu_app;
        GRANT INSERT ON gate.call TO gongshu_app;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'gongshu_gateway') THEN
        GRANT USAGE ON SCHEMA gate TO gongshu_gateway;
        GRANT SELECT ON ALL TABLES IN SCHEMA gate TO gongshu_gateway;
        GRANT INSERT ON gate.nonce, gate.call TO gongshu_gateway;
        GRANT INSERT, UPDATE ON gate.usage, gate.refusal TO gongshu_gateway;
        REVOKE UPDATE, DELETE, TRUNCATE ON gate.call FROM gongshu_gateway;
        GRANT EXECUTE ON FUNCTION gate.prune() TO gongshu_gateway;
    END IF;
END $$;
