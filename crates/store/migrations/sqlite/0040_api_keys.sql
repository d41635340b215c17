-- Keys with which programs call in a master's name. Whoever reads this table learns no key: a key is the HMAC of
-- `seed` under a secret that is kept beside the catalog, and only its SHA-256 stands here. The same table stands in
-- ../postgres under the same number.

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL,
    seed TEXT NOT NULL,
    title TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX api_keys_token_hash ON api_keys (token_hash);
CREATE INDEX api_keys_user ON api_keys (user_id);
