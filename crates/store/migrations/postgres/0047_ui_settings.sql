-- What client applications keep for a user: texts by key. The same table stands in ../sqlite under the same number.

CREATE TABLE ui_settings (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, name)
);
