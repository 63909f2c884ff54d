//! Redis for tests: real `redis-server` processes on their own ports, and a proxy that makes the link fail. It must not
//! know Parlor, so that the tests of every crate can use it. Of the program only `parlor torture` uses it. Failures
//! panic here, since neither tests nor torture could handle them.
//!
//! ```
//! use parlor_redis_testkit::{FaultProxy, RedisServer};
//!
//! let redis = RedisServer::start();
//! let proxy = FaultProxy::start(redis.port());
//! assert_eq!(redis.cli(&["SET", "key", "value"]), "OK");
//! assert_eq!(redis.url_by(&proxy), format!("redis://127.0.0.1:{}/", proxy.port()));
//! proxy.black_hole();
//! ```
#![allow(clippy::unwrap_used, reason = "serves tests and torture, where a panic is how they fail")]

mod cluster;
mod member;
mod migration;
mod options;
mod ports;
mod process;
mod proxy;
mod query;
mod sentinel;
mod server;
mod tls;

pub use cluster::RedisCluster;
pub use member::Reach;
pub use migration::Migration;
pub use options::{Fsync, RedisOptions};
pub use ports::Port;
pub use process::{mortal, spawn};
pub use proxy::{Direction, FaultProxy};
pub use sentinel::RedisSentinel;
pub use server::RedisServer;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Timeout of everything that must happen, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `probe` returns a value. Panics with `what` after a minute.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `condition` holds. Panics with `what` after a minute.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Locks `mutex` even if a test's thread panicked while it held it: the first panic is the one to show.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
