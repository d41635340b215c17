-- Short messages: the outbox, and what came in. A queued one is tried from `due` on; `reference` is the gateway's name for
-- a sent one. The same tables stand in ../postgres under the same number.

CREATE TABLE sms_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER REFERENCES sources (id),
    phone TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'delivered', 'failed', 'expired')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    asked INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    due INTEGER,
    sent INTEGER,
    over INTEGER,
    reference TEXT,
    reason TEXT,
    CHECK ((due IS NOT NULL) = (state = 'queued')),
    CHECK ((over IS NULL) = (state IN ('queued', 'sent')))
) STRICT;
CREATE INDEX sms_outbox_due ON sms_outbox (due) WHERE state = 'queued';
CREATE INDEX sms_outbox_expires ON sms_outbox (expires) WHERE state = 'queued';
CREATE INDEX sms_outbox_phone ON sms_outbox (phone) WHERE state = 'queued';
CREATE INDEX sms_outbox_reference ON sms_outbox (reference) WHERE state = 'sent';
CREATE INDEX sms_outbox_source ON sms_outbox (source_id, id);
CREATE INDEX sms_outbox_asked ON sms_outbox (asked);

CREATE TABLE sms_received (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 2147483647),
    source_id INTEGER REFERENCES sources (id),
    phone TEXT NOT NULL,
    text TEXT NOT NULL,
    received INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_received_source ON sms_received (source_id, id);
CREATE INDEX sms_received_time ON sms_received (received);
