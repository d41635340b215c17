-- What the panel says about the service: JSON values by name; without a row it is as it always was. And what it remarks
-- about a tracker. The same stands in ../postgres under the same number.

CREATE TABLE service_settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

ALTER TABLE trackers ADD COLUMN comment TEXT NOT NULL DEFAULT '';
