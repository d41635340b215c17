-- Commands to devices and what became of them. `command` is JSON: what the device is to be told. In state taken or
-- sent the command is in flight until `until_time`. The same table stands in ../postgres under the same number.

CREATE TABLE commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    tracker_id INTEGER REFERENCES trackers (id),
    user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    command TEXT NOT NULL,
    reliability TEXT NOT NULL,
    state TEXT NOT NULL,
    failure TEXT,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    asked INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    until_time INTEGER,
    sent INTEGER,
    over INTEGER,
    reply TEXT,
    CHECK ((until_time IS NOT NULL) = (state IN ('taken', 'sent'))),
    CHECK ((failure IS NOT NULL) = (state = 'failed')),
    CHECK ((over IS NULL) = (state IN ('queued', 'taken', 'sent')))
) STRICT;
CREATE UNIQUE INDEX commands_in_flight ON commands (source_id) WHERE state IN ('taken', 'sent');
CREATE INDEX commands_open ON commands (source_id) WHERE state IN ('queued', 'taken', 'sent');
CREATE INDEX commands_expires ON commands (expires) WHERE state IN ('queued', 'taken', 'sent');
CREATE INDEX commands_until ON commands (until_time) WHERE state IN ('queued', 'taken', 'sent');
CREATE INDEX commands_source ON commands (source_id, id);
CREATE INDEX commands_tracker ON commands (tracker_id, id);
CREATE INDEX commands_user ON commands (user_id);
