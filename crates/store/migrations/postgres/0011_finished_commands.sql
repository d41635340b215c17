-- Finished commands are deleted in the order in which they ended. What an immobilizer confirmed last outlives them. The
-- same stands in ../sqlite under the same number.

CREATE INDEX commands_over ON commands (over) WHERE over IS NOT NULL;
ALTER TABLE sources ADD COLUMN immobilized BIGINT NOT NULL DEFAULT 0 CHECK (immobilized IN (0, 1));
