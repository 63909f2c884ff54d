-- Does nothing. Redis refuses it whenever it refuses to append an entry: its memory is full, its disk fails, or it is a
-- replica.
return 1
