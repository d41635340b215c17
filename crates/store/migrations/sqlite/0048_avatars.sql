-- The file of a tracker's picture. The same column stands in ../postgres under the same number.

ALTER TABLE trackers ADD COLUMN avatar_file_name TEXT;
