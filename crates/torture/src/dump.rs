//! The logs as Redis has them, read in one step. It must not compare them with anything.

use std::collections::BTreeMap;

use parlor_proto::{Action, MessageId, ModerationEntry, Text, Timestamp};
use serde_json::Value;

use crate::record::{Content, Dump, Entry};

/// A script that returns all logs. If its argument is `empty`, it also empties Redis in the same step.
pub(crate) const LOGS: &str = "local logs = {}
for _, kind in ipairs({'log', 'feed', 'inbox'}) do
  for _, key in ipairs(redis.call('KEYS', 'parlor:' .. kind .. ':*')) do logs[key] = redis.call('XRANGE', key, '-', '+') end
end
for _, key in ipairs(redis.call('KEYS', 'parlor:amended:room:*')) do logs[key] = redis.call('ZRANGE', key, 0, -1) end
if ARGV[1] == 'empty' then redis.call('FLUSHALL') end
return cjson.encode(logs)";

/// Begins what is no simple text.
const MARK: char = '\u{1}';

/// Reads what [`LOGS`] returned.
pub(crate) fn read(json: &str) -> Option<Dump> {
    let logs: Value = serde_json::from_str(json).ok()?;
    let mut dump = Dump::default();
    let mut changed: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    // An empty table of Lua is an empty list in JSON.
    for (key, log) in logs.as_object().into_iter().flatten() {
        let (kind, name) = key.split_once('{')?;
        let (logs, entry): (_, fn(&Value) -> Option<Entry>) = match kind {
            "parlor:log:" => (&mut dump.rooms, entry),
            "parlor:feed:" => (&mut dump.feeds, entry),
            "parlor:amended:room:" => (&mut changed, amended),
            _ => (&mut dump.inboxes, entry),
        };
        let entries = log.as_array().map(|log| log.iter().map(entry).collect());
        logs.insert(name.trim_end_matches('}').to_owned(), entries.unwrap_or_else(|| Some(Vec::new()))?);
    }
    for (room, entries) in changed {
        let log = dump.rooms.entry(room).or_default();
        log.extend(entries);
        log.sort_by_key(|entry| entry.id);
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
    interpret(id, field("time")?.parse().ok()?, field("from")?, field("to"), &field("text")?)
}

/// An entry that reads differently from what was appended: number, time, author, text.
fn amended(stored: &Value) -> Option<Entry> {
    let [id, time, from, text] = words(stored.as_str()?)?;
    interpret(id.parse().ok()?, time.parse().ok()?, from.to_owned(), None, text)
}

/// What the stored form of an entry says.
fn interpret(id: u64, time: i64, from: String, to: Option<String>, stored: &str) -> Option<Entry> {
    let Some(form) = stored.strip_prefix(MARK) else { return Some(Entry::said(id, from, to, stored.to_owned())) };
    let (kind, rest) = form.split_once(' ').unwrap_or((form, ""));
    let (text, content) = match kind {
        "amended" => {
            let [_, _, text] = words(rest)?;
            return Some(Entry::edited(id, from, text.to_owned()));
        }
        "bot" => (rest, Content::Bot),
        "gone" => ("", Content::Gone),
        "edit" => {
            let [of, text] = words(rest)?;
            (text, Content::Edit { of: of.parse().ok()? })
        }
        "removal" => {
            let [of, reason] = words(rest)?;
            (reason, Content::Removal { of: of.parse().ok()? })
        }
        "topic" => (rest, Content::Topic),
        "invitation" => return Some(Entry::invited(id, from, to, rest, Timestamp::from_millis(time))),
        "moderation" => return moderation(id, time, &from, rest),
        _ => return None,
    };
    Some(Entry { id, from, to, text: text.to_owned(), content })
}

fn moderation(id: u64, time: i64, from: &str, form: &str) -> Option<Entry> {
    let [action, user, until, reason] = words(form)?;
    let given = |word: &'_ str| (word != "*").then(|| word.to_owned());
    Some(Entry::moderation(&ModerationEntry {
        id: MessageId(id),
        time: Timestamp::from_millis(time),
        from: from.parse().ok()?,
        action: Action::find(action)?,
        user: given(user).map(|user| user.parse()).transpose().ok()?,
        until: given(until).map(|until| until.parse().map(Timestamp::from_millis)).transpose().ok()?,
        reason: Text::sanitise(reason).into(),
    }))
}

/// Splits a text into `N` words. The last one is the rest of the text.
fn words<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut words = text.splitn(N, ' ');
    let mut found = [""; N];
    for word in &mut found {
        *word = words.next()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_were_changed_stand_between_the_others() {
        let json = r#"{"parlor:log:{red}":[["1-0",["from","ann","time","5","text","a1","by","1 1"]],
            ["3-0",["from","jan","time","7","text","\u0001moderation ban bob * spam","by","1 2"]]],
            "parlor:amended:room:{red}":["2 6 ann \u0001amended 8 9 a3~a2","4 8 ann \u0001gone","5 9 ann \u0001edit 2 "]}"#;
        let log = read(json).unwrap().rooms.remove("red").unwrap();
        let seen: Vec<_> = log.iter().map(|entry| (entry.id, entry.text.as_str())).collect();
        assert_eq!(seen, [(1, "a1"), (2, "a2"), (3, "(jan ban bob spam at 7)"), (4, ""), (5, "")]);
        assert_eq!(log[4].content, Content::Edit { of: 2 });
        assert!(log[2].removes("bob"));
    }
}
