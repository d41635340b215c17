-- The file of a tracker's picture. The same column stands in ../sqlite under the same number.

ALTER TABLE trackers ADD COLUMN avatar_file_name TEXT COLLATE "C";
