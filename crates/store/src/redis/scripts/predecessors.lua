-- The session and those that were displaced and not released.
-- KEYS: session, ending. Answers the generation, and the ending ones as pairs.
return {redis.call('HGET', KEYS[1], 'generation') or '0', redis.call('HGETALL', KEYS[2])}
