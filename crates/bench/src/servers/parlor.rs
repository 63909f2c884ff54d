//! A `parlor serve` process, and a client that sends and receives lines over TLS. It must not measure.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

/// Timeout of a client for a line. The run is aborted after it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The cost of password hashes. It is the minimum, since hashes are not measured here.
const BCRYPT_COST: u32 = 4;

/// A server in its own directory. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    config: Arc<ClientConfig>,
    /// Removed with the server.
    data: TempDir,
}

impl Server {
    /// Starts a server on a free port, with or without Redis, and with `more` settings.
    pub(crate) fn start(program: &Path, redis: Option<&str>, more: &[&str]) -> Result<Self> {
        let cost = BCRYPT_COST.to_string();
        let settings = ["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", &cost, "--log", "error"];
        let redis = redis.map_or(vec![], |url| vec!["--redis", url]);
        Self::spawn(program, &[&settings, &*redis, more].concat())
    }

    /// Starts a program that takes `--data DIR`, prints that it is `listening on` an address, and writes its
    /// certificate to the same place as Parlor.
    pub(crate) fn spawn(program: &Path, arguments: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (child, address) = launch(program, arguments, data.path())?;
        let config = trust(&data.path().join("tls/ca.pem"))?;
        Ok(Self { child, address, config, data })
    }

    /// Kills the process, and starts another one on the same data.
    pub(crate) fn restart(&mut self, program: &Path, arguments: &[&str]) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        (self.child, self.address) = launch(program, arguments, self.data.path())?;
        Ok(())
    }

    /// Waits for the end of a process that ends by itself, and starts another one on the same data.
    pub(crate) fn restart_ended(&mut self, program: &Path, arguments: &[&str]) -> Result<()> {
        self.child.wait()?;
        (self.child, self.address) = launch(program, arguments, self.data.path())?;
        Ok(())
    }

    /// The listen address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The TLS configuration for its clients.
    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Registers a new user and enters a room.
    pub(crate) fn member(&self, user: &str, room: &str) -> Result<Client> {
        self.enter("REGISTER", user, room)
    }

    /// Logs in an existing user and enters a room.
    pub(crate) fn back(&self, user: &str, room: &str) -> Result<Client> {
        self.enter("LOGIN", user, room)
    }

    /// Logs a user in by a ticket.
    pub(crate) fn resume(&self, user: &str, secret: &str) -> Result<Client> {
        let mut client = Client::connect(self.address, self.config.clone())?;
        client.send(&format!("RESUME {user} {secret}\n"))?;
        client.until("OK login ")?;
        Ok(client)
    }

    fn enter(&self, verb: &str, user: &str, room: &str) -> Result<Client> {
        let mut client = Client::connect(self.address, self.config.clone())?;
        ensure!(client.line()?.starts_with("HELLO "), "no greeting");
        client.send(&format!("{verb} {user} a secret word\n/join {room}\n"))?;
        client.until(&format!("OK {} ", verb.to_lowercase()))?;
        client.until("OK join ")?;
        Ok(client)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(program: &Path, arguments: &[&str], data: &Path) -> Result<(Child, SocketAddr)> {
    let mut command = Command::new(program);
    command.args(arguments).arg("--data").arg(data);
    // The program never receives input. The end of its input shows it that the parent has ended.
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
    let address = listening(&mut child)?;
    Ok((child, address))
}

fn listening(child: &mut Child) -> Result<SocketAddr> {
    let output = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref() {
        if let Some(address) = line?.split_once(" listening on ").map(|(_, address)| address.to_owned()) {
            let address = address.parse()?;
            // The thread reads on, so that the pipe stays open.
            thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
            return Ok(address);
        }
    }
    bail!("the server ended at once; what it says is above")
}

/// TLS configuration of clients that trust the authority in a file. Every handshake is a full one.
pub(crate) fn trust(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).with_context(|| format!("{} holds no certificate", ca.display()))?)?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// One connection. Each is used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    line: String,
}

impl Client {
    fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let tls = ClientConnection::new(config, "localhost".try_into()?)?;
        let stream = BufReader::with_capacity(32 * 1024, StreamOwned::new(tls, socket));
        Ok(Self { stream, line: String::new() })
    }

    /// Sends lines, which must include their line endings, in one write.
    pub(crate) fn send(&mut self, lines: &str) -> Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(lines.as_bytes())?;
        Ok(stream.flush()?)
    }

    /// The next line, without its line ending.
    pub(crate) fn line(&mut self) -> Result<&str> {
        self.line.clear();
        let count = self.stream.read_line(&mut self.line).context("nothing came")?;
        ensure!(count > 0, "the server closed the connection");
        Ok(self.line.trim_end())
    }

    /// Reads up to the first line that begins with `prefix`. Fails if the server sends a refusal before.
    pub(crate) fn until(&mut self, prefix: &str) -> Result<&str> {
        loop {
            let line = self.line()?;
            ensure!(!line.starts_with("ERR ") && !line.starts_with("BYE "), "the server says {line}");
            if line.starts_with(prefix) {
                break;
            }
        }
        Ok(self.line.trim_end())
    }

    /// The text of the next message of a room.
    pub(crate) fn message(&mut self) -> Result<&str> {
        let line = self.until("MSG ")?;
        line.splitn(4, ' ').nth(3).context("a message without text")
    }
}
