-- Accounts, users, sessions, tariffs, sources, trackers and groups. Times are milliseconds since 1970 UTC, flags
-- are 0 or 1, money is ten-thousandths. The same tables stand in ../postgres under the same number.
-- AUTOINCREMENT: the number of a deleted row is never given again.

CREATE TABLE tariffs (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    name TEXT NOT NULL,
    group_id INTEGER NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    kind TEXT NOT NULL,
    device_type TEXT NOT NULL,
    price INTEGER NOT NULL,
    early_change_price INTEGER,
    device_limit INTEGER NOT NULL,
    has_reports INTEGER NOT NULL CHECK (has_reports IN (0, 1)),
    paas_free INTEGER NOT NULL CHECK (paas_free IN (0, 1)),
    proportional_charge INTEGER NOT NULL CHECK (proportional_charge IN (0, 1)),
    store_period TEXT NOT NULL,
    features TEXT NOT NULL,
    map_filter TEXT,
    service_prices TEXT NOT NULL,
    doc_type INTEGER NOT NULL CHECK (doc_type BETWEEN 0 AND 2),
    search TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX tariffs_name ON tariffs (name);

CREATE TABLE tariff_defaults (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    tariff_id INTEGER NOT NULL REFERENCES tariffs (id),
    activation_bonus INTEGER NOT NULL,
    free_days INTEGER NOT NULL,
    free_days_device_limit INTEGER
) STRICT;

INSERT INTO tariffs (name, group_id, active, kind, device_type, price, early_change_price, device_limit, has_reports,
    paas_free, proportional_charge, store_period, features, map_filter, service_prices, doc_type, search)
VALUES ('Default', 1, 1, 'monthly', 'tracker', 0, NULL, 1000000, 1,
    0, 0, '1y', '["multilevel_access"]', NULL, '{}', 0, 'default');
INSERT INTO tariff_defaults (id, tariff_id, activation_bonus, free_days, free_days_device_limit)
SELECT 1, id, 0, 0, NULL FROM tariffs;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    default_tariff_id INTEGER REFERENCES tariffs (id),
    balance INTEGER NOT NULL,
    bonus INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- (id, account_id) is unique so that a reference can demand the same account on both sides.
CREATE TABLE security_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    rights TEXT NOT NULL,
    store_period TEXT,
    UNIQUE (id, account_id)
) STRICT;
CREATE UNIQUE INDEX security_groups_label ON security_groups (account_id, label);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    master INTEGER NOT NULL CHECK (master IN (0, 1)),
    security_group_id INTEGER,
    login TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    activated INTEGER NOT NULL CHECK (activated IN (0, 1)),
    verified INTEGER NOT NULL CHECK (verified IN (0, 1)),
    first_name TEXT NOT NULL,
    middle_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    legal_type TEXT NOT NULL,
    phone TEXT NOT NULL,
    post_city TEXT NOT NULL,
    profile TEXT NOT NULL,
    comment TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    measurement_system TEXT NOT NULL,
    geocoder TEXT NOT NULL,
    route_provider TEXT NOT NULL,
    translit INTEGER NOT NULL CHECK (translit IN (0, 1)),
    created INTEGER NOT NULL,
    search TEXT NOT NULL,
    CHECK (master = 0 OR security_group_id IS NULL),
    FOREIGN KEY (security_group_id, account_id) REFERENCES security_groups (id, account_id)
) STRICT;
CREATE UNIQUE INDEX users_login ON users (login);
CREATE UNIQUE INDEX users_master ON users (account_id) WHERE master = 1;
CREATE INDEX users_account ON users (account_id);
CREATE INDEX users_security_group ON users (security_group_id);

CREATE TABLE panel_accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    login TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX panel_accounts_login ON panel_accounts (login);

-- Whoever reads this table learns no session's token: only its SHA-256 stands here.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    panel_account_id INTEGER REFERENCES panel_accounts (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (panel_account_id IS NULL))
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_panel_account ON sessions (panel_account_id);
CREATE INDEX sessions_expires ON sessions (expires);

-- device_id and phone are null as soon as the source has given them up; what they were stands in former_*.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    device_id TEXT,
    former_device_id TEXT,
    model TEXT NOT NULL,
    phone TEXT,
    former_phone TEXT,
    tariff_id INTEGER NOT NULL REFERENCES tariffs (id),
    blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),
    corrupted INTEGER NOT NULL CHECK (corrupted IN (0, 1)),
    status_listing_id INTEGER,
    created INTEGER NOT NULL,
    tariff_end INTEGER,
    accepts_from INTEGER NOT NULL,
    retired INTEGER,
    CHECK (retired IS NULL OR (device_id IS NULL AND phone IS NULL)),
    CHECK (corrupted = 0 OR retired IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX sources_device_id ON sources (device_id);
CREATE UNIQUE INDEX sources_phone ON sources (phone);
CREATE INDEX sources_account ON sources (account_id);
CREATE INDEX sources_tariff ON sources (tariff_id);

-- When a device id was last given up: its next source takes no record older than that.
CREATE TABLE device_releases (
    device_id TEXT PRIMARY KEY,
    released_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tracker_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    title TEXT NOT NULL,
    color TEXT NOT NULL,
    UNIQUE (id, account_id)
) STRICT;
CREATE INDEX tracker_groups_account ON tracker_groups (account_id);

CREATE TABLE trackers (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    label TEXT NOT NULL,
    group_id INTEGER,
    clone INTEGER NOT NULL CHECK (clone IN (0, 1)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    created INTEGER NOT NULL,
    FOREIGN KEY (group_id, account_id) REFERENCES tracker_groups (id, account_id)
) STRICT;
CREATE UNIQUE INDEX trackers_account_source ON trackers (account_id, source_id) WHERE deleted = 0;
CREATE INDEX trackers_source ON trackers (source_id);
CREATE INDEX trackers_group ON trackers (group_id);

-- Which source a tracker stood on and when; the row without to_time is the present one.
CREATE TABLE tracker_sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tracker_id INTEGER NOT NULL REFERENCES trackers (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    from_time INTEGER NOT NULL,
    to_time INTEGER,
    CHECK (to_time IS NULL OR to_time >= from_time)
) STRICT;
CREATE UNIQUE INDEX tracker_sources_present ON tracker_sources (tracker_id) WHERE to_time IS NULL;
CREATE INDEX tracker_sources_tracker ON tracker_sources (tracker_id);
