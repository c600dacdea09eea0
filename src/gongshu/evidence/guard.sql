-- The ledger is append-only for everybody, as the events are: the function comes with the journal.
CREATE TRIGGER evidence_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_leaf
  FOR EACH STATEMENT EXECUTE FUNCTION gongshu_append_only();
CREATE TRIGGER evidence_tile_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_tile
  FOR EACH STATEMENT EXECUTE FUNCTION gongshu_append_only();
CREATE TRIGGER evidence_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION gongshu_append_only();
