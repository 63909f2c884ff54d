//! `parlor connect`: a chat client for users on a terminal, and for scripts in a pipe. It must not parse the command
//! line, and it talks to servers through the connection library only.

mod catch_up;
mod complaints;
mod complete;
mod first_login;
mod history;
mod keyboard;
mod login;
mod marks;
mod network;
mod once;
mod pipe;
mod received_ids;
mod reconnect;
mod render;
mod requests;
mod roles;
mod rooms;
mod shared;
mod terminal;

use std::io::{self, BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use parlor_proto::{Credentials, InvitationCode, RoomName, UserName};

use crate::address::Address;
use crate::connector::Connector;
use crate::pin::Pin;
use crate::session::{Entry, Session};
use crate::trust::Trust;
use complaints::{Complaints, LAST_WORDS};
use first_login::{first_login, login_failure};
use login::Unavailable;
use network::Proof;

/// The options from the command line and the environment.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The server that is tried first.
    pub address: Address,
    /// Other servers of the same chat, in the order in which they are tried.
    pub others: Vec<Address>,
    /// How the server proves its identity.
    pub trust: TrustOption,
    /// The user who logs in. If `None`, the client asks on the terminal.
    pub user: Option<UserName>,
    /// Whether to create the account.
    pub register: bool,
    /// The invitation by which the account is created.
    pub invitation: Option<InvitationCode>,
    /// The room to enter after login, if not the lobby.
    pub room: Option<RoomName>,
    /// The data directory of a server on this machine. `None` means the default directory.
    pub data: Option<PathBuf>,
    /// Raw JSON lines instead of text.
    pub json: bool,
    /// Whether the first line of standard input is the password.
    pub password_stdin: bool,
    /// What a terminal shows besides what comes; a pipe shows nothing of it.
    pub comforts: Comforts,
}

/// What people on a terminal may want or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comforts {
    /// How many messages from before one came are shown on entering a room.
    pub recent: usize,
    /// Whether a line tells of each new day.
    pub day_lines: bool,
    /// Whether a mention of the own name, or a direct message, rings the terminal's bell.
    pub bell: bool,
}

impl Default for Comforts {
    fn default() -> Self {
        Self { recent: 10, day_lines: true, bell: false }
    }
}

/// How a server proves its identity, as given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustOption {
    /// By the authority of the server on this machine if all servers are on this machine, else by the system's
    /// authorities.
    Automatic,
    /// By an authority in this PEM file.
    Ca(PathBuf),
    /// By its key.
    Pin(Pin),
}

/// The exit code of the program. The numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All was accepted, or the user left, or nobody reads the output any more.
    Done = 0,
    /// No connection, or it was lost, or the server ended it, or the output cannot be written.
    NoConnection = 1,
    /// Something is missing that only the user can provide.
    Usage = 2,
    /// The server refused the login.
    LoginRefused = 3,
    /// The server refused a line, or it could not be sent since it is not UTF-8.
    LineRefused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Chats until the user leaves or the input ends. Prints its errors itself, one line each, on standard error. Blocks.
/// Owns standard input and output.
pub fn run(options: ConnectOptions) -> ExitCode {
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal() && !options.json;
    let exit = chat(&options, interactive).unwrap_or_else(|failure| {
        complain(&failure.message);
        failure.exit
    });
    exit.into()
}

/// An end before the chat starts.
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn new(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self { exit, message: error.to_string() }
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::new(Exit::Usage, &error)
    }
}

/// Says why the program ends, or cannot begin.
fn complain(message: &str) {
    // Where there is no room for a thread, nor for this line, the exit code still tells.
    let Ok(complaints) = Complaints::start(io::stderr()) else { return };
    complaints.say(&format!("parlor: {message}"));
    complaints.finish(LAST_WORDS);
}

fn chat(options: &ConnectOptions, interactive: bool) -> Result<Exit, Failure> {
    let trust = trust(options);
    let connector = Connector::new(options.address.clone(), &trust)
        .map_err(|error| Failure::new(Exit::NoConnection, &error))?
        .with_others(options.others.iter().cloned());
    let entry = if options.register || options.invitation.is_some() { Entry::Register } else { Entry::Login };
    let credentials = login::credentials(options.user.as_ref(), options.password_stdin, entry)?;
    let mut session = first_login(&connector, entry, options.invitation.as_ref(), &credentials)?;
    let address = session.address.clone();
    let Credentials { user, password } = credentials;
    let proof = Proof::of(&mut session, password).map_err(|error| login_failure(&address, &error))?;
    let plan = network::ReconnectConfig { connector, user, proof, room: options.room.clone() };
    if interactive {
        return Ok(terminal::run(plan, session, options.comforts));
    }
    in_pipe(plan, session, options)
}

fn in_pipe(plan: network::ReconnectConfig, session: Session, options: &ConnectOptions) -> Result<Exit, Failure> {
    let view = if options.json { pipe::View::Json } else { pipe::View::Text };
    let complaints = Complaints::start(io::stderr()).map_err(|error| Failure::new(Exit::NoConnection, &error))?;
    // Lines that came along with the password wait in the buffer behind this handle; they are read first.
    let reader = BufReader::new(io::stdin());
    let input = pipe::Input { reader, lines_before: options.password_stdin.into() };
    let exit = pipe::run(plan, session, view, input, io::stdout(), &complaints, pipe::PATIENCE);
    complaints.finish(LAST_WORDS);
    Ok(exit)
}

/// The trust rule, the same for all servers: the one from the command line, else the authority of the servers on this
/// machine.
fn trust(options: &ConnectOptions) -> Trust {
    match &options.trust {
        TrustOption::Ca(path) => Trust::Ca(path.clone()),
        TrustOption::Pin(pin) => Trust::Pin(*pin),
        TrustOption::Automatic => {
            let data = options.data.clone().or_else(|| home_directory("XDG_DATA_HOME", ".local/share"));
            let local = data.map(|data| data.join("tls").join("ca.pem"));
            let all_here = options.address.is_loopback() && options.others.iter().all(Address::is_loopback);
            match local.filter(|path| all_here && path.exists()) {
                Some(path) => Trust::Ca(path),
                None => Trust::System,
            }
        }
    }
}

/// Parlor's directory under `variable`, by default under `fallback` in the home directory.
fn home_directory(variable: &str, fallback: &str) -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let base = std::env::var_os(variable)
        .and_then(|path| absolute(path.into()))
        .or_else(|| std::env::home_dir().and_then(absolute).map(|home| home.join(fallback)));
    base.map(|base| base.join("parlor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(address: &str, trust: TrustOption, data: &std::path::Path) -> ConnectOptions {
        ConnectOptions {
            address: address.parse().unwrap(),
            others: Vec::new(),
            trust,
            user: None,
            register: false,
            invitation: None,
            room: None,
            data: Some(data.to_owned()),
            json: false,
            password_stdin: false,
            comforts: Comforts::default(),
        }
    }

    #[test]
    fn the_authority_of_this_machine_is_found_for_this_machine_only() {
        let data = tempfile::tempdir().unwrap();
        let before = trust(&options("localhost", TrustOption::Automatic, data.path()));
        let path = data.path().join("tls").join("ca.pem");
        std::fs::create_dir(data.path().join("tls")).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(before, Trust::System);
        for (host, expected) in [
            ("localhost", Trust::Ca(path.clone())),
            ("127.0.0.1", Trust::Ca(path.clone())),
            ("[::1]:1", Trust::Ca(path)),
            ("chat.example", Trust::System),
        ] {
            assert_eq!(trust(&options(host, TrustOption::Automatic, data.path())), expected, "{host}");
        }
    }

    #[test]
    fn one_server_elsewhere_is_enough_not_to_trust_the_authority_of_this_machine() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("tls")).unwrap();
        let path = data.path().join("tls").join("ca.pem");
        std::fs::write(&path, "").unwrap();
        let with = |other: &str| {
            let others = vec![other.parse().unwrap()];
            trust(&ConnectOptions { others, ..options("localhost", TrustOption::Automatic, data.path()) })
        };
        assert_eq!((with("[::1]:2"), with("chat.example")), (Trust::Ca(path.clone()), Trust::System));
    }

    #[test]
    fn what_the_command_line_says_comes_first() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("tls")).unwrap();
        std::fs::write(data.path().join("tls").join("ca.pem"), "").unwrap();
        let file = TrustOption::Ca("other.pem".into());
        assert_eq!(trust(&options("localhost", file, data.path())), Trust::Ca("other.pem".into()));
    }

    #[test]
    fn a_pin_is_enough_wherever_the_server_is() {
        let pin = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse().unwrap();
        let data = tempfile::tempdir().unwrap();
        assert_eq!(trust(&options("chat.example", TrustOption::Pin(pin), data.path())), Trust::Pin(pin));
    }

    #[test]
    fn scripts_tell_the_ends_apart_by_their_numbers() {
        let exits = [Exit::Done, Exit::NoConnection, Exit::Usage, Exit::LoginRefused, Exit::LineRefused];
        assert_eq!(exits.map(ExitCode::from), [0_u8, 1, 2, 3, 4].map(ExitCode::from));
        let failure = Failure::from(Unavailable::Differ);
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Usage, "the two passwords differ"));
    }
}
