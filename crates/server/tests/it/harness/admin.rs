//! The admin listener of a server, asked over its Unix socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::Options;

/// Where a server answers monitoring.
pub(crate) struct Admin(PathBuf);

impl Options {
    /// Lets the server answer monitoring on a socket at this path.
    pub(crate) fn admin(self, path: &std::path::Path) -> Self {
        self.args(&["--admin-listen", path.to_str().unwrap()])
    }
}

impl Admin {
    /// The listener at this path.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Sends bytes, and returns everything that comes back until the end.
    pub(crate) fn exchange(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(&self.0).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// Returns the status and the body of a path.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.get_as(path, "")
    }

    /// The same with fields of the head, each with its line ending.
    pub(crate) fn get_as(&self, path: &str, fields: &str) -> (u16, String) {
        let response = self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {response}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Whether a load balancer would send clients there, and why not.
    pub(crate) fn readiness(&self) -> Result<(), String> {
        let (status, body) = self.get("/readyz");
        if status == 200 { Ok(()) } else { Err(body) }
    }

    /// The value of a sample, named as on the page with its labels.
    pub(crate) fn sample(&self, name: &str) -> f64 {
        let (_, page) = self.get("/metrics");
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no sample {name} in {page}")).parse().unwrap()
    }
}
