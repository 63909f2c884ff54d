//! A client of the web door that sends bytes as they are and reads responses. It must not repair a request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::Client;

/// How long a client waits for a response before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that speaks HTTP.
#[derive(Debug)]
pub(crate) struct Http {
    stream: StreamOwned<ClientConnection, TcpStream>,
    received: Vec<u8>,
    /// The value of `Host`, and what follows `https://` in the origin of the page.
    pub(crate) host: String,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The number of the status.
    pub(crate) status: u16,
    /// The fields, with names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a field that is there once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The cookie that it sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        self.field("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }
}

impl Http {
    /// Connects and offers HTTP by ALPN.
    pub(crate) fn open(address: SocketAddr, ca: &Path) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), Client::config(ca).for_http().begin().unwrap())
    }

    /// Connects and offers nothing by ALPN.
    pub(crate) fn open_without_alpn(address: SocketAddr, ca: &Path) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), Client::config(ca).begin().unwrap())
    }

    fn over(socket: TcpStream, tls: ClientConnection) -> Self {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = format!("localhost:{}", socket.peer_addr().unwrap().port());
        Self { stream: StreamOwned::new(tls, socket), received: Vec::new(), host }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).unwrap();
    }

    /// Sends bytes, if the connection still takes them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Sends a request with `Host` and these fields, each with its line ending.
    pub(crate) fn request(&mut self, method: &str, path: &str, fields: &str, body: &str) {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{length}{fields}\r\n{body}", self.host);
        self.send(head.as_bytes());
    }

    /// Sends a request and returns its response.
    pub(crate) fn ask(&mut self, method: &str, path: &str, fields: &str, body: &str) -> Response {
        self.request(method, path, fields, body);
        self.response_to(method)
    }

    /// The same from the page of this server, with JSON.
    pub(crate) fn ask_from_page(&mut self, method: &str, path: &str, fields: &str, body: &str) -> Response {
        let origin = format!("Origin: https://{}\r\nContent-Type: application/json\r\n{fields}", self.host);
        self.ask(method, path, &origin, body)
    }

    /// The next response, to a request of this method.
    pub(crate) fn response_to(&mut self, method: &str) -> Response {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            assert!(self.read().unwrap(), "the connection ended in a head: {:?}", self.unread());
        };
        let head: Vec<u8> = self.received.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let field =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let mut response =
            Response { status, fields: lines.map(|line| field(line).unwrap()).collect(), body: Vec::new() };
        let length: usize = response.field("content-length").map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" {
            while self.received.len() < length {
                assert!(self.read().unwrap(), "the connection ended in a body");
            }
            response.body = self.received.drain(..length).collect();
        }
        response
    }

    /// What was received and is no response yet, as text.
    pub(crate) fn unread(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// Reads until the server closes the connection, cleanly; returns the bytes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read().unwrap() {}
        std::mem::take(&mut self.received)
    }

    /// Fails unless the server closes the connection without another byte.
    pub(crate) fn expect_end(&mut self) {
        let rest = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Returns `false` at a clean end.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.received.extend_from_slice(&bytes[..count]);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
