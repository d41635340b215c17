-- Tags of an account, and which trackers carry them: up to five each, in numbered places. The same tables stand in
-- ../postgres under the same number.

CREATE TABLE tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    UNIQUE (id, account_id)
) STRICT;
CREATE INDEX tags_account ON tags (account_id);

CREATE TABLE tracker_tags (
    tracker_id INTEGER NOT NULL REFERENCES trackers (id),
    ordinal INTEGER NOT NULL CHECK (ordinal BETWEEN 1 AND 5),
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (tracker_id, ordinal),
    UNIQUE (tracker_id, tag_id)
) STRICT;
CREATE INDEX tracker_tags_tag ON tracker_tags (tag_id);
