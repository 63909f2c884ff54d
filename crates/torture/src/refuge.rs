//! A Redis into which everything of a server moves for a while, by `parlor migrate`. It must not start or end a server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parlor_process_testkit::Failure;
use parlor_redis_testkit::{Fsync, RedisServer};

/// The Redis.
pub(crate) struct Refuge {
    program: PathBuf,
    redis: RedisServer,
}

impl Refuge {
    /// Starts it. `program` is `parlor`.
    pub(crate) fn open(program: &Path) -> Self {
        let redis = RedisServer::options().append_only(Fsync::EverySecond).start();
        Self { program: program.to_owned(), redis }
    }

    /// Moves everything from the directory `data` into the Redis. Blocks until its server is back.
    ///
    /// # Errors
    /// The migration fails.
    pub(crate) fn take_in(&self, data: &Path) -> Result<(), Failure> {
        self.migrate(&["--data".as_ref(), data, "--to".as_ref(), self.redis.url().as_ref()])
    }

    /// Moves everything from the Redis into the directory `data`. Blocks until it is there; the server ends by itself.
    ///
    /// # Errors
    /// The migration fails.
    pub(crate) fn give_back(&self, data: &Path) -> Result<(), Failure> {
        self.migrate(&["--redis".as_ref(), self.redis.url().as_ref(), "--to".as_ref(), data])
    }

    fn migrate(&self, args: &[&Path]) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command.arg("migrate").args(args).stdin(Stdio::null());
        // Settings in this environment are for the servers of the user who runs this.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|it| it.starts_with("PARLOR_"))) {
            command.env_remove(name);
        }
        let output = command.output().map_err(Failure::of("parlor migrate"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("parlor migrate: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }
}
