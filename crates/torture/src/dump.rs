//! The logs as Redis has them, read in one step. It must not compare them with anything.

use serde_json::Value;

use crate::record::{Dump, Entry};

/// A script that returns all logs. If its argument is `empty`, it also empties Redis in the same step.
pub(crate) const LOGS: &str = "local logs = {}
for _, kind in ipairs({'log', 'feed', 'inbox'}) do
  for _, key in ipairs(redis.call('KEYS', 'parlor:' .. kind .. ':*')) do logs[key] = redis.call('XRANGE', key, '-', '+') end
end
if ARGV[1] == 'empty' then redis.call('FLUSHALL') end
return cjson.encode(logs)";

/// Reads what [`LOGS`] returned.
pub(crate) fn read(json: &str) -> Option<Dump> {
    let logs: Value = serde_json::from_str(json).ok()?;
    let mut dump = Dump::default();
    // An empty table of Lua is an empty list in JSON.
    for (key, log) in logs.as_object().into_iter().flatten() {
        let (kind, name) = key.split_once('{')?;
        let logs = match kind {
            "parlor:log:" => &mut dump.rooms,
            "parlor:feed:" => &mut dump.feeds,
            _ => &mut dump.inboxes,
        };
        let entries = log.as_array().map(|log| log.iter().map(entry).collect());
        logs.insert(name.trim_end_matches('}').to_owned(), entries.unwrap_or_else(|| Some(Vec::new()))?);
    }
    Some(dump)
}

/// An entry of a stream: its id, then its fields and values in turn.
fn entry(stored: &Value) -> Option<Entry> {
    let fields = stored[1].as_array()?;
    let field = |name: &str| {
        let at = fields.iter().step_by(2).position(|field| field == name)?;
        fields.get(2 * at + 1)?.as_str().map(str::to_owned)
    };
    let id = stored[0].as_str()?.split_once('-')?.0.parse().ok()?;
    Some(Entry { id, from: field("from")?, to: field("to"), text: field("text")? })
}
