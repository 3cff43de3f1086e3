-- The records of the export bucket as a table of Athena, and what each team spent in a month.
-- Needs: a stack with ExportS3=on; its output ExportBucketName in the place of BUCKET.
CREATE EXTERNAL TABLE vectorgate_usage (
  id string, operation string, outcome string, started_at string, ended_at string,
  spend_nano_usd bigint, spend_usd string, price_id string, corrects string,
  key_id string, key_alias string, team_id string, user_id string, end_user string, tags array<string>,
  provider string, vector_store_id string, file_id string, response_id string, searched_stores array<string>,
  status_code int, error_code string, upstream_us bigint, overhead_us bigint, byte_seconds bigint,
  model string, input_tokens bigint, cached_tokens bigint, output_tokens bigint, tool_calls map<string,int>
)
PARTITIONED BY (day string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/usage/'
TBLPROPERTIES ('projection.enabled'='true', 'projection.day.type'='date', 'projection.day.format'='yyyy-MM-dd',
  'projection.day.range'='2026-01-01,NOW', 'storage.location.template'='s3://BUCKET/usage/day=${day}/');

-- A record may be in two objects: count each id once.
SELECT team_id, sum(spend_nano_usd) / 1e9 AS usd
FROM (SELECT DISTINCT id, team_id, spend_nano_usd FROM vectorgate_usage WHERE day BETWEEN '2026-11-01' AND '2026-11-30')
GROUP BY team_id;
