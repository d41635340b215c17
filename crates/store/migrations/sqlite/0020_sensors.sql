-- Sensors, counters and names of outputs. They belong to a source: a clone has those of its source. The same tables
-- stand in ../postgres under the same number.

-- registered: it came with the device, and nobody has changed it. definition: JSON of the kind.
CREATE TABLE sensors (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    sensor_type TEXT NOT NULL,
    registered INTEGER NOT NULL CHECK (registered IN (0, 1)),
    name TEXT NOT NULL,
    definition TEXT NOT NULL
) STRICT;
CREATE INDEX sensors_source ON sensors (source_id);
CREATE INDEX sensors_ignition ON sensors (source_id)
    WHERE registered = 0 AND sensor_type IN ('ignition', 'virtual_ignition');

CREATE TABLE counters (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    counter_type TEXT NOT NULL,
    definition TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX counters_source ON counters (source_id, counter_type);

CREATE TABLE output_titles (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    PRIMARY KEY (source_id, number)
) STRICT;
