//! The script that appends to a room, called without Parlor: with the same arguments, on a room of its own. It must
//! not change what the script does, apart from [`Variant::Uncounted`].

use anyhow::{Context, Result, ensure};

use super::resp::{Redis, packed};

/// The text of the script, as Parlor loads it.
const SOURCE: &str = concat!(
    include_str!("../../../store/src/redis/scripts/append.lua"),
    include_str!("../../../store/src/redis/scripts/append_room.lua"),
);

/// How an append that was seen before is told from a new one.
const SEEN: &str = "if last_seq >= tonumber(ARGV[3]) then";

const USER: &str = "bencher";
const GENERATION: &str = "1700000000000000";
const EPOCH: &str = "00c0ffee00c0ffee";
/// What the server keeps of each log unless it is told otherwise.
const KEPT: &str = "10000";

/// Which script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The one that Parlor runs; it is called with numbers that grow.
    Counted,
    /// The same, but every append is taken for a new one, since `redis-benchmark` says the same every time.
    Uncounted,
}

/// A room of its own to append to.
#[derive(Debug)]
pub(crate) struct Append {
    sha: String,
    room: String,
    seq: u64,
}

impl Append {
    /// Loads the script and makes the room, with one member.
    pub(crate) fn prepare(redis: &mut Redis, room: &str, variant: Variant) -> Result<Self> {
        ensure!(SOURCE.contains(SEEN), "the script has changed; this benchmark has to follow");
        let source = match variant {
            Variant::Counted => SOURCE.to_owned(),
            Variant::Uncounted => SOURCE.replace(SEEN, "if last_seq < 0 then"),
        };
        let sha = redis.call(&["SCRIPT", "LOAD", &source])?.text()?.to_owned();
        let append = Self { sha, room: room.to_owned(), seq: 0 };
        let [log, meta, seats] = append.keys();
        redis.call(&["DEL", &log, &meta, &seats])?;
        redis.call(&["HSET", &seats, USER, &format!("{GENERATION} 1 0 00c0ffee00c0ffee")])?;
        Ok(append)
    }

    /// Whether somebody has loaded exactly this script already.
    pub(crate) fn is_known(redis: &mut Redis) -> Result<bool> {
        // Only Redis knows what it calls a script; to load one that is there adds none.
        let before = cached(redis)?;
        redis.call(&["SCRIPT", "LOAD", SOURCE])?;
        Ok(cached(redis)? == before)
    }

    /// The channel on which it is announced.
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
        let more = [USER, GENERATION, &seq, "1700000000000", text, KEPT, EPOCH, &known];
        args.into_iter().chain(more).map(str::to_owned).collect()
    }

    /// The next call, as it goes over the wire.
    pub(crate) fn command(&mut self, text: &str) -> Vec<u8> {
        let args = self.args(text);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        packed(&args)
    }

    fn keys(&self) -> [String; 3] {
        ["log", "log-meta", "room-gen"].map(|kind| format!("parlor:{kind}:{{{}}}", self.room))
    }
}

/// The line of `INFO` that says how many scripts Redis keeps.
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
