//! The client on a terminal: a line editor that keeps a half-typed line intact when events arrive. It must not read
//! from the network, and waits for it only while a line is sent.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;
use parlor_proto::{Command, ParseError, Verb, parse_command};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use super::catch_up::CatchUp;
use super::complete::TabKey;
use super::network::{NetworkThread, ReconnectConfig};
use super::render::Renderer;
use super::shared::{NotSent, SharedState};
use super::{Exit, history};
use crate::lock;
use crate::session::Session;

const PROMPT: &str = "> ";
/// How long to wait for the end of the session and for the last lines on the screen.
const GOODBYE: Duration = Duration::from_secs(2);

type LineEditor = Editor<TabKey, FileHistory>;

/// Chats until the user leaves. Blocks.
pub(super) fn run(plan: ReconnectConfig, session: Session) -> Exit {
    let link = Arc::new(SharedState::default());
    match start(plan, session, &link) {
        Ok(mut terminal) => {
            let exit = terminal.chat();
            terminal.screen.flush();
            exit
        }
        Err(error) => {
            super::complain(&format!("cannot use this terminal: {error}"));
            Exit::NoConnection
        }
    }
}

fn start(plan: ReconnectConfig, session: Session, link: &Arc<SharedState>) -> rustyline::Result<Terminal> {
    let mut editor = editor(link)?;
    let screen = match editor.create_external_printer() {
        // If the terminal is closed, the editor notices that and ends the program.
        Ok(mut printer) => Screen::start(move |lines| drop(printer.print(lines)))?,
        // The terminal cannot redraw a line (TERM=dumb), so a half-typed line cannot be kept intact.
        Err(_) => Screen::start(|lines| drop(io::stdout().write_all(lines.as_bytes())))?,
    };
    let renderer = Renderer { colour: wants_colour(), zone: TimeZone::system() };
    let (leave, left) = mpsc::channel();
    let (ending, ended) = mpsc::channel::<()>();
    let follower = NetworkThread {
        catch_up: CatchUp::new(session.user.clone()),
        plan,
        link: link.clone(),
        screen: screen.clone(),
        renderer: renderer.clone(),
        left,
    };
    thread::Builder::new().name("network".to_owned()).spawn(move || {
        follower.run(session);
        drop(ending);
    })?;
    Ok(Terminal { editor, link: link.clone(), screen, renderer, leave: Some(leave), ended })
}

fn editor(link: &SharedState) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(history::LINES_MAX)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(TabKey(link.names.clone())));
    if let Some(path) = history::file() {
        // There is no history the first time. The client works without one.
        let _ = editor.load_history(&path);
    }
    Ok(editor)
}

fn wants_colour() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether to read another line.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    Leave,
}

struct Terminal {
    editor: LineEditor,
    link: Arc<SharedState>,
    screen: Screen,
    renderer: Renderer,
    /// Dropped to notify the network thread that the user leaves.
    leave: Option<Sender<()>>,
    /// Disconnected once the network thread has ended.
    ended: Receiver<()>,
}

impl Terminal {
    fn chat(&mut self) -> Exit {
        let path = history::file();
        loop {
            let typed = self.editor.readline(PROMPT);
            let over = *lock(&self.link.over);
            if let Some(exit) = over {
                return exit;
            }
            let then = match typed {
                Ok(typed) => {
                    self.remember(&typed, path.as_deref());
                    self.link.begin_input();
                    // Pasted text may have several lines.
                    let leaves = typed.lines().any(|line| self.take(line) == Then::Leave);
                    if leaves { Then::Leave } else { Then::GoOn }
                }
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Then::GoOn,
                Err(ReadlineError::Eof) => Then::Leave,
                Err(error) => {
                    self.problem(&format!("the terminal failed: {error}"));
                    Then::Leave
                }
            };
            if then == Then::Leave {
                self.say_goodbye();
                return Exit::Done;
            }
        }
    }

    fn remember(&mut self, typed: &str, path: Option<&Path>) {
        if !history::is_harmless(typed) {
            return;
        }
        // Best effort: a full disk must not stop a conversation.
        let _ = self.editor.add_history_entry(typed);
        if let Some(path) = path {
            let _ = self.editor.append_history(path);
        }
    }

    /// Sends one line, unless it is for the client itself.
    fn take(&mut self, line: &str) -> Then {
        let read = parse_command(line.as_bytes());
        let is_message = matches!(read, Ok(Some(Command::Message(_))));
        let new_password = match read {
            Ok(None) => return Then::GoOn,
            Ok(Some(Command::Quit)) => return Then::Leave,
            Ok(Some(Command::Format(_))) => {
                self.problem("this client chooses the format itself; `parlor connect --json` shows JSON");
                return Then::GoOn;
            }
            Ok(Some(Command::Passwd { new, .. })) => Some(Some(new)),
            // The server explains the error in a line.
            Err(ParseError { verb: Some(Verb::Passwd), .. }) => Some(None),
            Ok(Some(_)) | Err(_) => None,
        };
        let sent = self.link.way(is_message).and_then(|sender| {
            lock(&self.link.passwords).extend(new_password);
            sender.send_line(line).map_err(|_| NotSent::NoConnection)
        });
        if let Err(why) = sent {
            self.problem(&format!("not sent: {why}"));
        }
        Then::GoOn
    }

    fn say_goodbye(&mut self) {
        self.link.leaving.store(true, Ordering::SeqCst);
        self.leave = None;
        let connection = self.link.connection();
        // A server that cannot be notified sees the end of the connection itself.
        if connection.is_some_and(|sender| sender.send_if_idle("/quit").unwrap_or_default()) {
            // Only the disconnection or the timeout can end this wait. Both mean that the client must end.
            let _ = self.ended.recv_timeout(GOODBYE);
        }
    }

    fn problem(&self, text: &str) {
        self.screen.print(self.renderer.problem(Moment::now(), text));
    }
}

enum Output {
    Lines(String),
    Flush(SyncSender<()>),
}

/// The path to the terminal. One thread prints, since two would mix their lines with the lines of the editor.
#[derive(Clone)]
pub(super) struct Screen(Sender<Output>);

impl Screen {
    /// `print` receives whole lines, each with its line ending.
    pub(super) fn start(mut print: impl FnMut(String) + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().name("screen".to_owned()).spawn(move || {
            for output in receiver {
                match output {
                    Output::Lines(lines) => print(lines),
                    // The waiting thread may have given up.
                    Output::Flush(done) => drop(done.try_send(())),
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// Prints `lines` above the line that the user is typing. Never blocks.
    pub(super) fn print(&self, mut lines: String) {
        lines.push('\n');
        // The printing thread lives as long as any sender.
        let _ = self.0.send(Output::Lines(lines));
    }

    /// Waits until everything is printed, or until a timeout.
    pub(super) fn flush(&self) {
        let (done, flushed) = mpsc::sync_channel(1);
        if self.0.send(Output::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(GOODBYE);
        }
    }
}
