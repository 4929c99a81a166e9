-- Connections to clouds, and what feeds tables to replicas as a procedure: 0002_feed explains it. A migration that adds
-- columns to a fed table calls it again for that table.

-- CreateTable
CREATE TABLE "Connection" (
    "id" TEXT COLLATE "C" NOT NULL,
    "accountId" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "provider" TEXT COLLATE "C" NOT NULL,
    "region" TEXT COLLATE "C" NOT NULL,
    "endpoint" TEXT COLLATE "C",
    "sealed" TEXT COLLATE "C",
    "sealKey" TEXT COLLATE "C",
    "reference" TEXT COLLATE "C",
    "state" TEXT COLLATE "C" NOT NULL DEFAULT 'UNTRIED',
    "stateReason" TEXT COLLATE "C",
    "stateSince" TIMESTAMPTZ(3) NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Connection_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Connection_accountId_createdAt_id_idx" ON "Connection"("accountId", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "Connection" ADD CONSTRAINT "Connection_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE PROCEDURE "feed"(fed_name TEXT, fed_key TEXT, fed_without TEXT[]) LANGUAGE plpgsql AS $feed$
DECLARE
  fed_columns TEXT;
BEGIN
  SELECT string_agg(format('%I', "column_name"), ', ' ORDER BY "ordinal_position") INTO fed_columns
    FROM information_schema.columns
    WHERE "table_schema" = current_schema() AND "table_name" = fed_name AND NOT "column_name" = ANY (fed_without);
  -- An update is told where a column differs, before and after under the key of each.
  EXECUTE format($$
    CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
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
    END $body$ $$, fed_name || '_changed', current_schema(), fed_name, fed_key, fed_columns);
  EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS "after" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
    fed_name || '_inserted', fed_name, fed_name || '_changed');
  EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS "before" NEW TABLE AS "after" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
    fed_name || '_updated', fed_name, fed_name || '_changed');
  EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS "before" FOR EACH STATEMENT EXECUTE FUNCTION %I()',
    fed_name || '_deleted', fed_name, fed_name || '_changed');
  EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION %I()',
    fed_name || '_truncated', fed_name, fed_name || '_changed');
END $feed$;

CALL "feed"('Connection', '"id"', '{sealed,sealKey,reference}');
