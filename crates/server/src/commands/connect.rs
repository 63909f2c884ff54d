//! `parlor connect`: the arguments of the client. It must not connect; the client crate does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::ValueEnum;
use parlor_client::connect::{self, Comforts, ConnectOptions, TrustOption};
use parlor_client::{Address, AddressError, InvitationLink, LinkError, Pin};
use parlor_proto::{RoomName, UserName};

const EXAMPLES: &str = "\
Examples:
  The server on this machine; user and password are asked for:
      parlor connect
  Make an account and log in:
      parlor connect --user ann --register
  A server elsewhere, verified by its CA file, or by its key as
  `parlor cert show` prints it there:
      parlor connect chat.example.org --ca ca.pem
      parlor connect [2001:db8::7]:7878 --pin sha256:…
  An invitation, which has server, code and key in one; it makes the account:
      parlor connect parlor://chat.example.org:7878/pli_…#sha256:…
  Servers that share one Redis; if one goes away, the next takes over:
      parlor connect a.example.org b.example.org:7879 --ca ca.pem
  In scripts, with the password in PARLOR_PASSWORD:
      echo hello | parlor connect --user bot
      tail -f log | parlor connect --user bot --room ops
      parlor connect --user bot --json < lines.txt

On a terminal a line is said to the room, and /help lists the commands. Tab
completes, Ctrl-C clears the line, Ctrl-D or /quit leaves. A lost connection is
made again, to the next server if there are several, and the room entered again.
Enter on an empty line ends the pause before that. What was said there meanwhile
is shown, marked as OLD, and so are the last messages of a room that you enter;
direct messages of before read DM from and DM to. No line is sent before the room
is entered; if it cannot be, the first line that would be said in the lobby
instead is not sent either, and you are told so.
The server is told what you have seen as soon as nothing new comes for some
seconds, so that the next login counts as unread only what you have not seen.

In a pipe every line of standard input is sent, and every answer awaited. What
the lines say is said exactly once: a lost connection is made again, the rooms
are entered again, and what has no answer is sent again, for ten minutes without
success. Commands are sent again too, but for those that would be refused the
second time, such as /subscribe: what is not certain goes to standard error. A
line that is not UTF-8, or longer than any server takes, is not sent; its number
and what is wrong go to standard error, and the next line follows. Events go to
standard output, refusals to standard error. What others say while there is no
connection is not shown, and the client marks nothing as read. Nothing of what is
for terminals only (--recent, --day-lines, --bell) comes there.

With --json the lines go out as they are. To have a message said exactly once,
give it a key: /once KEY LINE. A message without a key is not sent again.

The server is pinged every 20 seconds, so that it does not end the session as
idle. If it does so all the same, since its --idle-timeout is shorter, the client
connects again and pings more often; it loses no line thereby.

The server's certificate is always verified: by --ca or --pin; without them,
for servers on this machine, by DATA/tls/ca.pem if it exists; else by the
system's root certificates. A server whose certificate is not trusted ends the
attempt; it is never passed over for the next one.

Environment:
  PARLOR_PASSWORD  the password; without it and --password-stdin it is asked
                   for on the terminal
  NO_COLOR         if not empty, no colours

Exit codes:
  0  every line was accepted, or you left, or nobody reads standard output any
     more (as with `| head`)
  1  no connection, certificate not trusted, session ended by the server, a line
     without an answer, or standard output cannot be written
  2  wrong usage, or no user name or password to be had
  3  login refused
  4  a line was refused by the server, or not sent since it is not UTF-8";

/// Chat on a server, on a terminal or in a pipe
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArgs {
    /// Server, or several servers of one chat, tried in this order; an IPv6 address stands in brackets, the port is 7878 if none is given; or the link of an invitation
    #[arg(value_name = "HOST[:PORT]", default_value = "127.0.0.1:7878")]
    addresses: Vec<Destination>,

    /// Who logs in; asked for on the terminal if not given
    #[arg(long, value_name = "NAME", env = "PARLOR_USER")]
    user: Option<UserName>,

    /// Make the account, where the server lets everybody do so
    #[arg(long)]
    register: bool,

    /// Enter this room after login; it is made on demand
    #[arg(long, value_name = "ROOM")]
    room: Option<RoomName>,

    /// Trust a server whose certificate was issued by an authority in this PEM file
    #[arg(long, value_name = "FILE", conflicts_with = "pin")]
    ca: Option<PathBuf>,

    /// Trust the server that has this key: sha256: and the SHA-256 of its SubjectPublicKeyInfo, in base64 or hexadecimal digits
    #[arg(long, value_name = "PIN")]
    pin: Option<Pin>,

    /// Data directory of the server on this machine, for its CA file [default: $XDG_DATA_HOME/parlor or ~/.local/share/parlor]
    #[arg(long, value_name = "DIR", env = "PARLOR_DATA")]
    data: Option<PathBuf>,

    /// Print the server's JSON lines as they come, on a terminal too
    #[arg(long)]
    json: bool,

    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,

    /// Messages shown on entering a room, of those from before you came; 0 shows none
    #[arg(long, value_name = "NUMBER", env = "PARLOR_RECENT", default_value_t = Comforts::default().recent as u16)]
    #[arg(value_parser = clap::value_parser!(u16).range(..=RECENT_MAX))]
    recent: u16,

    /// Show a line such as `--- 2026-11-28 ---` where a new day begins, by the local date; off: older dates stand in each line
    #[arg(long, value_name = "ON|OFF", env = "PARLOR_DAY_LINES", default_value = "on")]
    day_lines: Switch,

    /// Ring the terminal's bell when somebody says your name, or something to you alone
    #[arg(long, value_name = "ON|OFF", env = "PARLOR_BELL", default_value = "off")]
    bell: Switch,
}

/// Where to connect.
#[derive(Debug, Clone)]
enum Destination {
    /// A server.
    Server(Address),
    /// A server to which somebody is invited.
    Invitation(InvitationLink),
}

impl Destination {
    fn address(&self) -> &Address {
        match self {
            Self::Server(address) => address,
            Self::Invitation(link) => &link.address,
        }
    }

    fn invitation(&self) -> Option<&InvitationLink> {
        match self {
            Self::Server(_) => None,
            Self::Invitation(link) => Some(link),
        }
    }
}

/// The text is neither an address nor a link.
#[derive(Debug, Clone, thiserror::Error)]
enum DestinationError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("{0}")]
    Link(#[from] LinkError),
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        if InvitationLink::is_meant(text) {
            return Ok(Self::Invitation(text.parse()?));
        }
        Ok(Self::Server(text.parse()?))
    }
}

/// What a server shows at most at once, less what may be said while it is asked.
const RECENT_MAX: i64 = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Chats until the user leaves or the input ends. Prints its errors itself.
pub(crate) fn run(args: ConnectArgs) -> ExitCode {
    connect::run(args.into())
}

impl From<ConnectArgs> for ConnectOptions {
    fn from(args: ConnectArgs) -> Self {
        let invitation = args.addresses.iter().find_map(Destination::invitation).cloned();
        let invited = invitation.as_ref().and_then(|invitation| invitation.pin);
        let trust = match (args.ca, args.pin.or(invited)) {
            (Some(path), _) => TrustOption::Ca(path),
            (None, Some(pin)) => TrustOption::Pin(pin),
            (None, None) => TrustOption::Automatic,
        };
        let mut addresses = args.addresses.iter().map(Destination::address).cloned();
        Self {
            address: addresses.next().unwrap_or_default(),
            others: addresses.collect(),
            trust,
            user: args.user,
            register: args.register,
            invitation: invitation.map(|invitation| invitation.code),
            room: args.room,
            data: args.data,
            json: args.json,
            password_stdin: args.password_stdin,
            comforts: Comforts {
                recent: args.recent.into(),
                day_lines: args.day_lines == Switch::On,
                bell: args.bell == Switch::On,
            },
        }
    }
}
