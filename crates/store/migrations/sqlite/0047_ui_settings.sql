-- What client applications keep for a user: texts by key. The same table stands in ../postgres under the same number.

CREATE TABLE ui_settings (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user_id, name)
) STRICT;
