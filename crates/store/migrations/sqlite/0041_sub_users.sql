-- Which trackers a sub-user sees. The same table stands in ../postgres under the same number.

CREATE TABLE subuser_trackers (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tracker_id INTEGER NOT NULL REFERENCES trackers (id),
    PRIMARY KEY (user_id, tracker_id)
) STRICT;
CREATE INDEX subuser_trackers_tracker ON subuser_trackers (tracker_id);

-- Groups of sub-users may be called alike.
DROP INDEX security_groups_label;
CREATE INDEX security_groups_account ON security_groups (account_id);
