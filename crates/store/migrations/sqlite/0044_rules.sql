-- Rules about trackers; `fields` is what the user said of them, as JSON. The same tables stand in ../postgres under the
-- same number.

CREATE TABLE rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL,
    fields TEXT NOT NULL
) STRICT;
CREATE INDEX rules_account ON rules (account_id);

CREATE TABLE rule_trackers (
    rule_id INTEGER NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    tracker_id INTEGER NOT NULL REFERENCES trackers (id),
    PRIMARY KEY (rule_id, tracker_id)
) STRICT;
CREATE INDEX rule_trackers_tracker ON rule_trackers (tracker_id);
