//! What the keyboard sends that a line editor cannot take. It must not send, and prints nothing.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::read;

/// Most that is taken as one input, in bytes: the longest line that any server takes; see `--max-line-bytes` there.
pub(super) const INPUT_MAX: usize = 64 << 10;
/// Keys that come so soon behind each other were not pressed by hand: they are of one paste.
const PASTE_GAP_MILLIS: u16 = 200;

/// Drops what waits to be read, and the rest of what is being pasted. Blocks for as long as that comes.
///
/// # Errors
/// If the terminal fails.
pub(super) fn drop_pending() -> io::Result<()> {
    let stdin = io::stdin();
    let terminal = stdin.as_fd();
    let mode = tcgetattr(terminal)?;
    let mut raw = mode.clone();
    // Neither shown nor held back until the end of a line.
    cfmakeraw(&mut raw);
    tcsetattr(terminal, SetArg::TCSANOW, &raw)?;
    let dropped = drop_until_quiet(terminal);
    tcsetattr(terminal, SetArg::TCSANOW, &mode)?;
    dropped
}

fn drop_until_quiet(terminal: impl AsFd) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let mut polled = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(PASTE_GAP_MILLIS))? == 0 || read(&terminal, &mut bytes)? == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_waits_is_dropped_to_its_end() {
        let (mut keys, mut paste) = UnixStream::pair().unwrap();
        paste.write_all(&[b'x'; 10_000]).unwrap();
        drop(paste);
        drop_until_quiet(&keys).unwrap();
        assert_eq!(keys.read(&mut [0; 1]).unwrap(), 0);
    }
}
