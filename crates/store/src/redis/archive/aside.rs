//! Moves everything of Parlor in a Redis aside, under other names. It must not delete anything that has its own name.

use std::sync::Arc;

use ::redis::{Cmd, Connection, FromRedisValue, cmd};

use super::is_served;
use crate::archive::{ArchiveError, ArchiveResult};
use crate::redis::connection::dial::Dialer;
use crate::redis::connection::url::Address;
use crate::redis::{Config, NoEvents, connect};

/// How the names of all keys of Parlor begin.
pub(super) const PREFIX: &str = "parlor:";

/// Keys that Redis is asked for at once.
const AT_ONCE: u32 = 1000;

/// Gives every key of Parlor a name that begins with `prefix`. Returns how many there were. Blocks until that is done.
///
/// # Errors
/// A server runs on the Redis; then nothing is moved. Or Redis cannot be reached, or does not allow it; then a part may be
/// moved, and another call moves the rest.
pub fn put_aside(config: &Config, prefix: &str) -> ArchiveResult<u64> {
    put_aside_but(config, prefix, &[])
}

/// The same for all keys but those that `stay`.
pub(super) fn put_aside_but(config: &Config, prefix: &str, stay: &[&str]) -> ArchiveResult<u64> {
    let rename = |key: &str| cmd("RENAME").arg(key).arg(aside(key, prefix)).to_owned();
    each_key(config, PREFIX, |key| (!stay.contains(&key)).then(|| rename(key)))
}

/// Deletes what was moved aside.
///
/// # Errors
/// As [`put_aside`].
pub fn drop_aside(config: &Config, prefix: &str) -> ArchiveResult<u64> {
    each_key(config, prefix, |key| Some(cmd("UNLINK").arg(key).to_owned()))
}

/// Does something with every key whose name begins with `prefix`, while no server runs.
pub(super) fn each_key(config: &Config, prefix: &str, command: impl Fn(&str) -> Option<Cmd>) -> ArchiveResult<u64> {
    let refused = |why: String| ArchiveError::Refused(why);
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let router = connect(&dialer, &(Arc::new(NoEvents) as _), config.replicas).map_err(|it| refused(it.to_string()))?;
    if is_served(&router)? {
        return Err(refused("a server runs on this Redis; nothing was changed".to_owned()));
    }
    let mut nodes: Vec<Address> = router.nodes().into_iter().flatten().collect();
    if nodes.is_empty() {
        nodes.push(dialer.locate().map_err(|error| refused(error.to_string()))?);
    }
    let mut moved = 0;
    for node in nodes {
        let (mut connection, _) = dialer.connect(&node).map_err(|error| refused(error.to_string()))?;
        moved += each_key_at(&mut connection, prefix, &command).map_err(|error| refused(format!("{node}: {error}")))?;
    }
    Ok(moved)
}

fn each_key_at(
    connection: &mut Connection,
    prefix: &str,
    command: &impl Fn(&str) -> Option<Cmd>,
) -> ::redis::RedisResult<u64> {
    let (mut cursor, mut moved) = ("0".to_owned(), 0);
    loop {
        let pattern = format!("{prefix}*");
        let scan = cmd("SCAN").arg(&cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(AT_ONCE).to_owned();
        let (next, keys): (String, Vec<String>) = ask(connection, &scan)?;
        for command in keys.iter().filter_map(|key| command(key)) {
            match ask::<::redis::Value>(connection, &command) {
                // A scan may tell a key twice, and keys expire.
                Err(error) if error.to_string().contains("no such key") => {}
                done => {
                    done?;
                    moved += 1;
                }
            }
        }
        if next == "0" {
            return Ok(moved);
        }
        cursor = next;
    }
}

fn ask<T: FromRedisValue>(connection: &mut Connection, command: &Cmd) -> ::redis::RedisResult<T> {
    command.query(connection)
}

/// The other name of a key, in the same slot: what is in braces decides, or else the whole name.
fn aside(key: &str, prefix: &str) -> String {
    if key.contains('{') { format!("{prefix}{key}") } else { format!("{prefix}{{{key}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::connection::fake_node::{FakeNode, bulk};

    #[test]
    fn the_other_name_is_in_the_same_slot() {
        let slot = |key: &str| ::redis::cluster_routing::Slot::for_key(key);
        for key in ["parlor:users", "parlor:user:{ann}", "parlor:once:room:{red}:ann"] {
            assert_eq!(slot(&aside(key, "replaced-7:")), slot(key), "{key}");
        }
    }

    /// Renames the keys that a node tells of in two parts, and returns how many there were.
    fn renamed(refused: &'static str) -> (::redis::RedisResult<u64>, Vec<String>) {
        let node = FakeNode::start(move |line| match line {
            "SCAN 0 MATCH parlor:* COUNT 1000" => Some(scanned("17", &["parlor:users", "parlor:epoch"])),
            "SCAN 17 MATCH parlor:* COUNT 1000" => Some(scanned("0", &["parlor:epoch", "parlor:rooms"])),
            _ => line.starts_with("RENAME parlor:rooms").then(|| format!("{refused}\r\n")),
        });
        let (mut connection, _) = node.dialer().connect(&node.address).unwrap();
        let rename =
            |key: &str| (key != "parlor:users").then(|| cmd("RENAME").arg(key).arg(aside(key, "old:")).to_owned());
        let moved = each_key_at(&mut connection, "parlor:", &rename);
        (moved, node.heard().into_iter().filter(|line| line.starts_with("RENAME")).collect())
    }

    fn scanned(cursor: &str, keys: &[&str]) -> String {
        let keys: String = keys.iter().map(|key| bulk(key)).collect();
        format!("*2\r\n{}*2\r\n{keys}", bulk(cursor))
    }

    #[test]
    fn all_keys_of_all_parts_are_moved_but_those_that_stay() {
        let (moved, steps) = renamed("+OK");
        let epoch = "RENAME parlor:epoch old:{parlor:epoch}";
        assert_eq!(steps, [epoch, epoch, "RENAME parlor:rooms old:{parlor:rooms}"]);
        assert_eq!(moved.unwrap(), 3);
    }

    #[test]
    fn a_key_that_is_gone_meanwhile_is_not_counted_and_any_other_trouble_is_told() {
        assert_eq!(renamed("-ERR no such key").0.unwrap(), 2);
        assert!(renamed("-NOPERM this user may not").0.is_err());
    }
}
