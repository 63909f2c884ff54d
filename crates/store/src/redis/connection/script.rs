//! The scripts: each is one atomic step on the keys of one slot. It must not run them.

use std::sync::LazyLock;

use ::redis::Script as Compiled;

/// One script.
#[derive(Debug)]
pub(in crate::redis) struct Script {
    /// Its name, for operators.
    pub(in crate::redis) name: &'static str,
    /// Its index in the list of all scripts.
    pub(in crate::redis) index: usize,
    source: String,
    hash: String,
}

impl Script {
    fn new(index: usize, name: &'static str, source: String) -> Self {
        let hash = Compiled::new(&source).get_hash().to_owned();
        Self { name, index, source, hash }
    }

    /// Its SHA-1 hash, by which Redis knows it.
    pub(in crate::redis) fn hash(&self) -> &str {
        &self.hash
    }

    /// Its Lua source.
    pub(in crate::redis) fn source(&self) -> &str {
        &self.source
    }
}

/// The first line of a script, by which Redis refuses it as a whole before it changes anything
/// (<https://redis.io/docs/latest/develop/programmability/lua-api/>, section "Script flags").
///
/// - `adds`: it stores something new. A Redis that has reached `maxmemory` refuses it.
/// - `keeps`: it maintains sessions and accounts that exist, or frees memory. It runs on a full Redis, too, so that logins
///   and leases go on: what it stores is bounded by the number of users and connections.
/// - `reads`: it changes nothing.
macro_rules! first_line {
    (adds) => {
        "#!lua\n"
    };
    (keeps) => {
        "#!lua flags=allow-oom\n"
    };
    (reads) => {
        "#!lua flags=no-writes\n"
    };
}

/// Declares all scripts: the name of each, what it may do while Redis is full, and its source files.
macro_rules! scripts {
    ($($name:ident $may:ident: $($file:literal)+;)*) => {
        #[allow(non_camel_case_types, reason = "the names are those of the files")]
        enum Index { $($name,)* }

        static ALL: LazyLock<Vec<Script>> = LazyLock::new(|| vec![
            $(Script::new(
                Index::$name as usize,
                stringify!($name),
                concat!(first_line!($may), $(include_str!(concat!("../scripts/", $file, ".lua")),)+).to_owned(),
            ),)*
        ]);

        $(#[doc = concat!("See `scripts/", stringify!($name), ".lua`.")]
        pub(in crate::redis) fn $name() -> &'static Script {
            &ALL[Index::$name as usize]
        })*
    };
}

scripts! {
    admit_room keeps: "admit_room";
    add_invitation adds: "add_invitation";
    add_ticket adds: "add_ticket";
    amend_account keeps: "amend_account";
    append_feed adds: "append" "once" "append_feed";
    append_received adds: "append" "conversation" "append_received";
    append_room adds: "append" "once" "seat" "append_room";
    append_sent adds: "append" "once" "conversation" "append_sent";
    begin_attempt keeps: "begin_attempt";
    begin_epoch keeps: "begin_epoch";
    bind_ticket keeps: "bind_ticket";
    cancel_claim keeps: "cancel_claim";
    change_password keeps: "revoke_bound" "change_password";
    claim keeps: "claim";
    clear_intent keeps: "clear_intent";
    clock reads: "clock";
    create_account adds: "create_account";
    delete_account keeps: "delete_account";
    depart keeps: "depart";
    drop_room keeps: "drop_room";
    edit adds: "append" "once" "seat" "amended" "edit";
    end_attempt keeps: "end_attempt";
    end_room keeps: "end_room";
    enter keeps: "touch_ttl" "publish_membership" "seat" "enter";
    evict keeps: "touch_ttl" "publish_membership" "remove_member" "evict";
    expel keeps: "touch_ttl" "publish_membership" "remove_member" "expel";
    head keeps: "touch_ttl" "head";
    index_room keeps: "index_room";
    kick_account keeps: "kick_account";
    leave keeps: "touch_ttl" "publish_membership" "remove_member" "leave";
    forget_room keeps: "forget_room";
    look_at_invitation reads: "look_at_invitation";
    look_at_rights reads: "amended" "look_at_rights";
    moderate adds: "append" "amended" "moderate";
    move_marks adds: "move_marks";
    note_address keeps: "note_address";
    note_outhook keeps: "note_outhook";
    note_ticket_use keeps: "note_ticket_use";
    others_between reads: "others_between";
    page reads: "merge" "page";
    page_conversation reads: "page_conversation";
    predecessors reads: "predecessors";
    probe adds: "probe";
    read_conversations keeps: "conversation" "read_conversations";
    reap keeps: "reap";
    record_intent keeps: "record_intent";
    register keeps: "register";
    release keeps: "release";
    release_outhook_turn keeps: "release_outhook_turn";
    remember_room adds: "remember_room";
    renew keeps: "renew";
    restore keeps: "restore";
    revoke_tickets keeps: "revoke_bound" "revoke_tickets";
    sessions_on reads: "sessions_on";
    settle_invitation keeps: "settle_invitation";
    suspend_account keeps: "suspend_account";
    take_outhook_turn keeps: "take_outhook_turn";
    tail keeps: "touch_ttl" "merge" "tail";
    use_invitation adds: "use_invitation";
}

/// All scripts.
pub(in crate::redis) fn all() -> &'static [Script] {
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn each_script_is_found_by_its_number() {
        for (index, script) in super::all().iter().enumerate() {
            assert_eq!(script.index, index, "{}", script.name);
            let source = script.source().split_once('\n').map_or("", |(_, source)| source);
            assert!(source.starts_with("--"), "{} has no comment on its purpose", script.name);
        }
    }

    const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redis/scripts");

    /// The commands of scripts that change nothing.
    const READS: [&str; 18] = [
        "EXISTS",
        "GET",
        "HEXISTS",
        "HGET",
        "HGETALL",
        "HLEN",
        "HMGET",
        "PTTL",
        "SCARD",
        "SISMEMBER",
        "SMEMBERS",
        "TIME",
        "XLEN",
        "XRANGE",
        "XREVRANGE",
        "ZCARD",
        "ZRANGE",
        "ZSCORE",
    ];

    /// The commands by which a source changes something.
    fn writes(source: &str) -> BTreeSet<&str> {
        let calls = source.split("redis.call('").skip(1).filter_map(|rest| rest.split('\'').next());
        calls.filter(|call| !READS.contains(call)).collect()
    }

    #[test]
    fn a_script_is_marked_as_one_that_only_reads_if_it_is_one() {
        for script in super::all() {
            let own = std::fs::read_to_string(format!("{DIRECTORY}/{}.lua", script.name)).unwrap();
            if script.source().starts_with("#!lua flags=no-writes\n") {
                assert_eq!(writes(&own), BTreeSet::new(), "{} only reads", script.name);
            } else if script.name != "probe" {
                // The probe is to be refused like a message.
                assert_ne!(writes(script.source()), BTreeSet::new(), "{} changes something", script.name);
            }
        }
    }

    #[test]
    fn every_file_is_a_part_of_a_script_and_no_two_scripts_are_the_same() {
        let sources = super::all().iter().map(super::Script::source).collect::<Vec<_>>();
        for file in std::fs::read_dir(DIRECTORY).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(sources.iter().any(|source| source.contains(&text)), "{} is used nowhere", path.display());
        }
        let hashes: BTreeSet<&str> = super::all().iter().map(super::Script::hash).collect();
        assert!(hashes.len() == sources.len() && hashes.iter().all(|hash| hash.len() == 40));
    }
}
