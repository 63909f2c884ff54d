//! What an outgoing hook posts: one message of its room as a JSON object. It must not sign it.

use serde::Serialize;

use crate::ids::{Epoch, MessageId};
use crate::name::{RoomName, UserName};
use crate::reply::is_false;
use crate::text::Text;
use crate::time::Timestamp;

/// One message of a room. Epoch and number together name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookPost<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// The number of the message in the log of the room.
    pub id: MessageId,
    /// The epoch of the log.
    pub epoch: Epoch,
    /// When the message was accepted.
    pub time: Timestamp,
    /// Who said it.
    pub from: &'a UserName,
    /// Its text at the time of the post.
    pub text: &'a Text,
    /// Whether a program said it by a hook.
    #[serde(skip_serializing_if = "is_false")]
    pub bot: bool,
    /// How many entries of the log before this one were forgotten before they could be posted.
    #[serde(skip_serializing_if = "is_zero")]
    pub missed: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl HookPost<'_> {
    /// The body of the request.
    pub fn body(&self) -> String {
        // The fields are strings and numbers, which always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_says_what_was_said_and_what_is_unusual() {
        let (room, from, text) = ("red".parse().unwrap(), "ann".parse().unwrap(), Text::sanitise("a \"b\"").unwrap());
        let time = Timestamp::from_millis(1_795_342_830_456);
        let mut post = HookPost {
            room: &room,
            id: MessageId(7),
            epoch: Epoch(1),
            time,
            from: &from,
            text: &text,
            bot: false,
            missed: 0,
        };
        let start = format!(
            r#"{{"room":"red","id":7,"epoch":"0000000000000001","time":"{time}","from":"ann","text":"a \"b\"""#
        );
        assert_eq!(post.body(), format!("{start}}}"));
        (post.bot, post.missed) = (true, 3);
        assert_eq!(post.body(), format!(r#"{start},"bot":true,"missed":3}}"#));
    }
}
