//! `/history`: shows the last messages of the current room.

use parlor_proto::{Event, Logged};

use super::{Context, Outcome};
use crate::effects::{During, Effect};
use crate::ports::{Entry, LogId};

pub(super) fn run(context: &mut Context<'_>, count: usize) -> Outcome {
    let room = context.room.clone();
    let entries = context.store().log.newest(&LogId::Room(room.clone()), count).during("reading the log")?;
    let messages = entries.into_iter().map(logged).collect();
    context.add(Effect::Reply(Event::History { room, messages }));
    Ok(())
}

fn logged(entry: Entry) -> Logged {
    let Entry { id, time, author, text } = entry;
    Logged { id, time, from: author, text }
}
