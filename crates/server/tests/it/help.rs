//! What the program prints about itself: help, version, completions.

use crate::harness::{outcome, parlor};

fn said(args: &[&str]) -> String {
    let data = tempfile::tempdir().unwrap();
    let (code, said, complaints) = outcome(data.path(), parlor(data.path(), args));
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{args:?}");
    said
}

/// Every command with its own help.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["serve"],
    &["connect"],
    &["user"],
    &["user", "add"],
    &["user", "passwd"],
    &["user", "delete"],
    &["user", "kick"],
    &["user", "suspend"],
    &["user", "unsuspend"],
    &["user", "list"],
    &["user", "promote"],
    &["user", "demote"],
    &["user", "unlock"],
    &["user", "ticket"],
    &["user", "revoke"],
    &["user", "export"],
    &["user", "erase"],
    &["room"],
    &["room", "list"],
    &["room", "show"],
    &["room", "transfer"],
    &["room", "delete"],
    &["invite"],
    &["cert"],
    &["cert", "show"],
    &["cert", "init"],
    &["status"],
    &["check"],
    &["audit"],
    &["backup"],
    &["restore"],
    &["export"],
    &["import"],
    &["sessions"],
    &["kick"],
    &["log-level"],
    &["migrate"],
    &["drain"],
    &["torture"],
    &["completions"],
];

/// Returns the subcommands that a help lists.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_help_has_a_usage_and_examples() {
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let help = said(&[*command, &[flag]].concat());
            assert!(help.contains("\nUsage: parlor"), "{command:?}: {help}");
            assert!(help.contains("\nExamples:\n  ") || help.contains("\nExample:\n  "), "{command:?}: {help}");
            assert!(help.lines().all(|line| line.chars().count() <= 120), "{command:?} {flag} is too wide");
        }
    }
}

#[test]
fn every_example_is_one_of_its_own_command() {
    // That of the program itself names them all by a placeholder.
    for command in COMMANDS.iter().filter(|command| !command.is_empty()) {
        let help = said(&[*command, &["--help"]].concat());
        let Some((_, examples)) = help.split_once("Example") else { panic!("{command:?}: {help}") };
        let begin = format!("parlor {}", command.join(" "));
        assert!(examples.contains(&begin) && !examples.contains("COMMAND"), "{command:?}: {help}");
    }
}

#[test]
fn no_subcommand_is_forgotten_above() {
    for command in COMMANDS {
        for name in subcommands(&said(&[*command, &["--help"]].concat())) {
            let path = [*command, &[name.as_str()]].concat();
            assert!(COMMANDS.contains(&path.as_slice()), "{path:?} is not tested");
        }
    }
}

#[test]
fn the_help_of_serve_names_every_flag_s_variable_and_default() {
    let help = said(&["serve", "--help"]);
    for words in ["--presence-limit", "PARLOR_PRESENCE_LIMIT", "[default: 100]", "--history", "[default: 10000]"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(said(&["--version"]), format!("parlor {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&["completions", shell]);
        assert!(["cert", "tls-name", "promote"].iter().all(|word| script.contains(word)), "{shell}: {script}");
    }
}

#[test]
fn bash_completes_by_its_script() {
    let script = said(&["completions", "bash"]);
    let ask = "COMP_WORDS=(parlor ser); COMP_CWORD=1; _parlor parlor ser parlor; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash").args(["-c", &format!("{script}\n{ask}")]).output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    assert_eq!(offered.trim(), "serve", "{}", String::from_utf8_lossy(&output.stderr));
}
