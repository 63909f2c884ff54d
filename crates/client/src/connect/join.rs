//! Going to the room that the user wants, at the beginning of a session. It must not send, print or wait.

use std::time::Duration;

use parlor_proto::{Event, RefusalCode, Reply, RoomName, Verb};

/// Pause before the room is asked for again.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How often it is asked for again while the store is away. Every answer may take the server some seconds.
const REPEATS: u32 = 5;

/// The room has been asked for.
#[derive(Debug)]
pub(super) struct Entering {
    pub(super) wanted: RoomName,
    repeats_left: u32,
}

/// What the server says to that.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The user is there.
    Entered,
    /// Not now; another attempt may succeed.
    Later,
    /// No.
    Refused,
}

impl Entering {
    pub(super) fn new(wanted: RoomName) -> Self {
        Self { wanted, repeats_left: REPEATS }
    }

    /// `None` if `event` is no answer. No other `/join` is under way: the user's own are not sent yet.
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
