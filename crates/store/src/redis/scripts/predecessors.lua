-- The session, and the sessions that were displaced and not released.
-- KEYS: session, ending. Returns the generation, and the ending sessions as pairs.
return {redis.call('HGET', KEYS[1], 'generation') or '0', redis.call('HGETALL', KEYS[2])}
