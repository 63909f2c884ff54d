//! Opens connections to a server, or to one of several servers of the same chat: dialling, verification, greeting. It
//! must not log in, and never skips a server that cannot prove its identity.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_proto::PROTOCOL;
use rustls::{ClientConfig, ClientConnection};
use socket2::{SockRef, TcpKeepalive};

use crate::address::Address;
use crate::connection::{LineReceiver, UnauthenticatedConnection, halves, readable};
use crate::error::{ConnectError, TrustError, Untrusted};
use crate::trust::Trust;

/// How long to wait for each step.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For TCP, per address of the host. The same time again for each step of the TLS handshake and for the greeting.
    pub connect: Duration,
    /// For the answer to a login. A busy server checks only few passwords at once.
    pub login: Duration,
    /// Between two pings of the client. They show the server that somebody is there, so they come often enough for
    /// its idle timeout.
    pub keepalive: Duration,
    /// After so long without a word, while pings are not answered, the server counts as dead.
    pub silence: Duration,
}

impl Timeouts {
    /// Shortest time between two pings.
    const SHORTEST_KEEPALIVE: Duration = Duration::from_millis(250);

    /// What to use from now on with a server that ended a session as idle, after the client was silent for so long.
    /// `None` if it cannot ping often enough.
    fn after_idle_timeout(self, silent: Duration) -> Option<Self> {
        if silent >= self.keepalive * 2 {
            // Its pings would have come in time, had it not been stopped, or its machine asleep.
            return Some(self);
        }
        // A third leaves time for a slow network; the half is for a server that counts in another way.
        let keepalive = (silent / 3).min(self.keepalive / 2).max(Self::SHORTEST_KEEPALIVE);
        (keepalive < self.keepalive).then_some(Self { keepalive, ..self })
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, login, keepalive, silence] = [10, 60, 20, 60].map(Duration::from_secs);
        Self { connect, login, keepalive, silence }
    }
}

/// Opens connections to the servers of one chat under one trust rule. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Never empty, and without duplicates.
    addresses: Vec<Address>,
    config: Arc<ClientConfig>,
    timeouts: Timeouts,
    preamble: &'static [u8],
}

impl Connector {
    /// Reads the files that `trust` needs, so it may block. Does not connect yet.
    ///
    /// # Errors
    /// If the authorities cannot be read.
    pub fn new(address: Address, trust: &Trust) -> Result<Self, TrustError> {
        let (config, timeouts) = (trust.client_config()?, Timeouts::default());
        Ok(Self { addresses: vec![address], config, timeouts, preamble: &[] })
    }

    /// Adds other servers of the same chat. They are tried in this order if the servers before them do not answer.
    #[must_use]
    pub fn with_others(mut self, others: impl IntoIterator<Item = Address>) -> Self {
        for address in others {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        self
    }

    /// Replaces the default timeouts.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Sends these bytes on each connection before the TLS handshake, as a balancer does.
    #[must_use]
    pub fn with_preamble(self, preamble: &'static [u8]) -> Self {
        Self { preamble, ..self }
    }

    /// Shortens the time between two pings for the next connections, after a server ended a session as idle that had sent
    /// nothing for so long. Returns `false` if it is the shortest already.
    pub fn adapt_keepalive(&mut self, silent: Duration) -> bool {
        let adapted = self.timeouts.after_idle_timeout(silent);
        self.timeouts = adapted.unwrap_or(self.timeouts);
        adapted.is_some()
    }

    /// The time between two pings.
    pub fn keepalive(&self) -> Duration {
        self.timeouts.keepalive
    }

    /// The servers, in the order in which they are tried; at least one, and none twice.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Connects to the first server that answers, verifies it and reads its greeting. Blocks for at most as long as the
    /// timeouts allow.
    ///
    /// # Errors
    /// Reports the step that failed. A server that answers but is not the right one is not skipped.
    pub fn open(&self) -> Result<UnauthenticatedConnection, ConnectError> {
        if let [only] = &self.addresses[..] {
            return self.open_at(only);
        }
        let mut away = Vec::new();
        for address in &self.addresses {
            match self.open_at(address) {
                Err(error) if error.is_transient() => away.push(error),
                done => return done,
            }
        }
        Err(ConnectError::NoneAnswers(away))
    }

    /// The same for this one server only.
    ///
    /// # Errors
    /// Reports the step that failed.
    pub fn open_at(&self, address: &Address) -> Result<UnauthenticatedConnection, ConnectError> {
        let (config, timeouts, preamble) = (&self.config, self.timeouts, self.preamble);
        Attempt { address, config, timeouts, preamble }.open()
    }
}

/// One attempt to connect.
struct Attempt<'a> {
    address: &'a Address,
    config: &'a Arc<ClientConfig>,
    timeouts: Timeouts,
    preamble: &'static [u8],
}

impl Attempt<'_> {
    fn open(&self) -> Result<UnauthenticatedConnection, ConnectError> {
        let mut socket = self.dial()?;
        let tls = self.handshake(&mut socket)?;
        let (sender, mut receiver) = halves(socket, tls);
        let server = self.read_greeting(&mut receiver)?;
        Ok(UnauthenticatedConnection {
            sender,
            receiver,
            server,
            address: self.address.clone(),
            timeouts: self.timeouts,
        })
    }

    fn dial(&self) -> Result<TcpStream, ConnectError> {
        let host = self.address.host();
        let unresolved = |error| ConnectError::Unresolved { host: host.clone(), error };
        let unreachable = |error| ConnectError::Unreachable { address: self.address.clone(), error };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in (host.as_str(), self.address.port()).to_socket_addrs().map_err(unresolved)? {
            match TcpStream::connect_timeout(&candidate, self.timeouts.connect) {
                Ok(socket) => return self.prepare(&socket).map(|()| socket).map_err(unreachable),
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    }

    fn prepare(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(self.timeouts.connect))?;
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
        SockRef::from(socket).set_tcp_keepalive(&keepalive)
    }

    fn handshake(&self, socket: &mut TcpStream) -> Result<ClientConnection, ConnectError> {
        let name = self.address.server_name().clone();
        let made = ClientConnection::new(self.config.clone(), name).map_err(io::Error::other);
        let finished = made.and_then(|mut tls| {
            socket.write_all(self.preamble)?;
            // A line is encrypted as a whole, however long it is. The caller that made the line limits its length.
            tls.set_buffer_limit(None);
            tls.complete_io(socket)?;
            Ok(tls)
        });
        finished.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: io::Error) -> ConnectError {
        let address = self.address.clone();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => ConnectError::NotTls(address),
            Some(tls) => match untrusted(tls) {
                Some(untrusted) => ConnectError::Untrusted { address, untrusted },
                None => ConnectError::Tls { address, error },
            },
            None => ConnectError::Tls { address, error },
        }
    }

    /// Returns the name that the server gives itself.
    fn read_greeting(&self, receiver: &mut LineReceiver) -> Result<String, ConnectError> {
        let address = self.address.clone();
        let line = match receiver.line_before(Instant::now() + self.timeouts.connect) {
            Ok(line) => line,
            Err(lost) => return Err(ConnectError::NoGreeting { address, lost }),
        };
        let mut words = line.splitn(3, ' ');
        if words.next() == Some("HELLO") && words.next() == Some(PROTOCOL) {
            return Ok(readable(words.next().unwrap_or_default()));
        }
        let line: String = readable(&line).chars().take(80).collect();
        let turned_away = line.starts_with("ERR ") || line.starts_with("BYE ");
        Err(if turned_away {
            ConnectError::TurnedAway { address, line }
        } else {
            ConnectError::WrongProtocol { address, line }
        })
    }
}

/// The verifier's own error inside the TLS library's.
fn untrusted(error: &rustls::Error) -> Option<Untrusted> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => other.0.downcast_ref().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::testing::{HELLO, Identity, Peer, Scripted, pinned};

    #[test]
    fn pings_come_more_often_each_time_a_session_ends_as_idle_and_no_more_often_than_makes_sense() {
        let mut timeouts = Timeouts::default();
        let mut next = |silent| {
            timeouts = timeouts.after_idle_timeout(Duration::from_millis(silent))?;
            Some(timeouts.keepalive.as_millis())
        };
        assert_eq!(next(15_000), Some(5_000));
        assert_eq!(next(10_000), Some(5_000), "it was stopped meanwhile");
        assert_eq!(next(9_999), Some(2_500));
        assert_eq!(next(10), Some(250));
        assert_eq!(next(10), None);
        assert_eq!(timeouts.silence, Timeouts::default().silence);
    }

    #[test]
    fn where_pings_cannot_come_more_often_the_timeouts_stay() {
        let timeouts = Timeouts { keepalive: Timeouts::SHORTEST_KEEPALIVE, ..Timeouts::default() };
        let identity = Identity::new(&["x.example"]);
        let mut connector = pinned(&Address::default(), identity.pin).with_timeouts(timeouts);
        assert!(!connector.adapt_keepalive(Duration::ZERO));
        assert_eq!(connector.keepalive(), Timeouts::SHORTEST_KEEPALIVE);
        assert!(connector.adapt_keepalive(Duration::from_secs(9)), "it was stopped, so that may help");
    }

    /// What comes of a connection to a server that plays this behind TLS.
    fn opened(
        script: impl FnOnce(Peer) + Send + 'static,
    ) -> (Address, Result<UnauthenticatedConnection, ConnectError>) {
        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, script);
        let (address, opened) = (server.address.clone(), pinned(&server.address, identity.pin).open());
        server.finish();
        (address, opened)
    }

    #[test]
    fn a_server_needs_no_name_but_the_right_first_word() {
        let (_, nameless) = opened(|mut peer| peer.say(&["HELLO parlor/1"]));
        assert_eq!(nameless.unwrap().server(), "");
        for line in ["HELLOparlor/1 den", "OK parlor/1 den", "ERROR 500", "ERR", "BYEBYE"] {
            let (_, other) = opened(move |mut peer| peer.say(&[line]));
            assert!(matches!(other.unwrap_err(), ConnectError::WrongProtocol { .. }), "{line}");
        }
    }

    #[test]
    fn a_server_that_does_not_greet_may_do_so_at_another_time() {
        let (address, closed) = opened(Peer::close);
        let error = closed.unwrap_err();
        assert_eq!(error.to_string(), format!("{address} sent no greeting: the server closed the connection"));
        assert!(error.is_transient());

        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, |mut peer| {
            peer.say(&[HELLO]);
            peer.hear()
        });
        let connector = pinned(&server.address, identity.pin);
        let mut greeted = connector.open().unwrap();
        let timeouts = Timeouts { connect: Duration::ZERO, ..connector.timeouts };
        let attempt = Attempt { address: &server.address, config: &connector.config, timeouts, preamble: &[] };
        let error = attempt.read_greeting(&mut greeted.receiver).unwrap_err();
        let told = format!("{} sent no greeting: the server does not answer any more", server.address);
        assert_eq!((error.to_string(), error.is_transient()), (told, true));
        greeted.sender.close();
        server.finish();
    }

    /// The error where a server answers the first message of a handshake with these bytes, and then waits for the end.
    fn handshake_error(answer: &'static [u8], patience: Duration) -> ConnectError {
        let server = Scripted::start_plain(move |mut socket| {
            let mut bytes = [0; 4096];
            let _ = socket.read(&mut bytes);
            socket.write_all(answer).unwrap();
            while socket.read(&mut bytes).is_ok_and(|count| count > 0) {}
        });
        let timeouts = Timeouts { connect: patience, ..Timeouts::default() };
        let identity = Identity::new(&["x.example"]);
        let error = pinned(&server.address, identity.pin).with_timeouts(timeouts).open().unwrap_err();
        server.finish();
        error
    }

    #[test]
    fn a_server_that_breaks_off_the_handshake_speaks_tls_and_is_tried_again() {
        // An alert: handshake_failure.
        let refused = handshake_error(&[21, 3, 3, 0, 2, 2, 40], Duration::from_secs(20));
        assert!(matches!(refused, ConnectError::Tls { .. }) && refused.is_transient(), "{refused}");
        let silent = handshake_error(&[], Duration::from_millis(50));
        assert!(silent.is_transient() && silent.to_string().ends_with(" failed: it does not answer"), "{silent}");
    }
}
