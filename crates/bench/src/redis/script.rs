//! The script that appends to a room, called without Parlor: with the same arguments, on its own room. It must not
//! change what the script does, apart from [`Variant::Uncounted`].

use anyhow::{Context, Result, ensure};

use super::resp::{Redis, packed};

/// The text of the script in the form that Parlor loads.
const SOURCE: &str = concat!(
    "#!lua\n",
    include_str!("../../../store/src/redis/scripts/append.lua"),
    include_str!("../../../store/src/redis/scripts/once.lua"),
    include_str!("../../../store/src/redis/scripts/append_room.lua"),
);

/// The condition by which the script recognises a repeated append.
const SEEN: &str = "last_seq >= tonumber(ARGV[6])";

const USER: &str = "bencher";
const GENERATION: &str = "1700000000000000";
const EPOCH: &str = "00c0ffee00c0ffee";
/// The server's default for the number of entries that a log keeps.
const KEPT: &str = "10000";

/// The variant of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The script that Parlor runs. The caller must use growing numbers.
    Counted,
    /// The same, but every append counts as new, since `redis-benchmark` sends the same call each time.
    Uncounted,
}

/// A separate room to append to.
#[derive(Debug)]
pub(crate) struct Append {
    sha: String,
    room: String,
    seq: u64,
}

impl Append {
    /// Loads the script and creates the room, with one member.
    pub(crate) fn prepare(redis: &mut Redis, room: &str, variant: Variant) -> Result<Self> {
        ensure!(SOURCE.contains(SEEN), "the script has changed; this benchmark has to follow");
        let source = match variant {
            Variant::Counted => SOURCE.to_owned(),
            Variant::Uncounted => SOURCE.replace(SEEN, "last_seq < 0"),
        };
        let sha = redis.call(&["SCRIPT", "LOAD", &source])?.text()?.to_owned();
        let append = Self { sha, room: room.to_owned(), seq: 0 };
        let [log, meta, seats] = append.keys();
        redis.call(&["DEL", &log, &meta, &seats])?;
        redis.call(&["HSET", &seats, USER, &format!("{GENERATION} 1 0 00c0ffee00c0ffee")])?;
        Ok(append)
    }

    /// Whether exactly this script is already loaded.
    pub(crate) fn is_known(redis: &mut Redis) -> Result<bool> {
        // Only Redis knows the name of a script. Loading a script that is already there adds none.
        let before = cached(redis)?;
        redis.call(&["SCRIPT", "LOAD", SOURCE])?;
        Ok(cached(redis)? == before)
    }

    /// The channel on which the append is announced.
    pub(crate) fn channel(&self) -> String {
        let [log, ..] = self.keys();
        log
    }

    /// The arguments of the next call.
    pub(crate) fn args(&mut self, text: &str) -> Vec<String> {
        self.seq += 1;
        let [log, meta, seats] = self.keys();
        let known = format!("{EPOCH} {}", self.seq - 1);
        let seq = self.seq.to_string();
        let args = ["EVALSHA", &self.sha, "3", &log, &meta, &seats];
        let more = [KEPT, EPOCH, &known, USER, GENERATION, &seq, "1700000000000", text];
        args.into_iter().chain(more).map(str::to_owned).collect()
    }

    /// The next call in its form on the wire.
    pub(crate) fn command(&mut self, text: &str) -> Vec<u8> {
        let args = self.args(text);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        packed(&args)
    }

    fn keys(&self) -> [String; 3] {
        ["log", "log-meta", "room-gen"].map(|kind| format!("parlor:{kind}:{{{}}}", self.room))
    }
}

/// The line of `INFO` with the number of scripts that Redis keeps.
fn cached(redis: &mut Redis) -> Result<String> {
    let info = redis.call(&["INFO", "memory"])?;
    let line = info.text()?.lines().find(|line| line.starts_with("number_of_cached_scripts:"));
    Ok(line.context("Redis does not count scripts")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_redis_testkit::RedisServer;

    #[test]
    fn numbers_that_grow_are_appended_and_known_to_redis() {
        let server = RedisServer::start();
        let mut redis = Redis::connect(server.port()).unwrap();
        let mut append = Append::prepare(&mut redis, "room", Variant::Counted).unwrap();
        for number in 1..=3 {
            redis.send(&append.command("text")).unwrap();
            assert_eq!(redis.reply().unwrap().integer().unwrap(), number);
        }
        assert!(Append::is_known(&mut redis).unwrap());
    }

    #[test]
    fn what_cannot_count_appends_each_time_all_the_same() {
        let server = RedisServer::start();
        let mut redis = Redis::connect(server.port()).unwrap();
        let command = Append::prepare(&mut redis, "room", Variant::Uncounted).unwrap().command("text");
        for number in 1..=3 {
            redis.send(&command).unwrap();
            assert_eq!(redis.reply().unwrap().integer().unwrap(), number);
        }
    }

    #[test]
    fn a_script_that_nobody_loaded_is_not_known() {
        let server = RedisServer::start();
        let mut redis = Redis::connect(server.port()).unwrap();
        assert!(!Append::is_known(&mut redis).unwrap());
    }
}
