//! The settings of the rules. It must not read them from anywhere.

use std::time::Duration;

use parlor_proto::UserName;

/// What happens when a user logs in who already has a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateLogin {
    /// The earlier session ends, and the new login succeeds.
    Takeover,
    /// The earlier session stays, and the new login is refused.
    Reject,
}

/// How fast a client may send lines before the server reads them more slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRate {
    /// Lines per second in the long run; never 0.
    pub per_second: u32,
    /// Lines that may arrive at once.
    pub burst: u32,
}

/// The settings of the rules, with the meanings that the protocol gives them.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Name of the server, as HELLO shows it.
    pub server_name: String,
    /// The address of the web door, as others reach it, with `/` at its end; none if it is closed.
    pub page: Option<String>,
    /// Whether REGISTER creates accounts.
    pub registration_open: bool,
    /// Shortest new password, in characters. Passwords of existing accounts may be shorter.
    pub min_password: usize,
    /// Names of which REGISTER creates no account.
    pub reserved_names: Vec<UserName>,
    /// What a second login of the same user does.
    pub duplicate_login: DuplicateLogin,
    /// Longest line in bytes, its ending included.
    pub max_line_bytes: usize,
    /// Time limit for the login.
    pub login_timeout: Duration,
    /// Failures after which a connection that has not logged in is closed.
    pub max_login_failures: u32,
    /// Takeovers of one account within [`Policy::TAKEOVER_WINDOW`].
    pub max_takeovers: usize,
    /// Members of a room above which it gets no JOIN and PART.
    pub presence_limit: usize,
    /// Bytes of events that may be queued for one client.
    pub max_queued_bytes: usize,
    /// Maximum number of rooms that have members at the same time.
    pub max_rooms: usize,
    /// Maximum number of users that one user may follow.
    pub max_subscriptions: usize,
    /// Maximum number of rooms that a session may have open, and that are remembered for one user.
    pub max_open_rooms: usize,
    /// How long after it was said a message can be edited.
    pub edit_window: Duration,
    /// Whether owners may shorten the time for which messages of their rooms are kept. Operators always may.
    pub room_retention: bool,
    /// How long after its last use a ticket is valid. Tickets that exist keep theirs.
    pub ticket_lifetime: Duration,
    /// Rate limit of lines; `None` for no limit.
    pub line_rate: Option<LineRate>,
    /// Whether loopback peers are limited like others.
    pub limit_loopback: bool,
}

impl Policy {
    /// The window in which takeovers are counted.
    pub const TAKEOVER_WINDOW: Duration = Duration::from_secs(60);
    /// How long a new login waits for the end of the session that it displaced.
    pub const TAKEOVER_PATIENCE: Duration = Duration::from_secs(2);
    /// Maximum number of users that one user may block.
    pub const MAX_BLOCKS: usize = 1_000;
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            server_name: "parlor".to_owned(),
            page: Some("https://test/".to_owned()),
            registration_open: true,
            min_password: 1,
            reserved_names: Vec::new(),
            duplicate_login: DuplicateLogin::Takeover,
            max_line_bytes: parlor_proto::DEFAULT_MAX_LINE_BYTES,
            login_timeout: Duration::from_secs(10),
            max_login_failures: 3,
            max_takeovers: 10,
            presence_limit: 100,
            max_queued_bytes: 1 << 20,
            max_rooms: 10_000,
            max_subscriptions: 1_000,
            max_open_rooms: 64,
            edit_window: Duration::from_secs(15 * 60),
            room_retention: false,
            ticket_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            line_rate: None,
            limit_loopback: false,
        }
    }
}
