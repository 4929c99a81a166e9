-- The rows that each commit has changed, for the replicas that the gateways read. Every commit that changes such rows gets a
-- number, also one by another program. See docs/decisions/0088-feed-replicas-by-commit-numbers.md.

-- CreateTable
CREATE TABLE "Change" (
    "xid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "table" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    -- Whether it is the first one of its transaction, which numbers the commit.
    "isFirst" BOOLEAN NOT NULL
);

-- CreateTable
CREATE TABLE "Commit" (
    "version" BIGINT NOT NULL,
    "xid" xid8 NOT NULL,
    -- Tells it from another commit with the same number and xid, which there may be after a restore or a failover.
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "Commit_pkey" PRIMARY KEY ("version")
);

-- CreateIndex
CREATE INDEX "Change_xid_idx" ON "Change"("xid");

-- The last thing that happens before the commit. The lock is released once the commit is visible, so versions are in the
-- order in which commits become visible. The lock and max() are two statements: the second has to see what the lock waited for.
DO $do$
BEGIN
  EXECUTE format($$
    CREATE FUNCTION "numberCommit"() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
      PERFORM pg_advisory_xact_lock(7238110931);
      INSERT INTO %1$I."Commit" ("version", "xid")
        SELECT coalesce(max("version"), 0) + 1, pg_current_xact_id() FROM %1$I."Commit";
      RETURN NULL;
    END $body$ $$, current_schema());
END $do$;

CREATE CONSTRAINT TRIGGER "Change_number" AFTER INSERT ON "Change" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."isFirst") EXECUTE FUNCTION "numberCommit"();

-- The tables that replicas have, the key by which their changes are told, and the columns that they do without: a lease is
-- renewed every few seconds. Tags are told by what they are of. src/database/postgresql/replica/tables.ts has the same keys.
DO $do$
DECLARE
  fed RECORD;
  fed_columns TEXT;
BEGIN
  FOR fed IN SELECT * FROM (VALUES
    ('Account', '"id"', '{}'::TEXT[]),
    ('ApiToken', '"id"', '{}'),
    ('Disk', '"id"', '{}'),
    ('DiskTag', '"diskId"', '{}'),
    ('Snapshot', '"id"', '{}'),
    ('SnapshotTag', '"snapshotId"', '{}'),
    ('SnapshotTransition', '"sequence" || '' '' || "accountId"', '{position}'),
    ('DiskTransition', '"sequence" || '' '' || "accountId"', '{position}'),
    ('TransitionLog', '"id"', '{}'),
    ('PrunedTransitions', '"accountId"', '{position}'),
    ('Job', '"id"::TEXT', '{leaseOwner,leaseUntil}'),
    ('AutoSnapshotPolicy', '"id"', '{}'),
    ('AutoSnapshotRun', '"id"', '{}'),
    ('AutoSnapshotRunDisk', '"id"', '{}')
  ) AS list("name", "key", "without") LOOP
    SELECT string_agg(format('%I', "column_name"), ', ' ORDER BY "ordinal_position") INTO fed_columns
      FROM information_schema.columns
      WHERE "table_schema" = current_schema() AND "table_name" = fed."name" AND NOT "column_name" = ANY (fed."without");
    -- An update is told where a column differs, before and after under the key of each.
    EXECUTE format($$
      CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
      DECLARE
        is_first CONSTANT BOOLEAN := current_setting('snapgate.xid', true) IS DISTINCT FROM pg_current_xact_id_if_assigned()::TEXT;
      BEGIN
        IF TG_OP = 'INSERT' THEN
          INSERT INTO %2$I."Change" ("table", "key", "isFirst")
            SELECT %3$L, %4$s, is_first AND row_number() OVER () = 1 FROM "after";
        ELSIF TG_OP = 'DELETE' THEN
          INSERT INTO %2$I."Change" ("table", "key", "isFirst")
            SELECT %3$L, %4$s, is_first AND row_number() OVER () = 1 FROM "before";
        ELSIF TG_OP = 'UPDATE' THEN
          INSERT INTO %2$I."Change" ("table", "key", "isFirst")
            SELECT %3$L, "key", is_first AND row_number() OVER () = 1 FROM (
              SELECT %4$s AS "key" FROM (SELECT %5$s FROM "after" EXCEPT SELECT %5$s FROM "before") new_rows
              UNION
              SELECT %4$s FROM (SELECT %5$s FROM "before" EXCEPT SELECT %5$s FROM "after") old_rows
            ) AS keys;
        ELSE
          INSERT INTO %2$I."Change" ("table", "key", "isFirst")
            SELECT %3$L, %4$s, is_first AND row_number() OVER () = 1 FROM %2$I.%3$I;
        END IF;
        IF FOUND THEN
          PERFORM set_config('snapgate.xid', pg_current_xact_id()::TEXT, true);
        END IF;
        RETURN NULL;
      END $body$ $$, fed."name" || '_changed', current_schema(), fed."name", fed."key", fed_columns);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS "after" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      fed."name" || '_inserted', fed."name", fed."name" || '_changed');
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS "before" NEW TABLE AS "after" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      fed."name" || '_updated', fed."name", fed."name" || '_changed');
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS "before" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      fed."name" || '_deleted', fed."name", fed."name" || '_changed');
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      fed."name" || '_truncated', fed."name", fed."name" || '_changed');
  END LOOP;
END $do$;

-- There is always a last commit: replicas tell by it which database they are of.
INSERT INTO "Commit" ("version", "xid") VALUES (1, pg_current_xact_id());
