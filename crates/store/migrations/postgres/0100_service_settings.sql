-- What the panel says about the service: JSON values by name; without a row it is as it always was. And what it remarks
-- about a tracker. The same stands in ../sqlite under the same number.

CREATE TABLE service_settings (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

ALTER TABLE trackers ADD COLUMN comment TEXT COLLATE "C" NOT NULL DEFAULT '';
