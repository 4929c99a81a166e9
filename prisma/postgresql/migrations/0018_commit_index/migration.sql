-- The last commit is looked up in the index, also by a connection that planned it while the table was nearly empty: it would
-- scan the whole table, under the lock that all commits wait for.
DO $do$
BEGIN
  EXECUTE format('ALTER FUNCTION %I."numberCommit"() SET enable_seqscan = off', current_schema());
END $do$;
