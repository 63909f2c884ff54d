//! For tests: a TLS server on loopback that plays a script. It must not interpret what it receives.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parlor_proto::{Credentials, Password};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Address, Connector, Pin, Timeouts, Trust};

/// The greeting at the start of most scripts.
pub(crate) const HELLO: &str = "HELLO parlor/1 den";
/// The answers to FORMAT and LOGIN.
pub(crate) const WELCOME: &[&str] = &[
    r#"{"type":"ok","command":"format","format":"json"}"#,
    r#"{"type":"ok","command":"login","user":"ann","room":"lobby","epoch":"0000000000000001","last":0}"#,
];

/// A private authority and a server certificate issued by it.
pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    pub(crate) pin: Pin,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// Creates a certificate for these host names.
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::with_validity(names, (2020, 2090))
    }

    /// Valid from the start of the first year to the start of the second.
    pub(crate) fn with_validity(names: &[&str], years: (i32, i32)) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        leaf.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let certificate: CertificateDer<'static> = leaf.signed_by(&key, &issuer).unwrap().der().clone();
        let pin = Pin::of_certificate(&certificate).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Self { ca_pem, pin, config: Arc::new(config) }
    }

    /// The authority as a file in `directory`.
    pub(crate) fn trust_by_file(&self, directory: &Path) -> Trust {
        let path = directory.join("ca.pem");
        std::fs::write(&path, &self.ca_pem).unwrap();
        Trust::Ca(path)
    }
}

/// One accepted connection, from the server's side.
pub(crate) struct Peer {
    stream: BufReader<StreamOwned<ServerConnection, TcpStream>>,
}

impl Peer {
    fn new(config: &Arc<ServerConfig>, socket: TcpStream) -> Self {
        let tls = ServerConnection::new(config.clone()).unwrap();
        Self { stream: BufReader::new(StreamOwned::new(tls, socket)) }
    }

    /// Sends these lines.
    pub(crate) fn say(&mut self, lines: &[&str]) {
        for line in lines {
            self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        self.stream.get_mut().flush().unwrap();
    }

    /// Sends these bytes, which need not be lines.
    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
        self.stream.get_mut().flush().unwrap();
    }

    /// Receives the end of the stream. Whether the client has told it by close_notify.
    pub(crate) fn hears_end(&mut self) -> bool {
        matches!(self.stream.read_line(&mut String::new()), Ok(0))
    }

    /// Receives the next line. Empty at the end of the stream.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(_) => line.trim_end().to_owned(),
            Err(_) => String::new(),
        }
    }

    /// Greets, and answers FORMAT and LOGIN.
    pub(crate) fn welcome(&mut self) {
        self.say(&[HELLO]);
        assert_eq!(self.hear(), "FORMAT json");
        assert!(self.hear().starts_with("LOGIN ann "));
        self.say(WELCOME);
    }

    /// Sends close_notify.
    pub(crate) fn close(mut self) {
        self.stream.get_mut().conn.send_close_notify();
        // The client may have closed the connection already.
        let _ = self.stream.get_mut().flush();
    }
}

/// A server for one connection. `finish` returns the result of the script.
pub(crate) struct Scripted<T> {
    pub(crate) address: Address,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Scripted<T> {
    /// Plays `script` on the first connection. If the handshake fails, the script's thread panics.
    pub(crate) fn start(identity: &Identity, script: impl FnOnce(Peer) -> T + Send + 'static) -> Self {
        let config = identity.config.clone();
        Self::start_plain(move |socket| script(Peer::new(&config, socket)))
    }

    /// Plays `script` on this many connections, one after the other. The script gets the number of the connection, from
    /// 0.
    #[cfg(feature = "terminal")]
    pub(crate) fn start_many(
        identity: &Identity,
        connections: usize,
        script: impl Fn(usize, Peer) -> T + Send + 'static,
    ) -> Scripted<Vec<T>> {
        let config = identity.config.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        let play = move |number| {
            let socket = listener.accept().unwrap().0;
            script(number, Peer::new(&config, socket))
        };
        Scripted { address, thread: std::thread::spawn(move || (0..connections).map(play).collect()) }
    }

    /// Plays `script` on the first connection, without TLS.
    pub(crate) fn start_plain(script: impl FnOnce(TcpStream) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        let thread = std::thread::spawn(move || script(listener.accept().unwrap().0));
        Self { address, thread }
    }

    /// Waits for the script to end.
    pub(crate) fn finish(self) -> T {
        self.thread.join().unwrap()
    }
}

/// A connector to `address` that trusts the key with this pin.
pub(crate) fn pinned(address: &Address, pin: Pin) -> Connector {
    Connector::new(address.clone(), &Trust::Pin(pin)).unwrap()
}

/// Timeouts with a short keepalive.
pub(crate) fn impatient(keepalive: Duration) -> Timeouts {
    Timeouts { keepalive, silence: keepalive * 3, ..Timeouts::default() }
}

/// The account of the scripts.
pub(crate) fn ann() -> Credentials {
    Credentials { user: "ann".parse().unwrap(), password: Password::new("pass word").unwrap() }
}
