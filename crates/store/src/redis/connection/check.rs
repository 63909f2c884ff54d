//! Checks whether a Redis node is suitable for Parlor: at start, and its memory policy also later, each time a link
//! connects. Reports each problem in one line. It must not change anything there.

use ::redis::{Connection, RedisError};

use crate::redis::OpenError;
use crate::redis::connection::dial::HelloReply;
use crate::redis::connection::url::Address;
use crate::redis::keys;

/// The oldest version with sharded channels.
const OLDEST: u32 = 7;

/// Returns warnings for the operator that do not prevent a start.
///
/// # Errors
/// Redis is too old, or would evict keys when its memory is full.
pub(in crate::redis) fn check(
    node: &Address,
    greeting: &HelloReply,
    connection: &mut Connection,
) -> Result<Vec<String>, OpenError> {
    judge_version(node, &greeting.version)?;
    try_permissions(node, connection)?;
    let info: ::redis::RedisResult<String> = ::redis::cmd("INFO").query(connection);
    match info {
        Ok(info) => judge(node, &info),
        Err(error) => Ok(vec![format!("{node} does not tell how it keeps its data: {error}")]),
    }
}

/// Tries a script, a key and a channel.
fn try_permissions(node: &Address, connection: &mut Connection) -> Result<(), OpenError> {
    let channel = format!("{}check", keys::CONTROL);
    for words in [&["SCRIPT", "LOAD", "return 1"][..], &["EXISTS", keys::EPOCH], &["PUBLISH", &channel, ""]] {
        let mut command = ::redis::cmd(words[0]);
        match command.arg(&words[1..]).exec(connection) {
            Err(error) if error.code() == Some("NOPERM") => {
                let why = error.detail().unwrap_or("no reason given");
                return Err(OpenError::Unsuitable(format!("{node} does not permit what Parlor needs: {why}")));
            }
            // Any other error shows up again where it matters.
            _ => {}
        }
    }
    Ok(())
}

fn judge_version(node: &Address, version: &str) -> Result<(), OpenError> {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST) {
        return Ok(());
    }
    Err(OpenError::Unsuitable(format!("{node} is Redis {version}; Parlor needs version {OLDEST}.0 or newer")))
}

fn judge(node: &Address, info: &str) -> Result<Vec<String>, OpenError> {
    if let Some(why) = judge_memory(node, info) {
        return Err(OpenError::Unsuitable(why));
    }
    let mut warnings = Vec::new();
    if field(info, "aof_enabled") != Some("1") {
        warnings.push(format!("{node} keeps no append-only file: a restart loses messages (set appendonly yes)"));
    }
    Ok(warnings)
}

/// Returns a warning if a node would evict keys.
fn judge_memory(node: &Address, info: &str) -> Option<String> {
    let policy = field(info, "maxmemory_policy").unwrap_or("noeviction");
    let is_bounded = field(info, "maxmemory").is_some_and(|max| max != "0");
    (is_bounded && policy != "noeviction").then(|| {
        format!("{node} throws keys away when its memory is full; set maxmemory-policy noeviction (it is {policy})")
    })
}

/// Checks again whether a node would evict keys: it may be new, or its configuration may have changed.
///
/// # Errors
/// The connection broke.
pub(in crate::redis) fn look_at_memory(
    node: &Address,
    connection: &mut Connection,
) -> Result<Option<String>, RedisError> {
    let info: ::redis::RedisResult<String> = ::redis::cmd("INFO").arg("memory").query(connection);
    match info {
        Ok(info) => Ok(judge_memory(node, &info)),
        // The command may not be permitted. This was reported at the start.
        Err(error) if error.code().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A field of the `INFO` reply.
pub(in crate::redis) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::connection::fake_node::{FakeNode, bulk};

    fn node() -> Address {
        Address { host: "h".to_owned(), port: 1 }
    }

    /// What is said of a node at the start.
    fn checked(node: &FakeNode) -> Result<Vec<String>, OpenError> {
        let (mut connection, greeting) = node.dialer().connect(&node.address).unwrap();
        check(&self::node(), &greeting, &mut connection)
    }

    #[test]
    fn old_versions_are_refused() {
        for version in ["6.2.14", "2.8", "", "x"] {
            let error = judge_version(&node(), version).unwrap_err().to_string();
            assert_eq!(error, format!("cannot use Redis: h:1 is Redis {version}; Parlor needs version 7.0 or newer"));
        }
        assert!(judge_version(&node(), "7.0.15").is_ok() && judge_version(&node(), "10.1").is_ok());
    }

    #[test]
    fn a_redis_that_evicts_is_refused_and_one_that_forgets_is_told_of() {
        let info = |memory: &str, aof: u8| {
            format!("# Memory\r\nmaxmemory:{memory}\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:{aof}\r\n")
        };
        assert!(judge(&node(), &info("100", 1)).unwrap_err().to_string().contains("allkeys-lru"));
        assert!(judge(&node(), &info("0", 1)).unwrap().is_empty());
        assert_eq!(judge(&node(), &info("0", 0)).unwrap().len(), 1);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "maxmemory_policy:noeviction\r\nmaxmemory:100\r\nmaxmemory_human:100B\r\n";
        assert_eq!(field(info, "maxmemory"), Some("100"));
        assert_eq!(field(info, "maxmemory_policy"), Some("noeviction"));
        assert_eq!((field(info, "max"), field(info, "aof_enabled"), field("aof", "aof")), (None, None, None));
    }

    #[test]
    fn without_a_policy_nothing_is_evicted() {
        for info in
            ["maxmemory:100\n", "maxmemory:100\nmaxmemory_policy:noeviction\n", "maxmemory_policy:allkeys-lru\n", ""]
        {
            assert_eq!(judge_memory(&node(), info), None, "{info}");
        }
        assert!(judge_memory(&node(), "maxmemory:1\nmaxmemory_policy:volatile-ttl\n").is_some());
    }

    #[test]
    fn only_what_is_not_permitted_prevents_a_start() {
        let refusing = |beginning: &'static str, error: &'static str| {
            checked(&FakeNode::start(move |line| line.starts_with(beginning).then(|| format!("-{error}\r\n"))))
        };
        for command in ["SCRIPT LOAD", "EXISTS parlor:epoch", "PUBLISH parlor:control:check"] {
            let why = refusing(command, "NOPERM User ann has no permissions").unwrap_err().to_string();
            assert_eq!(why, "cannot use Redis: h:1 does not permit what Parlor needs: User ann has no permissions");
            assert_eq!(refusing(command, "LOADING Redis is loading").unwrap(), [""; 0], "{command}");
        }
        let warnings = refusing("INFO", "NOPERM User ann has no permissions").unwrap();
        assert!(
            warnings.len() == 1 && warnings[0].starts_with("h:1 does not tell how it keeps its data"),
            "{warnings:?}"
        );
    }

    #[test]
    fn whether_keys_are_evicted_by_now_is_known_unless_the_node_does_not_tell() {
        let look = |answer: String| {
            let fake = FakeNode::start(move |line| (line == "INFO memory").then(|| answer.clone()));
            let (mut connection, _) = fake.dialer().connect(&fake.address).unwrap();
            look_at_memory(&node(), &mut connection)
        };
        assert_eq!(look(bulk("maxmemory:0\r\n")).unwrap(), None);
        let evicts = look(bulk("maxmemory:1\r\nmaxmemory_policy:allkeys-lru\r\n")).unwrap();
        assert!(evicts.is_some_and(|warning| warning.starts_with("h:1 throws keys away")));
        assert_eq!(look("-NOPERM User ann has no permissions\r\n".to_owned()).unwrap(), None);
        assert!(look(String::new()).is_err(), "the connection broke");
    }
}
