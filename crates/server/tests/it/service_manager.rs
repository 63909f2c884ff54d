//! The notifications to a service manager, over the socket that systemd gives its services (sd_notify(3)).

use std::os::unix::net::UnixDatagram;
use std::process::Child;
use std::time::Duration;

use parlor_redis_testkit::{Port, RedisServer};

use crate::harness::{Options, command};

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    dir: tempfile::TempDir,
}

impl Manager {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { socket, dir }
    }

    fn address(&self) -> String {
        self.dir.path().join("notify").to_str().unwrap().to_owned()
    }

    /// Returns the next notification.
    fn told(&self) -> String {
        let mut bytes = [0; 1024];
        let count = self.socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }
}

/// A process that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_is_told_when_the_server_accepts_connections_and_when_it_ends() {
    let manager = Manager::start();
    let mut server = Options::default().env("NOTIFY_SOCKET", &manager.address()).start();
    assert_eq!(manager.told(), "READY=1\nSTATUS=serving\n");
    server.register("alice").expect_quiet();
    server.signal("TERM");
    assert_eq!(manager.told(), "STOPPING=1\n");
    assert!(server.wait().success());
}

#[test]
fn it_is_told_what_a_server_waits_for() {
    let (manager, data, port) = (Manager::start(), tempfile::tempdir().unwrap(), Port::free());
    let url = format!("redis://127.0.0.1:{port}");
    let mut serve = command(data.path(), &["serve", "--listen", "127.0.0.1:0", "--redis", &url]);
    let _running = Running(serve.env("NOTIFY_SOCKET", manager.address()).spawn().unwrap());
    assert_eq!(manager.told(), "STATUS=waiting for Redis\n");
    let _redis = RedisServer::options().port(port).start();
    assert_eq!(manager.told(), "READY=1\nSTATUS=serving\n");
}
