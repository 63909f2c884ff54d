-- The session, the sessions that were displaced and not released, and the direct messages without the recipient's copy.
-- KEYS: session, ending, messages without a copy. Returns the generation, the ending sessions as pairs, and the number of
-- messages.
return {redis.call('HGET', KEYS[1], 'generation') or '0', redis.call('HGETALL', KEYS[2]), redis.call('HLEN', KEYS[3])}
