//! The input of a pipe, line by line: what is sent, and what cannot be. It must not read from the server.

use std::io::{self, BufRead, Read};

use parlor_proto::{Command, Verb, parse_command};

use super::progress::{InputLine, Kind, Progress};
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

/// Hands over every line of an input.
pub(super) struct Feed<'a> {
    pub(super) progress: &'a Progress,
    pub(super) complaints: &'a Complaints,
    /// Whether what a line says gets a key.
    pub(super) has_keys: bool,
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
                continue;
            }
            match std::str::from_utf8(text) {
                Err(fault) => {
                    let byte = fault.valid_up_to() + 1;
                    let told = format!("line {number} of the input is not UTF-8 from byte {byte} on; it was not sent");
                    self.refuse(&told);
                }
                Ok(text) if !self.send(text, number) => break,
                Ok(_) => {}
            }
        }
        self.progress.input_ended();
    }

    fn refuse(&self, message: &str) {
        self.progress.refuse();
        self.complaints.say(&format!("parlor: {message}"));
    }

    /// Hands over one line of the input; false if no other is to follow.
    fn send(&self, line: &str, number: u64) -> bool {
        let (verb, kind) = match parse_command(line.as_bytes()) {
            Ok(None) => return true,
            Ok(Some(Command::Quit)) => return false,
            Ok(Some(Command::Format(_))) => {
                self.refuse(&format!("line {number}: /format is not for this client; --json shows JSON"));
                return true;
            }
            Ok(Some(command)) => (Some(command.verb()), self.kind(command)),
            // The server explains the error in a line.
            Err(misread) => (misread.verb, Kind::OnlyOnce),
        };
        self.progress.offer(InputLine { text: line.to_owned(), verb, kind })
    }

    fn kind(&self, command: Command) -> Kind {
        match command {
            Command::Post { post, once: None } if self.has_keys => Kind::Keyed(post),
            Command::Post { once: None, .. } => Kind::OnlyOnce,
            // Its own key makes it safe.
            Command::Post { once: Some(_), .. } => Kind::Harmless,
            Command::Passwd { new, .. } => Kind::Password(new),
            command if is_harmless(command.verb()) => Kind::Harmless,
            _ => Kind::OnlyOnce,
        }
    }
}

/// Whether nothing is lost or refused where the command is carried out twice.
fn is_harmless(verb: Verb) -> bool {
    match verb {
        Verb::Join | Verb::Leave | Verb::Open | Verb::Close | Verb::Switch | Verb::Sync => true,
        Verb::Rooms | Verb::Who | Verb::History | Verb::Backlog | Verb::Read => true,
        Verb::Subscriptions | Verb::Subscribers | Verb::Blocks | Verb::Block | Verb::Unblock => true,
        Verb::Ping | Verb::Help | Verb::Room | Verb::Tickets | Verb::Invitations | Verb::Hooks => true,
        Verb::Topic | Verb::Access | Verb::Post | Verb::Retention | Verb::Invite | Verb::Ban | Verb::Mute => true,
        Verb::Suspend | Verb::Unsuspend => true,
        // The second time, these are refused, or show nothing; a ticket of which nobody saw the secret stays valid, and so does
        // an invitation.
        Verb::Subscribe | Verb::Unsubscribe | Verb::Inbox | Verb::Passwd | Verb::Ticket | Verb::Revoke => false,
        Verb::Invitation | Verb::Uninvite | Verb::Hook | Verb::Outhook | Verb::Unhook => false,
        Verb::Kick | Verb::Unban | Verb::Unmute | Verb::Moderator | Verb::Unmoderator | Verb::Owner | Verb::Remove => {
            false
        }
        Verb::Message | Verb::Say | Verb::Once | Verb::Publish | Verb::Msg | Verb::Edit | Verb::Broadcast => false,
        Verb::Login | Verb::Register | Verb::Resume | Verb::Format | Verb::Quit => false,
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

    #[test]
    fn what_does_no_harm_twice_is_sent_again_as_it_is_and_what_says_something_under_a_key() {
        let (progress, complaints) = (Progress::default(), Complaints::start(io::sink()).unwrap());
        let kind = |line: &str, has_keys| {
            let feed = Feed { progress: &progress, complaints: &complaints, has_keys };
            match feed.kind(parse_command(line.as_bytes()).unwrap().unwrap()) {
                Kind::Keyed(_) => "keyed",
                Kind::Harmless => "harmless",
                Kind::OnlyOnce => "only once",
                Kind::Password(_) => "password",
            }
        };
        for line in ["hello", "/say red hi", "/msg bob hi", "/publish hi", "/edit red 7 hi"] {
            assert_eq!([kind(line, true), kind(line, false)], ["keyed", "only once"], "{line}");
        }
        let cases = [
            ("/once k-1 hello", "harmless"),
            ("/passwd old new", "password"),
            ("/ban red bob", "harmless"),
            ("/topic red Roses", "harmless"),
            // The second time it is refused, so it looks as if it had failed.
            ("/kick red bob", "only once"),
            ("/subscribe bob", "only once"),
            // The second time it shows nothing.
            ("/inbox", "only once"),
            // Nobody would know of the first one.
            ("/ticket", "only once"),
            ("/hook red ci", "only once"),
        ];
        for (line, expected) in cases {
            assert_eq!([kind(line, true), kind(line, false)], [expected; 2], "{line}");
        }
    }
}
