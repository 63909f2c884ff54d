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

/// Declares all scripts: the name of each, and its source files.
macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)*) => {
        #[allow(non_camel_case_types, reason = "the names are those of the files")]
        enum Index { $($name,)* }

        static ALL: LazyLock<Vec<Script>> = LazyLock::new(|| vec![
            $(Script::new(
                Index::$name as usize,
                stringify!($name),
                concat!($(include_str!(concat!("../scripts/", $file, ".lua")),)+).to_owned(),
            ),)*
        ]);

        $(#[doc = concat!("See `scripts/", stringify!($name), ".lua`.")]
        pub(in crate::redis) fn $name() -> &'static Script {
            &ALL[Index::$name as usize]
        })*
    };
}

scripts! {
    admit_room: "admit_room";
    amend_account: "amend_account";
    append_feed: "append" "append_feed";
    append_room: "append" "append_room";
    begin_attempt: "begin_attempt";
    cancel_claim: "cancel_claim";
    claim: "claim";
    clear_intent: "clear_intent";
    create_account: "create_account";
    delete_account: "delete_account";
    drop_room: "drop_room";
    end_attempt: "end_attempt";
    enter: "touch_ttl" "publish_membership" "enter";
    evict: "touch_ttl" "publish_membership" "remove_member" "evict";
    expel: "touch_ttl" "publish_membership" "remove_member" "expel";
    head: "touch_ttl" "head";
    kick_account: "kick_account";
    leave: "touch_ttl" "publish_membership" "remove_member" "leave";
    note_address: "note_address";
    predecessors: "predecessors";
    reap: "reap";
    record_intent: "record_intent";
    release: "release";
    renew: "renew";
    restore: "restore";
    sessions_on: "sessions_on";
    tail: "touch_ttl" "tail";
}

/// All scripts.
pub(in crate::redis) fn all() -> &'static [Script] {
    &ALL
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_script_is_found_by_its_number() {
        for (index, script) in super::all().iter().enumerate() {
            assert_eq!(script.index, index, "{}", script.name);
            assert!(script.source().starts_with("--"), "{} has no comment on its purpose", script.name);
        }
    }
}
