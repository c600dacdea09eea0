-- A published version and its items never change: what was granted and collected under it must stay what it was.
CREATE FUNCTION catalog_version_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'published' THEN
    RAISE EXCEPTION 'catalog version % is published and cannot change', OLD.id USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER catalog_entryversion_frozen BEFORE UPDATE OR DELETE ON catalog_entryversion
  FOR EACH ROW EXECUTE FUNCTION catalog_version_frozen();

CREATE FUNCTION catalog_item_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.version_id ELSE OLD.version_id END;
BEGIN
  IF EXISTS (SELECT 1 FROM catalog_entryversion v WHERE v.id = held AND v.state = 'published') THEN
    RAISE EXCEPTION 'catalog version % is published and its items cannot change', held
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER catalog_item_frozen BEFORE INSERT OR UPDATE OR DELETE ON catalog_item
  FOR EACH ROW EXECUTE FUNCTION catalog_item_frozen();

-- The code of an entry is given once (national compilation guide).
CREATE FUNCTION catalog_code_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.code <> OLD.code OR NEW.unit_id <> OLD.unit_id THEN
    RAISE EXCEPTION 'the code and unit of catalog entry % cannot change', OLD.code
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER catalog_entry_code_kept BEFORE UPDATE ON catalog_entry
  FOR EACH ROW EXECUTE FUNCTION catalog_code_kept();
