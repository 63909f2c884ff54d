//! The program of the operator that decides about passwords (`--auth-command`): a few processes that are kept running, each with
//! a line of JSON for a question and one for the answer. It must not log a password.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use parlor_core::ports::{Admitted, PasswordAuthority, StoreError, StoreResult};
use parlor_proto::{Password, RoomName, UserName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Time for an answer, the wait for a free process included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Processes at most, and so questions at the same time.
const PROCESSES: usize = 4;

/// Longest answer, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Stack of a thread that reads answers, in bytes.
const STACK_BYTES: usize = 128 * 1024;

#[derive(Serialize)]
struct Question<'a> {
    user: &'a str,
    password: &'a str,
    address: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    operator: Option<bool>,
    #[serde(default)]
    rooms: Vec<RoomName>,
}

/// The program.
pub(crate) struct AuthProgram {
    path: PathBuf,
    /// The right to ask, for as many at the same time as there may be processes.
    permits: (Sender<()>, Receiver<()>),
    /// The processes that are free, that of the last question last. A leaf lock.
    idle: Mutex<Vec<Process>>,
}

impl AuthProgram {
    /// Starts one process, to see that it can be.
    ///
    /// # Errors
    /// Names the program that cannot be started.
    pub(crate) fn start(path: &Path) -> anyhow::Result<Self> {
        let first =
            Process::start(path).with_context(|| format!("cannot start {} of --auth-command", path.display()))?;
        let permits = bounded(PROCESSES);
        // There is room for all of them.
        for _ in 0..PROCESSES {
            let _ = permits.0.send(());
        }
        Ok(Self { path: path.to_owned(), permits, idle: Mutex::new(vec![first]) })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        // A panic leaves no half-done change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a process. One that does not answer in time, or answers something else, is ended. One that has ended since its last
    /// answer is started again.
    fn ask(&self, question: &[u8], deadline: Instant) -> Result<Answer, String> {
        let waiting = self.idle().pop().filter(Process::is_fit);
        let mut process = match waiting {
            Some(process) => process,
            None => Process::start(&self.path).map_err(|error| format!("it cannot be started: {error}"))?,
        };
        let answer = process.ask(question, deadline)?;
        self.idle().push(process);
        Ok(answer)
    }
}

impl PasswordAuthority for AuthProgram {
    fn judge(&self, user: &UserName, password: &Password, address: &str) -> StoreResult<Option<Admitted>> {
        let failed = |why: &str| StoreError::new(format!("the program of --auth-command: {why}"));
        let deadline = Instant::now() + PATIENCE;
        let question = Question { user: user.as_str(), password: password.expose(), address };
        let mut line = Zeroizing::new(serde_json::to_vec(&question).map_err(|_| failed("no question"))?);
        line.push(b'\n');
        let permit = self.permits.1.recv_deadline(deadline);
        permit.map_err(|_| failed("all of its processes are busy for 5 s"))?;
        let answer = self.ask(&line, deadline);
        // There is room for it.
        let _ = self.permits.0.send(());
        let Answer { ok, operator, rooms } = answer.map_err(|why| failed(&why))?;
        Ok(ok.then_some(Admitted { operator, rooms }))
    }
}

/// One process of the program. It is ended when this is dropped.
struct Process {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Vec<u8>>,
}

impl Process {
    fn start(path: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("no pipes"));
        };
        let (sender, answers) = bounded(1);
        let read = move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let count = output.by_ref().take(MAX_ANSWER_BYTES).read_until(b'\n', &mut line);
                if !count.is_ok_and(|count| count > 0) || sender.send(line).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("auth-answers".to_owned()).stack_size(STACK_BYTES).spawn(read)?;
        Ok(Self { child, input, answers })
    }

    /// Whether it runs, and has said nothing that nobody asked for. One that has ended has closed its output, too.
    fn is_fit(&self) -> bool {
        matches!(self.answers.try_recv(), Err(TryRecvError::Empty))
    }

    fn ask(&mut self, question: &[u8], deadline: Instant) -> Result<Answer, String> {
        let written = self.input.write_all(question).and_then(|()| self.input.flush());
        written.map_err(|error| format!("it reads no question: {error}"))?;
        let line = self.answers.recv_deadline(deadline).map_err(|error| match error {
            RecvTimeoutError::Timeout => "no answer in 5 s".to_owned(),
            RecvTimeoutError::Disconnected => "it ended without an answer".to_owned(),
        })?;
        serde_json::from_slice(&line).map_err(|_| "its answer is no line of JSON with ok".to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
