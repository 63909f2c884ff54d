-- The session that counts: the one that is there, or else the newest that was. An earlier one may not act, even if its
-- successor is over. KEYS: session, user. Answers its generation, 0 if there never was one.
return redis.call('HGET', KEYS[1], 'generation') or redis.call('HGET', KEYS[2], 'generation') or '0'
