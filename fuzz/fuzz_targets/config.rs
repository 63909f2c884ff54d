//! For any content, a file of settings is either accepted, or refused with one line. A command line with an accepted
//! file is valid. The flags here are one of each kind in Parlor, not all flags.

#![no_main]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Arg, ArgAction, Command, value_parser};
use libfuzzer_sys::fuzz_target;
use parlor_settings::file::Defaults;
use parlor_settings::{Network, ServerName, duration, size};

static ROOT: LazyLock<Command> = LazyLock::new(|| Command::new("parlor").subcommand(serve()));

fn serve() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name);
    let list = |name: &'static str| flag(name).action(ArgAction::Append).value_delimiter(',');
    Command::new("serve")
        .arg(flag("config").value_parser(value_parser!(PathBuf)))
        .arg(list("listen").value_parser(value_parser!(SocketAddr)).default_value("127.0.0.1:7878"))
        .arg(list("proxy-from").value_parser(str::parse::<Network>))
        .arg(flag("server-name").value_parser(str::parse::<ServerName>).default_value("parlor"))
        .arg(flag("data").value_parser(value_parser!(PathBuf)).default_value("/var/lib/parlor"))
        .arg(flag("history").value_parser(value_parser!(u64)).default_value("10000"))
        .arg(flag("duplicate-login").value_parser(["takeover", "reject"]).default_value("takeover"))
        .arg(flag("login-timeout").value_parser(duration::parse_positive).default_value("10s"))
        .arg(flag("idle-timeout").value_parser(duration::parse).default_value("0"))
        .arg(flag("max-line-bytes").value_parser(|text: &str| size::parse_in(text, &(512..=65_536))))
        .arg(flag("bcrypt-cost").value_parser(value_parser!(u32).range(4..=31)).default_value("12"))
        .arg(
            flag("limit-loopback")
                .action(ArgAction::Set)
                .value_parser(value_parser!(bool))
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .default_value("false"),
        )
}

fn check_refusal(why: &str) {
    assert!(!why.is_empty() && !why.contains('\n'), "not one line: {why:?}");
}

fuzz_target!(|text: &str| {
    let root = &*ROOT;
    let serve = root.find_subcommand("serve").expect("it is there");
    match Defaults::parse(text, serve) {
        Err(why) => check_refusal(&why),
        Ok(defaults) => {
            let root = root.clone().mut_subcommand("serve", |serve| defaults.apply(serve));
            let parsed = root.try_get_matches_from(["parlor", "serve"]);
            assert!(parsed.is_ok(), "accepted in the file, but refused on the command line: {parsed:?}");
        }
    }
});
