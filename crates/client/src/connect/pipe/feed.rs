//! The input of a pipe, line by line: what is sent, and what cannot be. It must not read from the server.

use std::io::{self, BufRead, Read};

use parlor_proto::{Command, parse_command};

use super::progress::{Progress, Sent};
use crate::connect::complaints::Complaints;

/// Longest line that any server takes; see `--max-line-bytes` there.
const LINE_MAX: usize = 64 << 10;
/// Some programs begin a text with it. It says that the text is UTF-8, and is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The input of a pipe.
pub(in crate::connect) struct Input<R> {
    pub(in crate::connect) reader: R,
    /// How many lines of it were read before: the password.
    pub(in crate::connect) lines_before: u64,
}

/// Sends every line of an input.
pub(super) struct Feed<'a> {
    pub(super) progress: &'a Progress,
    pub(super) complaints: &'a Complaints,
}

impl Feed<'_> {
    /// Until the input ends, or it says `/quit`, or there is no connection any more.
    pub(super) fn run(&self, input: Input<impl BufRead>) {
        let Input { mut reader, lines_before } = input;
        let mut line = Vec::new();
        for number in lines_before + 1.. {
            let fits = match read_line(&mut reader, &mut line) {
                Ok(None) => break,
                Ok(Some(fits)) => fits,
                Err(error) => {
                    self.refuse(&format!("cannot read the input: {error}"));
                    break;
                }
            };
            let text = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| number == lines_before + 1).unwrap_or(&line);
            if !fits {
                self.refuse(&format!("line {number} of the input is longer than {LINE_MAX} bytes; it was not sent"));
            } else if let Err(fault) = std::str::from_utf8(text) {
                let byte = fault.valid_up_to() + 1;
                self.refuse(&format!("line {number} of the input is not UTF-8 from byte {byte} on; it was not sent"));
            } else if !self.send(text, number) {
                break;
            }
        }
        if let Some(sender) = self.progress.input_ended() {
            super::quit(&sender);
        }
    }

    fn refuse(&self, message: &str) {
        self.progress.refuse();
        self.complaints.say(&format!("parlor: {message}"));
    }

    /// Sends one line of the input; false if no other is to follow.
    fn send(&self, line: &[u8], number: u64) -> bool {
        let verb = match parse_command(line) {
            Ok(None) => return true,
            Ok(Some(Command::Quit)) => return false,
            Ok(Some(Command::Format(_))) => {
                self.refuse(&format!("line {number}: /format is not for this client; --json shows JSON"));
                return true;
            }
            Ok(Some(command)) => Some(command.verb()),
            Err(misread) => misread.verb,
        };
        let Some(opening) = self.progress.send(Sent { verb, line: line.to_owned() }) else { return false };
        if opening.sender.send_bytes(line).is_err() {
            self.progress.fail(&opening);
            // The other thread finds the end of the connection, behind the server's last words, and says how it goes on.
            opening.sender.close();
        }
        true
    }
}

/// Reads the next line into `line`, without its ending; says whether it fits, and `None` at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    // One more byte than fits, and an ending of two.
    let count = reader.by_ref().take(LINE_MAX as u64 + 3).read_until(b'\n', line)?;
    if count > LINE_MAX + 2 && line.last() != Some(&b'\n') {
        skip_line(reader)?;
        return Ok(Some(false));
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok((count > 0).then_some(line.len() <= LINE_MAX))
}

/// Drops what is left of a line.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (count, is_over) = (end.map_or(bytes.len(), |at| at + 1), end.is_some() || bytes.is_empty());
        reader.consume(count);
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_and_one_that_is_endless_costs_no_memory() {
        let long = "x".repeat(LINE_MAX);
        let text = format!("one\r\n\n{long}\n{long}x\n{long}{long}\r\nlast");
        let mut reader = io::BufReader::with_capacity(100, text.as_bytes());
        let (mut line, mut read) = (Vec::new(), Vec::new());
        while let Some(fits) = read_line(&mut reader, &mut line).unwrap() {
            assert!(line.capacity() < 3 * LINE_MAX);
            read.push((fits, if fits { line.len() } else { 0 }));
        }
        assert_eq!(read, [(true, 3), (true, 0), (true, LINE_MAX), (false, 0), (false, 0), (true, 4)]);
    }
}
