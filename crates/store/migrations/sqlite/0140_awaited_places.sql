-- 1 while a short message asks its device where it is, and none that came in has answered. The same stands in ../postgres
-- under the same number.

ALTER TABLE sms_outbox ADD COLUMN awaits_place INTEGER NOT NULL DEFAULT 0 CHECK (awaits_place IN (0, 1));
