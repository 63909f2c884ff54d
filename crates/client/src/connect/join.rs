//! The steps to enter the room that the user wants at the start of a session. It must not send, print or wait.

use std::time::Duration;

use parlor_proto::{Event, RefusalCode, Reply, RoomName, Verb};

/// Pause before the next `/join` for the room.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// Maximum number of repeats while the store is unreachable. The server may need some seconds for each answer.
const REPEATS: u32 = 5;

/// A `/join` for the room was sent.
#[derive(Debug)]
pub(super) struct Entering {
    pub(super) wanted: RoomName,
    repeats_left: u32,
}

/// The server's answer to the `/join`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The user is in the room.
    Entered,
    /// The server cannot do it now. Another attempt may succeed.
    Later,
    /// The server refuses.
    Refused,
}

impl Entering {
    pub(super) fn new(wanted: RoomName) -> Self {
        Self { wanted, repeats_left: REPEATS }
    }

    /// Returns `None` if `event` is not an answer. No other `/join` is pending: the user's own are not sent yet.
    pub(super) fn answer(&mut self, event: &Event) -> Option<Answer> {
        match event {
            Event::Ok(Reply::Join { room, .. }) if *room == self.wanted => Some(Answer::Entered),
            Event::Error { command: Some(Verb::Join), code: RefusalCode::StoreUnavailable, .. } => {
                let left = self.repeats_left.checked_sub(1);
                self.repeats_left = left.unwrap_or_default();
                Some(left.map_or(Answer::Refused, |_| Answer::Later))
            }
            Event::Error { command: Some(Verb::Join), .. } => Some(Answer::Refused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{Epoch, MessageId};

    fn refusal(command: Verb, code: RefusalCode) -> Event {
        Event::Error { command: Some(command), code, message: String::new() }
    }

    #[test]
    fn while_the_store_is_away_the_room_is_asked_for_again_but_not_for_ever() {
        let mut entering = Entering::new("red".parse().unwrap());
        let away = refusal(Verb::Join, RefusalCode::StoreUnavailable);
        let answers = (0..=REPEATS).map(|_| entering.answer(&away).unwrap());
        let later = answers.take_while(|answer| *answer == Answer::Later).count();
        assert_eq!(later, REPEATS as usize);
        assert_eq!(entering.answer(&away), Some(Answer::Refused));
    }

    #[test]
    fn only_what_is_said_of_the_room_is_an_answer() {
        let mut entering = Entering::new("red".parse().unwrap());
        assert_eq!(entering.answer(&refusal(Verb::Join, RefusalCode::LimitReached)), Some(Answer::Refused));
        assert_eq!(entering.answer(&refusal(Verb::History, RefusalCode::StoreUnavailable)), None);
        let joined = |room: &str| {
            Event::from(Reply::Join { room: room.parse().unwrap(), members: 1, epoch: Epoch(1), last: MessageId(0) })
        };
        assert_eq!(entering.answer(&joined("blue")), None);
        assert_eq!(entering.answer(&joined("red")), Some(Answer::Entered));
    }
}
