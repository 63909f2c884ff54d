//! A story of several clients in bytes that a fuzzer can cut and paste: steps divided by 0xFF. The first byte of a step
//! says who does what, the rest is what is sent. It must not know what becomes of it.

/// How many clients there are.
pub const CLIENTS: usize = 4;

/// Divides the steps; no UTF-8 has it.
const DIVIDER: u8 = 0xFF;

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sends the bytes as one read of its socket.
    Send,
    /// Sends them one by one.
    Trickle,
    /// Sends them eight times over.
    Repeat,
    /// Logs in, and sends them in the same read.
    LogIn,
    /// Sends them while the store fails.
    SendInVain,
    /// Stops reading what it gets, and sends them.
    Stick,
    /// Reads on, and sends them.
    Unstick,
    /// Goes away without a word.
    Vanish,
    /// Lets as many seconds pass as there are bytes, and then its own time is over.
    Expire,
    /// Lets as many seconds pass as there are bytes.
    Wait,
}

/// By four: the letters from `@` on, each for the first, second, third and fourth client. What stands more often comes
/// up more often.
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
    /// Whose; below [`CLIENTS`].
    pub client: usize,
    /// What it does.
    pub deed: Action,
    /// With which bytes.
    pub bytes: &'a [u8],
}

/// The steps of a story.
pub fn steps(story: &[u8]) -> impl Iterator<Item = Step<'_>> {
    story.split(|&byte| byte == DIVIDER).filter_map(|step| {
        let (&first, bytes) = step.split_first()?;
        let code = usize::from(first & 0x3F);
        Some(Step { client: code % CLIENTS, deed: DEEDS[code / CLIENTS], bytes })
    })
}
