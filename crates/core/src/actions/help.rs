//! `/help` and HELP: lists the commands that can be given now.

use parlor_proto::Event;

use crate::effects::Effect;

pub(super) fn answer(in_session: bool) -> Effect {
    Effect::Reply(Event::help(in_session))
}
