//! A bare client: it sends commands as lines and reads bytes. It must not retry or reconnect.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Time without data that counts as silence.
const SILENCE: Duration = Duration::from_millis(300);

pub(crate) struct Client {
    stream: TcpStream,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream }
    }

    pub(crate) fn send(&mut self, command: &str) {
        self.try_send(command).unwrap();
    }

    pub(crate) fn try_send(&mut self, command: &str) -> io::Result<()> {
        self.stream.write_all(format!("{command}\r\n").as_bytes())
    }

    /// Reads, and checks that exactly this text comes next.
    pub(crate) fn expect(&mut self, text: &str) {
        let mut read = vec![0; text.len()];
        self.stream.read_exact(&mut read).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), text);
    }

    pub(crate) fn ping(&mut self) {
        self.send("PING");
        self.expect("+PONG\r\n");
    }

    /// Checks that nothing comes for [`SILENCE`].
    pub(crate) fn expect_silence(&mut self) {
        self.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let error = self.stream.read(&mut [0]).expect_err("nothing was to come");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        self.stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    }

    /// Reads to the end. Returns the rest, and how the connection ended.
    pub(crate) fn rest(&mut self) -> (String, End) {
        let mut read = Vec::new();
        let end = match self.stream.read_to_end(&mut read) {
            Ok(_) => End::Closed,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) => panic!("{error}"),
        };
        (String::from_utf8(read).unwrap(), end)
    }

    pub(crate) fn expect_reset(&mut self) {
        assert_eq!(self.rest(), (String::new(), End::Reset));
    }

    pub(crate) fn close(self) {}
}
