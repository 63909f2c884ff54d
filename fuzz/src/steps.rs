//! A scenario of several clients in bytes that a fuzzer can cut and paste: steps separated by 0xFF. The first byte of a
//! step selects the client and the action, the rest is the data to send. It must not know the results.

/// Number of clients.
pub const CLIENTS: usize = 4;

/// Separates the steps. It occurs in no UTF-8 text.
const DIVIDER: u8 = 0xFF;

/// The action of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sends the bytes as one read of its socket.
    Send,
    /// Sends the bytes one by one.
    Trickle,
    /// Sends the bytes eight times.
    Repeat,
    /// Logs in, and sends the bytes in the same read.
    LogIn,
    /// Sends the bytes while the store fails.
    SendInVain,
    /// Stops reading, and sends the bytes.
    Stick,
    /// Reads again, and sends the bytes.
    Unstick,
    /// Disconnects without a goodbye.
    Vanish,
    /// Advances the clock by one second for each byte, and then lets the client's own timeout expire.
    Expire,
    /// Advances the clock by one second for each byte.
    Wait,
}

/// The actions by letter, from `@` on: four letters for each action, for the first to the fourth client. An action that
/// is listed more often is chosen more often.
const DEEDS: [Action; 16] = [
    Action::Send,
    Action::Send,
    Action::Send,
    Action::LogIn,
    Action::LogIn,
    Action::Trickle,
    Action::Repeat,
    Action::SendInVain,
    Action::Stick,
    Action::Unstick,
    Action::Vanish,
    Action::Expire,
    Action::Wait,
    Action::Send,
    Action::Send,
    Action::LogIn,
];

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The client; below [`CLIENTS`].
    pub client: usize,
    /// The action.
    pub deed: Action,
    /// The data.
    pub bytes: &'a [u8],
}

/// The steps of a scenario.
pub fn steps(story: &[u8]) -> impl Iterator<Item = Step<'_>> {
    story.split(|&byte| byte == DIVIDER).filter_map(|step| {
        let (&first, bytes) = step.split_first()?;
        let code = usize::from(first & 0x3F);
        Some(Step { client: code % CLIENTS, deed: DEEDS[code / CLIENTS], bytes })
    })
}
