//! `/publish`: says something to the user's followers. It must not reach anybody else.

use parlor_proto::Text;

use super::{Context, Outcome};
use crate::effects::Effect;
use crate::ports::LogId;

pub(super) fn run(context: &mut Context<'_>, text: Text) -> Outcome {
    let log = LogId::Feed(context.user.clone());
    context.add(Effect::Append { log, text });
    Ok(())
}
