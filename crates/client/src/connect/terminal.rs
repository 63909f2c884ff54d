//! The client on a terminal: a line editor that keeps a half-typed line intact when events arrive. It must not read
//! from the network, and waits for it only while a line is sent.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;
use parlor_proto::{Command, ParseError, RoomName, Verb, parse_command};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use super::catch_up::CatchUp;
use super::complete::{Draft, TabKey};
use super::network::{NetworkThread, Places, ReconnectConfig};
use super::once::Outbox;
use super::render::{Days, Renderer};
use super::shared::{SharedState, Typed};
use super::{Comforts, Exit, history, keyboard};
use crate::lock;
use crate::session::Session;

/// How long a prompt waits for the answer to a line that may change the room in it.
const PROMPT_PATIENCE: Duration = Duration::from_millis(300);
/// How long the first one waits for the room in which the session begins.
const FIRST_PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait for the end of the session and for the last lines on the screen.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bytes that may wait for the terminal.
const WAITING_MAX: usize = 4 << 20;

type LineEditor = Editor<TabKey, FileHistory>;

/// Chats until the user leaves. Blocks.
pub(super) fn run(plan: ReconnectConfig, session: Session, comforts: Comforts) -> Exit {
    let link = Arc::new(SharedState::default());
    match start(plan, session, &link, comforts) {
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

fn start(
    plan: ReconnectConfig,
    session: Session,
    link: &Arc<SharedState>,
    comforts: Comforts,
) -> rustyline::Result<Terminal> {
    let draft = Arc::default();
    let mut editor = editor(link, &draft)?;
    let screen = match editor.create_external_printer() {
        // If the terminal is closed, the editor notices that and ends the program.
        Ok(mut printer) => Screen::start(move |lines| drop(printer.print(lines)))?,
        // The terminal cannot redraw a line (TERM=dumb), so a half-typed line cannot be kept intact.
        Err(_) => Screen::start(|lines| drop(io::stdout().write_all(lines.as_bytes())))?,
    };
    let Comforts { recent, day_lines, bell } = comforts;
    let me = session.user.clone();
    let days = day_lines.then(Days::default);
    let renderer = Renderer { colour: wants_colour(), zone: TimeZone::system(), me, bell, days };
    let (leave, left) = mpsc::sync_channel(1);
    let farewell = plan.proof.farewell();
    let (ending, ended) = mpsc::channel::<()>();
    let follower = NetworkThread {
        catch_up: CatchUp::new(session.user.clone(), recent),
        places: Places::default(),
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
    let marks = link.clone();
    thread::Builder::new().name("marks".to_owned()).spawn(move || marks.tell_read_in_time())?;
    Ok(Terminal { editor, draft, link: link.clone(), screen, renderer, farewell, leave: Some(leave), ended })
}

fn editor(link: &SharedState, draft: &Arc<Mutex<Draft>>) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(history::LINES_MAX)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(TabKey { names: link.names.clone(), draft: draft.clone() }));
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
    Leave(Exit),
}

struct Terminal {
    editor: LineEditor,
    /// The line that is being typed. No lock is taken inside this one.
    draft: Arc<Mutex<Draft>>,
    link: Arc<SharedState>,
    screen: Screen,
    renderer: Renderer,
    /// What is sent at the end.
    farewell: String,
    /// Tells the network's thread that the user wants no pause; dropped to tell it that they leave.
    leave: Option<SyncSender<()>>,
    /// Disconnected once the network's thread has ended.
    ended: Receiver<()>,
}

impl Terminal {
    fn chat(&mut self) -> Exit {
        let path = history::file();
        let mut draft = Draft::default();
        // The greeting is printed first: the editor does not draw its prompt again below what comes while it draws it.
        self.link.current_room(FIRST_PATIENCE);
        self.screen.flush();
        loop {
            let Draft { before, behind } = std::mem::take(&mut draft);
            *lock(&self.draft) = Draft::default();
            let prompt = prompt(self.link.current_room(PROMPT_PATIENCE).as_ref());
            let typed = self.editor.readline_with_initial(&prompt, (&before, &behind));
            let over = *lock(&self.link.over);
            if let Some(exit) = over {
                return exit;
            }
            let then = match typed {
                Ok(typed) => self.take_input(&typed, path.as_deref()),
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => self.give_up_line(),
                Err(ReadlineError::Eof) => Then::Leave(Exit::Done),
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    draft = std::mem::take(&mut *lock(&self.draft));
                    self.drop_bad_keys()
                }
                Err(error) => self.terminal_failed(&error),
            };
            if let Then::Leave(exit) = then {
                self.say_goodbye();
                return exit;
            }
        }
    }

    /// After Ctrl-C. The line stays on the screen, where it looks as if it had been sent.
    fn give_up_line(&self) -> Then {
        if !lock(&self.draft).is_empty() {
            self.screen.print(self.renderer.news(Moment::now(), "not sent"));
        }
        Then::GoOn
    }

    /// After a byte that is not UTF-8. What came with it, a paste perhaps, is not typed by hand and would be wrong.
    fn drop_bad_keys(&self) -> Then {
        match keyboard::drop_pending() {
            Ok(()) => {
                self.problem(
                    "that was not UTF-8: it is dropped, with all that was pasted with it; nothing of it was sent",
                );
                Then::GoOn
            }
            Err(error) => self.terminal_failed(&error),
        }
    }

    fn terminal_failed(&self, error: &dyn std::error::Error) -> Then {
        self.problem(&format!("the terminal failed: {error}"));
        Then::Leave(Exit::NoConnection)
    }

    /// Takes what was typed up to Enter. Pasted text may have several lines.
    fn take_input(&mut self, typed: &str, path: Option<&Path>) -> Then {
        // Some programs begin a text with this mark.
        let typed = typed.strip_prefix('\u{feff}').unwrap_or(typed);
        if typed.len() > keyboard::INPUT_MAX {
            let (have, max) = (typed.len(), keyboard::INPUT_MAX);
            self.problem(&format!(
                "not sent: {have} bytes at once, {max} are possible; `parlor connect < FILE` sends more"
            ));
            return Then::GoOn;
        }
        if typed.trim().is_empty() {
            self.want_no_pause();
        }
        self.remember(typed, path);
        self.link.begin_input();
        typed.lines().map(|line| self.take(line)).find(|then| *then != Then::GoOn).unwrap_or(Then::GoOn)
    }

    /// While there is no connection, the next attempt begins at once.
    fn want_no_pause(&self) {
        if let Some(leave) = self.leave.as_ref().filter(|_| self.link.connection().is_none()) {
            // Where this has been said already, once is enough.
            let _ = leave.try_send(());
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
        let mut typed = Typed { line, ..Typed::default() };
        match parse_command(line.as_bytes()) {
            Ok(None) => return Then::GoOn,
            Ok(Some(Command::Quit)) => return Then::Leave(Exit::Done),
            Ok(Some(Command::Format(_))) => {
                self.problem("this client chooses the format itself; `parlor connect --json` shows JSON");
                return Then::GoOn;
            }
            Ok(Some(command)) => {
                typed.verb = Some(command.verb());
                match command {
                    Command::Passwd { new, .. } => typed.new_password = Some(Some(new)),
                    // What the user gave a key themselves keeps it.
                    Command::Post { post, once: None } => typed.post = Some(post),
                    _ => {}
                }
            }
            // The server explains the error in a line.
            Err(ParseError { verb, .. }) => {
                typed.verb = verb;
                typed.new_password = (verb == Some(Verb::Passwd)).then_some(None);
            }
        }
        let sent = self.link.send(typed);
        if let Err(why) = sent {
            self.problem(&format!("not sent: {why}"));
        }
        Then::GoOn
    }

    fn say_goodbye(&mut self) {
        self.link.leaving.store(true, Ordering::SeqCst);
        self.link.tell_read();
        if self.link.has_waiting() {
            let waiting = self.link.said(|outbox: &mut Outbox| outbox.len());
            self.problem(&format!("you leave before all that you said was answered: {waiting}"));
        }
        self.leave = None;
        let connection = self.link.connection();
        // A server that cannot be notified sees the end of the connection itself.
        if connection.is_some_and(|sender| sender.send_if_idle(&self.farewell).unwrap_or_default()) {
            // Only the disconnection or the timeout can end this wait. Both mean that the client must end.
            let _ = self.ended.recv_timeout(GOODBYE);
        }
    }

    fn problem(&self, text: &str) {
        self.screen.print(self.renderer.problem(Moment::now(), text));
    }
}

/// The prompt names the room to which messages go.
fn prompt(room: Option<&RoomName>) -> String {
    room.map_or_else(|| "> ".to_owned(), |room| format!("{room}> "))
}

enum Output {
    Lines(String),
    Flush(SyncSender<()>),
}

/// The path to the terminal. One thread prints, since two would mix their lines with the lines of the editor.
#[derive(Clone)]
pub(super) struct Screen {
    queue: Sender<Output>,
    waiting: Arc<Waiting>,
}

/// What a terminal that stands still (Ctrl-S) has not taken yet.
#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// How often something found no place.
    dropped: AtomicUsize,
}

impl Screen {
    /// `print` receives whole lines, each with its line ending.
    pub(super) fn start(mut print: impl FnMut(String) + Send + 'static) -> io::Result<Self> {
        let (queue, receiver) = mpsc::channel();
        let waiting = Arc::new(Waiting::default());
        let screen = Self { queue, waiting: waiting.clone() };
        thread::Builder::new().name("screen".to_owned()).spawn(move || {
            for output in receiver {
                match output {
                    Output::Lines(lines) => {
                        let size = lines.len();
                        print(lines);
                        waiting.printed(size, &mut print);
                    }
                    // Nobody may wait for it any more.
                    Output::Flush(done) => drop(done.try_send(())),
                }
            }
        })?;
        Ok(screen)
    }

    /// Prints `lines` above the line that is being typed. Never blocks; where too much waits already, it is only counted.
    pub(super) fn print(&self, mut lines: String) {
        lines.push('\n');
        let waiting = self.waiting.bytes.load(Ordering::SeqCst);
        // A single long one, such as a history, is shown in any case.
        if waiting > 0 && waiting + lines.len() > WAITING_MAX {
            self.waiting.dropped.fetch_add(1, Ordering::SeqCst);
            return;
        }
        self.waiting.bytes.fetch_add(lines.len(), Ordering::SeqCst);
        // The printing thread lives as long as any sender.
        let _ = self.queue.send(Output::Lines(lines));
    }

    /// Waits until everything is printed, or until a timeout.
    pub(super) fn flush(&self) {
        let (done, flushed) = mpsc::sync_channel(1);
        if self.queue.send(Output::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(GOODBYE);
        }
    }
}

impl Waiting {
    /// Once all that waited is printed, tells how much found no place.
    fn printed(&self, size: usize, print: &mut impl FnMut(String)) {
        if self.bytes.fetch_sub(size, Ordering::SeqCst) == size {
            let dropped = self.dropped.swap(0, Ordering::SeqCst);
            if dropped > 0 {
                print(format!(
                    "! the terminal stood still too long; blocks of lines that are missing here: {dropped}\n"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
