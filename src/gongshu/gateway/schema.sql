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
-- The writing transaction, by which the ledger finds the records it has not sealed yet.
ALTER TABLE gate.call ADD COLUMN IF NOT EXISTS xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX IF NOT EXISTS call_xid ON gate.call (xid);

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

-- Take the nonces of a batch one by one: verdicts ok, replayed, or moved for parties that are not good.
CREATE OR REPLACE FUNCTION gate.take_nonces(t_client text[], good boolean[], c_party int[], c_nonce text[])
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    verdicts text[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(c_party) LOOP
        IF NOT good[c_party[i]] THEN
            verdicts[i] := 'moved';
            CONTINUE;
        END IF;
        INSERT INTO gate.nonce (client_id, nonce) VALUES (t_client[c_party[i]], c_nonce[i]) ON CONFLICT DO NOTHING;
        verdicts[i] := CASE WHEN FOUND THEN 'ok' ELSE 'replayed' END;
    END LOOP;
    RETURN verdicts;
END $$;

-- Admit a batch of calls whose answers are ready and waiting: one transaction that re-checks clients and grants,
-- takes the nonces, counts the quotas and writes the records. Only what it finds 'ok' may leave.
--
-- Parties are the distinct (client, grant, mode, address) of the batch, ordered by grant; t_* are arrays over
-- parties, t_counted how many calls of each count against the quota (asking for quota or schema does not); c_* are
-- arrays over calls, c_party the party of each call from 1. Calls come ordered by client and nonce: every batch
-- takes its nonces, then its counters, in the same order, so batches can wait for each other but never in a ring.
-- p_at is business time; nonces and seals follow PostgreSQL's clock.
--
-- verdicts: NULL if every call is ok, else one per call: ok, moved (client or grant changed since the call was
-- checked: check again, the nonce is not taken), replayed, quota_day, quota_minute, unsealed.
-- used_day, used_minute: per party, what its grant has used after this batch.
CREATE OR REPLACE FUNCTION gate.settle(
    p_at timestamptz, t_client text[], t_client_revision int[], t_grant text[], t_grant_revision int[],
    t_mode text[], t_address text[], t_counted int[],
    c_party int[], c_nonce text[], c_digest text[], c_case text[], c_rows int[], c_bytes int[], c_micros int[],
    OUT verdicts text[], OUT used_day bigint[], OUT used_minute bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    n        int := cardinality(c_party);
    local_at timestamp := p_at AT TIME ZONE 'Asia/Shanghai';
    day      text := to_char(local_at, '"d:"YYYY-MM-DD');
    minute   text := to_char(local_at, '"m:"YYYY-MM-DD"T"HH24:MI');
    sealed   boolean;
    good     boolean[];
    version  int[];
    per_day  bigint[];
    per_min  bigint[];
    this     int;
    asked    int;
    spent_d  bigint;
    spent_m  bigint;
    room     bigint;
BEGIN
    SELECT NOT EXISTS (SELECT 1 FROM gate.health h
                       WHERE h.sealed_at < now() - make_interval(secs => h.lag_limit_s)),
           array_agg(l.client_id IS NOT NULL ORDER BY t.i), array_agg(g.version ORDER BY t.i),
           array_agg((g.spec #>> '{quota,per_day}')::bigint ORDER BY t.i),
           array_agg((g.spec #>> '{quota,per_minute}')::bigint ORDER BY t.i)
    INTO sealed, good, version, per_day, per_min
    FROM unnest(t_client, t_client_revision, t_grant, t_grant_revision)
         WITH ORDINALITY AS t(client_id, client_revision, grant_no, grant_revision, i)
    LEFT JOIN gate.client k ON k.client_id = t.client_id AND k.revision = t.client_revision AND k.active
    LEFT JOIN gate.grant_ g ON g.grant_no = t.grant_no AND g.revision = t.grant_revision AND g.state = 'active'
        AND p_at >= g.valid_from AND p_at < g.valid_to
    LEFT JOIN gate.grant_client l ON l.client_id = k.client_id AND l.grant_no = g.grant_no;
    IF NOT sealed THEN
        verdicts := array_fill('unsealed'::text, ARRAY[n]);
        RETURN;
    END IF;
    IF false = ANY (good) THEN
        SELECT array_agg(CASE WHEN good[c.party] THEN 'ok' ELSE 'moved' END ORDER BY c.i) INTO verdicts
        FROM unnest(c_party) WITH ORDINALITY AS c(party, i);
    END IF;

    -- Almost never is a nonce old, so the plain insert (a third cheaper) is tried first.
    BEGIN
        INSERT INTO gate.nonce (client_id, nonce)
        SELECT t_client[c.party], c.nonce FROM unnest(c_party, c_nonce) AS c(party, nonce) WHERE good[c.party];
    EXCEPTION WHEN unique_violation THEN
        verdicts := gate.take_nonces(t_client, good, c_party, c_nonce);
    END;

    -- Quotas, grant by grant. The counters stay locked until commit: that makes them exact over all workers.
    used_day := array_fill(0::bigint, ARRAY[cardinality(t_client)]);
    used_minute := used_day;
    FOR this IN 1 .. cardinality(t_client) LOOP
        CONTINUE WHEN NOT good[this] OR (per_day[this] IS NULL AND per_min[this] IS NULL);
        LOOP
            SELECT max(x.used) FILTER (WHERE x.period = day), max(x.used) FILTER (WHERE x.period = minute)
            INTO spent_d, spent_m
            FROM (SELECT u.period, u.used FROM gate.usage u
                  WHERE u.grant_no = t_grant[this] AND u.period IN (day, minute) ORDER BY u.period FOR UPDATE) x;
            EXIT WHEN spent_d IS NOT NULL AND spent_m IS NOT NULL;
            INSERT INTO gate.usage (grant_no, period, used) VALUES (t_grant[this], day, 0), (t_grant[this], minute, 0)
            ON CONFLICT DO NOTHING;
        END LOOP;
        asked := t_counted[this];
        IF verdicts IS NOT NULL AND asked > 0 THEN
            SELECT count(*) INTO asked FROM unnest(c_party, verdicts) AS c(party, verdict)
            WHERE c.party = this AND c.verdict = 'ok';
        END IF;
        room := greatest(0, least(per_day[this] - spent_d, per_min[this] - spent_m));
        IF asked > room THEN
            -- The first calls fit, the others are told which limit they met.
            SELECT array_agg(CASE WHEN x.nth <= room OR x.nth IS NULL THEN x.verdict
                                  WHEN spent_d + room >= per_day[this] THEN 'quota_day'
                                  ELSE 'quota_minute' END ORDER BY x.i)
            INTO verdicts
            FROM (SELECT c.i, coalesce(c.verdict, 'ok') AS verdict,
                         CASE WHEN c.party = this AND coalesce(c.verdict, 'ok') = 'ok'
                              THEN count(*) FILTER (WHERE c.party = this AND coalesce(c.verdict, 'ok') = 'ok')
                                   OVER (ORDER BY c.i)
                         END AS nth
                  FROM unnest(c_party, verdicts) WITH ORDINALITY AS c(party, verdict, i)) x;
            asked := room;
        END IF;
        IF asked > 0 THEN
            UPDATE gate.usage u SET used = u.used + asked
            WHERE u.grant_no = t_grant[this] AND u.period IN (day, minute);
        END IF;
        used_day[this] := spent_d + asked;
        used_minute[this] := spent_m + asked;
    END LOOP;

    INSERT INTO gate.call (at, client_id, grant_no, grant_version, mode, request_digest, case_no, status, rows, bytes,
                           micros, address)
    SELECT p_at, t_client[c.party], t_grant[c.party], version[c.party], t_mode[c.party], c.digest, c.case_no, 200,
           c.rows, c.bytes, c.micros, t_address[c.party]
    FROM unnest(c_party, c_digest, c_case, c_rows, c_bytes, c_micros)
         WITH ORDINALITY AS c(party, digest, case_no, rows, bytes, micros, i)
    WHERE coalesce(verdicts[c.i], 'ok') = 'ok';
END $$;

-- Forget nonces older than twice the window, counters of past minutes, counts of refusals after 400 days. Runs with the owner's rights because
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
    DELETE FROM gate.refusal WHERE minute < now() - interval '400 days';
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
