-- What happened to trackers, and who has read of it: a user has read everything up to `events_read` and what stands in
-- event_reads. Latitude and longitude are ten-millionths of a degree, precision is metres. The same stands in ../postgres
-- under the same number.

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    tracker_id INTEGER NOT NULL REFERENCES trackers (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    kind TEXT NOT NULL,
    time INTEGER NOT NULL,
    message TEXT NOT NULL,
    command_id INTEGER,
    cause TEXT,
    lat INTEGER,
    lng INTEGER,
    precision INTEGER,
    CHECK ((lat IS NULL) = (lng IS NULL))
) STRICT;
CREATE UNIQUE INDEX events_cause ON events (tracker_id, cause);
CREATE INDEX events_account ON events (account_id, id);
CREATE INDEX events_account_time ON events (account_id, time);
CREATE INDEX events_tracker_time ON events (tracker_id, time);
CREATE INDEX events_time ON events (time);

ALTER TABLE users ADD COLUMN events_read INTEGER NOT NULL DEFAULT 0;
CREATE TABLE event_reads (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, event_id)
) STRICT;
CREATE INDEX event_reads_event ON event_reads (event_id);
