//! The state of the model: two slots of Redis, two servers on which the sender has sessions one after the other, and the
//! server that ends the sessions of dead ones. It must not know the steps.

/// What identifies a message of the sender: generation and number of the command.
pub(crate) type Token = (u8, u8);

/// A copy that is to be stored: the place of the entry in the sender's inbox, and the message.
pub(crate) type Copy = (usize, Token);

/// A command that was sent and whose answer its sender waits for, or has given up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Command {
    Append(Token),
    ReadNotes,
    StoreCopies(Vec<Copy>),
    RemoveNotes(Vec<usize>),
}

/// What a process does next, or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Nothing is begun.
    Idle,
    /// It sends this command next.
    Next(Command),
    /// It waits for the answer to a command.
    Waiting(Command),
    /// It could not store copies, and tries again.
    Failed,
    /// It does nothing any more.
    Dead,
}

/// A process: a server with a session of the sender, or the reaper.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) phase: Phase,
    /// Messages that the session still sends.
    pub(crate) left: u8,
    /// The last command of the session.
    pub(crate) seq: u8,
}

/// Who a command belongs to.
pub(crate) const FIRST: usize = 0;
pub(crate) const SECOND: usize = 1;
pub(crate) const REAPER: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// The slot of the sender: the newest session, and its newest command.
    pub(crate) generation: u8,
    pub(crate) last_seq: u8,
    /// The sender's inbox, and the entries in it whose copy is missing.
    pub(crate) sent: Vec<Token>,
    pub(crate) notes: Vec<usize>,
    /// The slot of the recipient: the inbox, and the newest copy.
    pub(crate) got: Vec<Token>,
    pub(crate) newest: Token,
    pub(crate) processes: [Process; 3],
    /// Whether a message was stored after its server had taken it for lost: then only the next login finds it.
    pub(crate) is_late: bool,
    /// Commands on their way, each with the process that sent it.
    pub(crate) in_flight: Vec<(usize, Command)>,
    /// How often an answer may still be lost, a delivery may still fail, and a server may still die.
    pub(crate) losses: u8,
    pub(crate) failures: u8,
    pub(crate) deaths: u8,
}

impl State {
    /// Nothing was said. The second session sends this many messages.
    pub(crate) fn start(second: u8) -> Self {
        let process = |left| Process { phase: Phase::Idle, left, seq: 0 };
        Self {
            generation: 1,
            last_seq: 0,
            sent: Vec::new(),
            notes: Vec::new(),
            got: Vec::new(),
            newest: (0, 0),
            processes: [process(2), process(second), process(0)],
            is_late: false,
            in_flight: Vec::new(),
            losses: 1,
            failures: 1,
            deaths: 1,
        }
    }
}
