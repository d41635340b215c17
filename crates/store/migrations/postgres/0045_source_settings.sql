-- Settings of sources that only `fleet` understands, by kind; `value` is a JSON object. A source without a row has the
-- defaults. The same table stands in ../sqlite under the same number.

CREATE TABLE source_settings (
    source_id BIGINT NOT NULL REFERENCES sources (id),
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source_id, kind)
);
CREATE INDEX source_settings_kind ON source_settings (kind);
