-- Vehicles, the garages they stand in, and their tags. `fields` is what the user said of them, as JSON. The same tables
-- stand in ../postgres under the same number.

CREATE TABLE garages (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    fields TEXT NOT NULL,
    UNIQUE (id, account_id)
) STRICT;
CREATE INDEX garages_account ON garages (account_id);

CREATE TABLE vehicles (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    tracker_id INTEGER REFERENCES trackers (id),
    garage_id INTEGER,
    fields TEXT NOT NULL,
    FOREIGN KEY (garage_id, account_id) REFERENCES garages (id, account_id)
) STRICT;
CREATE INDEX vehicles_account ON vehicles (account_id);
CREATE UNIQUE INDEX vehicles_tracker ON vehicles (tracker_id);
CREATE INDEX vehicles_garage ON vehicles (garage_id);

CREATE TABLE vehicle_tags (
    vehicle_id INTEGER NOT NULL REFERENCES vehicles (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (vehicle_id, tag_id)
) STRICT;
CREATE INDEX vehicle_tags_tag ON vehicle_tags (tag_id);
