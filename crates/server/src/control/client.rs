//! The side of the commands: asks the server of a data directory. It must not start one.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::{Answer, Order, SOCKET, Word};

/// Time that the server has for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time that it has to send everybody away and to close its database.
const HANDOVER_PATIENCE: Duration = Duration::from_secs(60);

/// Asks the server of the data directory `data`. Blocks for 10 s at most.
///
/// # Errors
/// No server runs there, it belongs to another user, it does not answer, or it refuses.
pub(crate) fn ask(data: &Path, order: &Order) -> anyhow::Result<Answer> {
    exchange(data, order, PATIENCE).map(|(answer, _)| answer)
}

/// A server that has closed its database, and waits. If this is dropped, the server goes on as before.
pub(crate) struct HandedOver(UnixStream);

impl HandedOver {
    /// Tells the server where to go on.
    ///
    /// # Errors
    /// The server has ended meanwhile.
    pub(crate) fn tell(mut self, word: &Word) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(word)?;
        line.push(b'\n');
        self.0.write_all(&line).context("the server has ended")
    }
}

/// Has the server of the data directory `data` close its database. Blocks for a minute at most.
///
/// # Errors
/// As [`ask`].
pub(crate) fn hand_over(data: &Path) -> anyhow::Result<HandedOver> {
    exchange(data, &Order::HandOver, HANDOVER_PATIENCE).map(|(_, stream)| HandedOver(stream))
}

fn exchange(data: &Path, order: &Order, patience: Duration) -> anyhow::Result<(Answer, UnixStream)> {
    let path = data.join(SOCKET);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            bail!("no server runs in {}", data.display());
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("{} belongs to another user: run the command as the server's user, or as root", path.display());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot reach the server at {}", path.display())),
    };
    let lost = || format!("the server at {} does not answer", path.display());
    stream.set_read_timeout(Some(patience)).with_context(lost)?;
    stream.set_write_timeout(Some(patience)).with_context(lost)?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stream.write_all(&line).with_context(lost)?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).with_context(lost)?;
    match serde_json::from_str(&answer).with_context(lost)? {
        Answer::Refused(why) => bail!("{why}"),
        answer => Ok((answer, stream)),
    }
}
