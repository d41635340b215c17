-- Working statuses: listings of an account, the statuses of each in their order, and the last change of each source's
-- status. Statuses are named in a change also after they are gone. `location` is JSON. The same tables stand in
-- ../postgres under the same number.

CREATE TABLE status_listings (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    employee_controlled INTEGER NOT NULL CHECK (employee_controlled IN (0, 1)),
    supervisor_controlled INTEGER NOT NULL CHECK (supervisor_controlled IN (0, 1))
) STRICT;
CREATE INDEX status_listings_account ON status_listings (account_id);

CREATE TABLE statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    listing_id INTEGER NOT NULL REFERENCES status_listings (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    label TEXT NOT NULL,
    color TEXT NOT NULL
) STRICT;
CREATE INDEX statuses_listing ON statuses (listing_id, place);

CREATE TABLE status_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    old_status_id INTEGER,
    new_status_id INTEGER,
    location TEXT,
    changed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX status_changes_source ON status_changes (source_id);

CREATE INDEX sources_status_listing ON sources (status_listing_id);

-- The plan of a fresh server allows all there is.
UPDATE tariffs SET features = '["multilevel_access","statuses"]'
WHERE name = 'Default' AND features = '["multilevel_access"]';
