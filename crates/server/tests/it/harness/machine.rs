//! A machine on which Parlor is installed as by the Debian package, and an operator who follows a page of the handbook. The
//! service manager and the package manager are played; everything else is run by a shell. It must not know what the
//! commands are for.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use parlor_redis_testkit::Port;
use tempfile::TempDir;

use super::{Options, Server};

/// A page of `docs/`.
fn page(name: &str) -> String {
    fs::read_to_string(repository().join("docs").join(name)).unwrap()
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a section of a page, up to the next heading of any level.
pub(crate) fn section(name: &str, heading: &str) -> String {
    let page = page(name);
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{name} has no {heading}"));
    rest.split("\n#").next().unwrap().to_owned()
}

/// The blocks of commands of a section, one after the other.
pub(crate) fn blocks(name: &str, heading: &str) -> Vec<String> {
    let section = section(name, heading);
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split_once("\n```").unwrap().0.to_owned()).collect()
}

/// The headings of a page whose sections have commands.
pub(crate) fn headings_with_commands(name: &str) -> Vec<String> {
    let page = page(name);
    let headings = page.lines().filter(|line| line.starts_with("##"));
    headings.filter(|heading| !blocks(name, heading).is_empty()).map(str::to_owned).collect()
}

/// A machine with its own `/etc/parlor`, `/var/lib/parlor` and `/var/backups`.
pub(crate) struct Machine {
    root: TempDir,
    data: Arc<TempDir>,
    port: Port,
    /// The port of its metrics.
    metrics: Port,
    server: Option<Server>,
    substitutes: Vec<(String, String)>,
}

impl Machine {
    /// A machine on which nothing is installed.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("backups/parlor")).unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/parlor.toml"), "").unwrap();
        let data = Arc::new(tempfile::tempdir().unwrap());
        let mut machine =
            Self { root, data, port: Port::free(), metrics: Port::free(), server: None, substitutes: Vec::new() };
        machine.substitute("127.0.0.1:9178", &format!("127.0.0.1:{}", machine.metrics));
        machine.substitute("0.0.0.0:7878", &format!("127.0.0.1:{}", machine.port));
        machine
    }

    /// A machine on which this server runs already.
    pub(crate) fn of(server: Server) -> Self {
        let mut machine = Self::new();
        machine.data = server.shared_data();
        machine.server = Some(server);
        machine
    }

    /// Writes something else in place of what the page says, such as the address of a machine.
    pub(crate) fn substitute(&mut self, said: &str, meant: &str) {
        self.substitutes.push((said.to_owned(), meant.to_owned()));
    }

    /// The server that was started last.
    pub(crate) fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("a server was started")
    }

    /// Where the server keeps its data.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The directory of backups.
    pub(crate) fn backups(&self) -> PathBuf {
        self.root.path().join("backups/parlor")
    }

    /// Does everything that a block of a page says. Returns what the commands printed.
    pub(crate) fn follow(&mut self, block: &str) -> String {
        let (mut said, mut commands) = (String::new(), String::new());
        for line in block.lines() {
            if !is_played(line) {
                commands += &format!("{line}\n");
                continue;
            }
            said += &self.shell(&mem::take(&mut commands));
            said += &self.play(line);
        }
        said + &self.shell(&commands)
    }

    fn play(&mut self, line: &str) -> String {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["systemctl", "stop", "parlor"] => self.stop(),
            ["systemctl", "start", "parlor"] => self.start(&[]),
            ["systemctl", "restart", "parlor"] | ["apt", "install", "./parlor.deb"] => {
                self.stop();
                self.start(&[]);
            }
            ["systemctl", "start", "parlor-backup"] => {
                let script = repository().join("packaging/nightly-backup");
                return self.shell(&format!("{} /var/backups/parlor 14", script.display()));
            }
            // The tests of the package ask the true service manager.
            ["systemctl", "status", "parlor-backup"] => {}
            ["while", "systemctl", "is-active", ..] => assert!(self.server().wait().success()),
            ["parlor", "serve", ref settings @ ..] => {
                self.stop();
                self.start(settings);
            }
            _ => panic!("nobody plays `{line}`"),
        }
        String::new()
    }

    fn stop(&mut self) {
        let Some(server) = &mut self.server else { return };
        if !server.has_ended() {
            server.signal("TERM");
            assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        }
    }

    fn start(&mut self, settings: &[&str]) {
        if self.server.as_mut().is_some_and(|server| !server.has_ended()) {
            return;
        }
        // No setting of a page has a space.
        let settings: Vec<String> = settings.iter().map(|setting| self.meant(setting).replace('\'', "")).collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let listen = format!("127.0.0.1:{}", self.port);
        let config = self.settings();
        let options =
            Options::default().args(&["--config", config.to_str().unwrap(), "--listen", &listen]).args(&settings);
        let secrets = self.secrets();
        let options = secrets.iter().fold(options, |options, (name, value)| options.env(name, value));
        self.server = Some(options.start_in(self.data.clone()));
    }

    fn settings(&self) -> PathBuf {
        self.root.path().join("etc/parlor.toml")
    }

    /// The variables of the file of secrets.
    fn secrets(&self) -> Vec<(String, String)> {
        let file = fs::read_to_string(self.root.path().join("etc/secrets.env")).unwrap_or_default();
        let pairs = file.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Runs commands as root of this machine; they must succeed. Returns their standard output.
    pub(crate) fn shell(&self, commands: &str) -> String {
        let programs = Path::new(env!("CARGO_BIN_EXE_parlor")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-euc", &self.meant(commands)]).current_dir(self.root.path()).env("PATH", path);
        // The commands find the installation of the package by its places, which are elsewhere here.
        shell.env("PARLOR_DATA", self.data()).env("PARLOR_CONFIG", self.settings()).envs(self.secrets());
        shell.env("PARLOR_BCRYPT_COST", "4");
        let output = shell.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{commands}{}: {said}{complaint}", output.status);
        said.into_owned()
    }

    /// What a page says, with the places and addresses of this machine.
    fn meant(&self, said: &str) -> String {
        let place = |path: PathBuf| path.to_str().unwrap().to_owned();
        let places = [
            ("/etc/parlor", place(self.root.path().join("etc"))),
            ("/var/lib/parlor", place(self.data().to_owned())),
            ("/var/backups", place(self.root.path().join("backups"))),
        ];
        let said = self.substitutes.iter().fold(said.to_owned(), |said, (this, that)| said.replace(this, that));
        places.iter().fold(said, |said, (place, meant)| said.replace(place, meant))
    }
}

/// Whether a line is for the service manager or the package manager, or starts a server by hand.
fn is_played(line: &str) -> bool {
    ["systemctl ", "while systemctl ", "apt ", "parlor serve "].iter().any(|program| line.starts_with(program))
}
