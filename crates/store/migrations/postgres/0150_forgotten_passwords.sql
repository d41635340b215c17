-- The password of a lock is kept for its command alone: those that are over lose it, also where the reply repeats it.
UPDATE commands SET reply = REPLACE(reply, SUBSTR(command, 38, LENGTH(command) - 40), '***')
    WHERE command LIKE '{"lock":{"action":"seal","password":"%' AND state NOT IN ('queued', 'taken', 'sent');
UPDATE commands SET reply = REPLACE(reply, SUBSTR(command, 40, LENGTH(command) - 42), '***')
    WHERE command LIKE '{"lock":{"action":"unseal","password":"%' AND state NOT IN ('queued', 'taken', 'sent');
UPDATE commands SET command = '{"lock":{"action":"seal","password":""}}'
    WHERE command LIKE '{"lock":{"action":"seal",%' AND state NOT IN ('queued', 'taken', 'sent');
UPDATE commands SET command = '{"lock":{"action":"unseal","password":""}}'
    WHERE command LIKE '{"lock":{"action":"unseal",%' AND state NOT IN ('queued', 'taken', 'sent');
