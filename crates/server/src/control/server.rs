//! The side of the server: a socket that only its user and root may open, and one thread that answers. It must not carry out
//! what takes long: that is handed on.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::{Answer, Entrance, Order, SOCKET, SessionList};
use crate::handover::Handover;
use crate::logging::LogLevel;
use crate::workers::signals::Request;

/// Time that a command has to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest order, in bytes.
const MAX_ORDER_BYTES: u64 = 64 * 1024;

/// Stack of the thread, in bytes.
const STACK_BYTES: usize = 256 * 1024;

/// What orders act on.
pub(crate) struct Controls {
    pub(crate) sessions: Arc<SessionList>,
    pub(crate) entrance: Entrance,
    pub(crate) log_level: LogLevel,
    /// Where requests go that the main thread carries out.
    pub(crate) requests: Sender<Request>,
    /// Where commands go that wait until the server has closed its database.
    pub(crate) handovers: Sender<Handover>,
}

/// The socket. Dropping it removes its file.
#[derive(Debug)]
pub(crate) struct ControlSocket(PathBuf);

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // The next start replaces one that is left.
        let _ = fs::remove_file(&self.0);
    }
}

impl ControlSocket {
    /// Opens the socket in the data directory, and starts the thread `control`, which runs as long as the process.
    ///
    /// # Errors
    /// Another server has a socket there, or the directory cannot be written.
    pub(crate) fn open(data: &Path, controls: Controls) -> io::Result<Self> {
        let path = data.join(SOCKET);
        if UnixStream::connect(&path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server uses it"));
        }
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let socket = UnixListener::bind(&path)?;
        // The directory is for its owner only; so is the socket, wherever it is.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let answer = move || socket.incoming().for_each(|stream| welcome(stream, &controls));
        thread::Builder::new().name("control".to_owned()).stack_size(STACK_BYTES).spawn(answer)?;
        Ok(Self(path))
    }
}

fn welcome(stream: io::Result<UnixStream>, controls: &Controls) {
    let answered = stream.and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        BufReader::new((&stream).take(MAX_ORDER_BYTES)).read_line(&mut line)?;
        let answer = match serde_json::from_str(&line) {
            Ok(Order::HandOver) => return controls.hand_over(stream),
            Ok(order) => controls.carry_out(order),
            Err(_) => Answer::Refused("the server does not know this order: is it of another version?".to_owned()),
        };
        let mut answer = serde_json::to_vec(&answer)?;
        answer.push(b'\n');
        stream.write_all(&answer)
    });
    if let Err(error) = answered {
        tracing::debug!("an order over the control socket was not answered: {error}");
    }
}

impl Controls {
    /// Hands the connection on to the main thread, which answers.
    fn hand_over(&self, stream: UnixStream) -> io::Result<()> {
        // If the server ends already, the connection ends, too.
        let _ = self.handovers.send(Handover::of(stream)).map(|()| self.requests.send(Request::HandOver));
        Ok(())
    }

    fn carry_out(&self, order: Order) -> Answer {
        match order {
            Order::Sessions => Answer::Sessions(self.sessions.all()),
            Order::Entrance => Answer::Entrance(self.entrance.clone()),
            Order::LogLevel { filter } => match self.log_level.set(&filter) {
                Ok(()) => Answer::Done,
                Err(why) => Answer::Refused(why),
            },
            Order::Drain { over } => match self.requests.send(Request::Drain(over)) {
                Ok(()) => Answer::Done,
                Err(_) => Answer::Refused("the server ends already".to_owned()),
            },
            // Answered elsewhere.
            Order::HandOver => Answer::Done,
        }
    }
}
