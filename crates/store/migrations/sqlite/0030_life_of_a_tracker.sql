-- The life of a tracker: SIM cards, bundles of a device and a SIM, activation codes, changes of plan. The same tables
-- stand in ../postgres under the same number.

-- The number of a bundled SIM is hidden from the user.
ALTER TABLE sources ADD COLUMN bundled_sim INTEGER NOT NULL DEFAULT 0 CHECK (bundled_sim IN (0, 1));
ALTER TABLE sources ADD COLUMN tariff_changed INTEGER;
-- When the panel last had the registration commands sent again.
ALTER TABLE sources ADD COLUMN registration_retried INTEGER;
-- Set for a user who was removed; login is then a text that nobody can type.
ALTER TABLE users ADD COLUMN former_login TEXT;

CREATE TABLE sim_cards (
    iccid TEXT PRIMARY KEY,
    phone TEXT NOT NULL,
    apn_name TEXT NOT NULL,
    apn_user TEXT NOT NULL,
    apn_password TEXT NOT NULL,
    blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX sim_cards_phone ON sim_cards (phone);

-- A device that is sold with a SIM; order_id names an order of another system.
CREATE TABLE bundles (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    imei TEXT NOT NULL,
    model TEXT NOT NULL,
    factory_preset INTEGER NOT NULL CHECK (factory_preset IN (0, 1)),
    iccid TEXT REFERENCES sim_cards (iccid),
    assigned INTEGER,
    order_id INTEGER
) STRICT;
CREATE UNIQUE INDEX bundles_imei ON bundles (imei);
CREATE UNIQUE INDEX bundles_iccid ON bundles (iccid);

CREATE TABLE activation_codes (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    code TEXT NOT NULL,
    tariff_id INTEGER NOT NULL REFERENCES tariffs (id),
    bonus_amount INTEGER NOT NULL,
    free_days INTEGER NOT NULL,
    activated INTEGER,
    source_id INTEGER REFERENCES sources (id),
    CHECK ((activated IS NULL) = (source_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX activation_codes_code ON activation_codes (code);
CREATE INDEX activation_codes_tariff ON activation_codes (tariff_id);
