-- What a message that came in turned out to be, and parts of long ones that wait for each other. The same stands in
-- ../postgres under the same number.

ALTER TABLE sms_received ADD COLUMN reading TEXT NOT NULL DEFAULT 'text' CHECK (reading IN ('waiting', 'position', 'text'));
CREATE INDEX sms_received_waiting ON sms_received (id) WHERE reading = 'waiting';

-- `reference` tells the parts of one message from those of another; they are deleted when the message is whole.
CREATE TABLE sms_parts (
    phone TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number BETWEEN 1 AND total),
    text TEXT NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (phone, reference, total, number)
) STRICT;
CREATE INDEX sms_parts_received ON sms_parts (received);
