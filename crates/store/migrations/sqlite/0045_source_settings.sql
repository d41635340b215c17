-- Settings of sources that only `fleet` understands, by kind; `value` is a JSON object. A source without a row has the
-- defaults. The same table stands in ../postgres under the same number.

CREATE TABLE source_settings (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (source_id, kind)
) STRICT;
CREATE INDEX source_settings_kind ON source_settings (kind);
