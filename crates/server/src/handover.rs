//! A server that gives its store up, and begins anew: on the same store, or on another one. It must not move anything itself.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use crossbeam_channel::{Receiver, bounded, select};

use crate::control::{Answer, Word};
use crate::workers::signals::Request;

/// The program of this process, also if its file has no name any more. Source: proc(5).
const THIS_PROGRAM: &str = "/proc/self/exe";

/// A command that waits until this server has closed its database.
#[derive(Debug)]
pub(crate) struct Handover(UnixStream);

/// What becomes of the process.
#[derive(Debug)]
pub(crate) enum Afterwards {
    /// It ends.
    End,
    /// It begins anew, in place of itself, with these variables of the environment besides those that it has.
    Anew(Vec<(&'static str, OsString)>),
}

impl Afterwards {
    /// It begins anew, unless its end was asked for meanwhile.
    pub(crate) fn anew_or_end(variables: Vec<(&'static str, OsString)>, requests: &Receiver<Request>) -> Self {
        let ends = requests.try_iter().any(Request::is_of_the_end);
        if ends { Self::End } else { Self::Anew(variables) }
    }
}

impl Handover {
    pub(crate) fn of(stream: UnixStream) -> Self {
        Self(stream)
    }

    /// Says why nothing is handed over.
    pub(crate) fn refuse(self, why: &str) {
        // Whoever does not wait any more does not need to know.
        let _ = self.answer(&Answer::Refused(why.to_owned()));
    }

    /// Says that the database is closed, and waits for the word where to go on, as long as the command lives. `lock` keeps other
    /// servers from the database meanwhile. Returns what becomes of the process.
    pub(crate) fn wait(self, lock: Option<File>, requests: &Receiver<Request>) -> Afterwards {
        if self.answer(&Answer::Done).is_err() {
            return Afterwards::anew_or_end(Vec::new(), requests);
        }
        let (sender, word) = bounded(1);
        let read = move || {
            let mut line = String::new();
            // No word is one, too.
            let _ = BufReader::new(&self.0).read_line(&mut line);
            let _ = sender.send(serde_json::from_str::<Word>(&line).ok());
        };
        if thread::Builder::new().name("handover".to_owned()).spawn(read).is_err() {
            return Afterwards::anew_or_end(Vec::new(), requests);
        }
        let variables = loop {
            select! {
                recv(word) -> word => break variables(word.ok().flatten()),
                recv(requests) -> request => if request.map_or(true, Request::is_of_the_end) {
                    return Afterwards::End;
                }
            }
        };
        drop(lock);
        Afterwards::anew_or_end(variables, requests)
    }

    fn answer(&self, answer: &Answer) -> io::Result<()> {
        // Nobody reads this before the clients are gone, and then somebody does.
        self.0.set_read_timeout(None)?;
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}

/// How a start learns of another place. The environment of a process is secret, its arguments are not.
fn variables(word: Option<Word>) -> Vec<(&'static str, OsString)> {
    let Some(Word::Moved { redis, ca }) = word else { return Vec::new() };
    let ca = ca.map(|ca| ("PARLOR_REDIS_CA", ca.into_os_string()));
    [("PARLOR_REDIS", redis.into())].into_iter().chain(ca).collect()
}

/// Replaces this process by a new run of its program with the same arguments and process id. Returns only if that fails.
pub(crate) fn begin_anew(variables: Vec<(&'static str, OsString)>) -> anyhow::Error {
    let begin = || -> io::Result<io::Error> {
        // An upgrade may have put another file in the place of this program, and the system knows this one all the same.
        let program = Some(env::current_exe()?).filter(|program| program.exists());
        let mut command = Command::new(program.as_deref().unwrap_or(Path::new(THIS_PROGRAM)));
        Ok(command.args(env::args_os().skip(1)).envs(variables).exec())
    };
    let error = begin().unwrap_or_else(|error| error);
    anyhow::anyhow!("cannot begin anew, so start the server again: {error}")
}
