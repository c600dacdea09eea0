-- What every account may do today, upon which unit, by which post. The business date follows the session
-- setting gongshu.today where a sample installation shifts it, else the official time zone's date.
CREATE OR REPLACE FUNCTION gongshu_today() RETURNS date LANGUAGE sql STABLE AS $$
  SELECT COALESCE(NULLIF(current_setting('gongshu.today', true), '')::date,
                  (now() AT TIME ZONE 'Asia/Shanghai')::date)
$$;

-- stands_in: the head of a unit without a steward on duty does the steward's work, so that no task is left lying (PT-5.3b).
CREATE OR REPLACE VIEW org_access AS
WITH posts AS NOT MATERIALIZED (
  SELECT p.id AS post_id, p.account_id, p.kind, u.id AS unit_id, u.path,
         EXISTS (SELECT 1 FROM org_bodyrole b
                  WHERE b.unit_id = u.id AND b.role IN ('authority', 'data_center')) AS oversees,
         p.kind = 'head' AND NOT EXISTS (
           SELECT 1 FROM org_post s JOIN org_account h ON h.id = s.account_id AND h.is_active
            WHERE s.unit_id = p.unit_id AND s.kind = 'steward'
              AND s.starts <= gongshu_today() AND (s.ends IS NULL OR s.ends >= gongshu_today())) AS stands_in
    FROM org_post p
    JOIN org_unit u ON u.id = p.unit_id AND u.active
    JOIN org_account a ON a.id = p.account_id AND a.is_active
   WHERE p.starts <= gongshu_today() AND (p.ends IS NULL OR p.ends >= gongshu_today())
), rights AS NOT MATERIALIZED (
  SELECT p.*, r.action,
         CASE WHEN p.oversees AND p.kind IN ('reviewer', 'head') AND r.action IN
                   ('case.view', 'collection.view', 'issue.view', 'share.view') THEN 'all' ELSE r.scope END AS scope
    FROM posts p JOIN org_roleaction r ON r.kind = p.kind OR (r.kind = 'steward' AND p.stands_in)
)
SELECT DISTINCT r.account_id, r.action, t.id AS unit_id, r.post_id
  FROM rights r
  JOIN org_unit t ON r.scope = 'all'
                  OR (r.scope = 'unit' AND t.id = r.unit_id)
                  OR (r.scope = 'subtree' AND starts_with(t.path, r.path));
