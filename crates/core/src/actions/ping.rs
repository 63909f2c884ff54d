//! `/ping` and PING: a sign of life.

use parlor_proto::Event;

use crate::effects::Effect;

pub(super) fn answer(token: Option<String>) -> Effect {
    Effect::Reply(Event::Pong { token })
}
