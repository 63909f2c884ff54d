//! The handbook of operators, docs/operations.md: what it says is done, command by command, on machines of this test.

use parlor_redis_testkit::RedisServer;

use crate::harness::{Client, Machine, blocks, eventually, headings_with_commands, heavy, section};

/// The page.
const PAGE: &str = "operations.md";

/// The sections with commands. Each of them has a test here.
const SECTIONS: [&str; 12] = [
    "## Install",
    "### A second server",
    "## First day",
    "## Every week",
    "## Upgrade",
    "## Move to another machine",
    "## Restore a backup",
    "## See whether it serves",
    "## Ask a running server",
    "## Let rooms post to programs",
    "## Take a server away",
    "## When something is wrong",
];

/// The blocks of commands of a section; there must be so many.
fn commands<const N: usize>(heading: &str) -> [String; N] {
    assert!(SECTIONS.contains(&heading), "{heading} is in no list");
    let found = blocks(PAGE, heading);
    found.try_into().unwrap_or_else(|found: Vec<String>| panic!("{heading} has {} blocks of commands", found.len()))
}

/// A machine with one server, as after the section about it.
fn installed() -> Machine {
    let mut machine = Machine::new();
    let [install, let_others_in] = commands("## Install");
    let said = machine.follow(&install);
    assert!(said.contains("olga"), "{said}");
    let said = machine.follow(&let_others_in);
    assert!(said.contains("chat.example.org"), "{said}");
    // A serious finding ends it with 1. The server of this test is run by whoever tests, with a cheap hash.
    machine.substitute("parlor audit", "parlor audit || test $? = 1");
    machine
}

/// The answer of the monitoring to this path.
fn monitoring(machine: &Machine, path: &str) -> String {
    machine.shell(&format!("curl --silent http://127.0.0.1:9178{path}"))
}

#[test]
fn every_section_with_commands_is_followed() {
    let mut with_commands = headings_with_commands(PAGE);
    with_commands.push("## When something is wrong".to_owned());
    with_commands.sort();
    let mut sections = SECTIONS.to_vec();
    sections.sort_unstable();
    assert_eq!(with_commands, sections);
}

#[test]
fn a_server_is_installed_people_are_let_in_and_a_week_goes_by() {
    let _heavy = heavy();
    let mut machine = installed();
    assert_eq!(monitoring(&machine, "/readyz"), "ready\n");
    let [backup, people] = commands("## First day");
    let said = machine.follow(&backup);
    assert!(said.contains(" was rehearsed: ") && said.contains(".backup"), "{said}");
    let said = machine.follow(&people);
    assert!(said.contains("/#invite=") && said.contains("parlor://"), "{said}");
    let password = |user: &str| {
        let password = said.lines().find_map(|line| line.strip_prefix(user)?.strip_prefix('\t'));
        password.unwrap_or_else(|| panic!("{user} is not in {said}")).to_owned()
    };
    let mut bob = machine.server().connect();
    bob.ask(&format!("LOGIN bob {}", password("bob")));
    bob.ask("/broadcast hello everybody");
    let [every_week] = commands("## Every week");
    let said = machine.follow(&every_week);
    assert!(said.contains("bob") && said.contains("0/30 "), "{said}");
}

#[test]
fn two_servers_are_one_after_the_handbook() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let (mut one, mut two) = (installed(), installed());
    let [migrate, share, same_authority] = commands("### A second server");
    two.substitute("scp first.example.org:/var/lib/parlor", &format!("cp {}", one.data().display()));
    for machine in [&mut one, &mut two] {
        machine.substitute("redis://redis.example.org", &redis.url());
    }
    one.server().register("alice").ask("/ping");
    one.follow(&migrate);
    for machine in [&mut one, &mut two] {
        machine.follow(&share);
    }
    two.follow(&same_authority);
    let mut alice = one.server().log_in("alice");
    let mut bob = Client::open(two.server().address(), &one.server().ca());
    assert!(bob.line().starts_with("HELLO "));
    assert_eq!(bob.ask("REGISTER bob secret"), "OK register bob lobby");
    bob.send("are we together?");
    alice.until("MSG lobby bob are we together?");
    let both = two.shell("parlor status");
    assert_eq!(both.matches("test ").count(), 2, "{both}");

    let [_, upgrade] = commands("## Upgrade");
    let before = two.server().pid();
    two.substitute("--over 30s", "--over 1s");
    two.follow(&upgrade);
    // Not thrown out by the new program.
    bob.until("RECONNECT ");
    bob.until("BYE server-shutdown");
    assert_ne!(two.server().pid(), before);
    let mut bob = two.server().log_in("bob");
    alice.send("welcome back");
    bob.until("MSG lobby alice welcome back");
}

#[test]
fn an_upgrade_is_preceded_by_a_backup() {
    let _heavy = heavy();
    let mut machine = installed();
    machine.server().register("alice").ask("/ping");
    let [alone, _] = commands("## Upgrade");
    machine.follow(&alone);
    assert!(machine.backups().join("before-upgrade.backup").exists());
    machine.server().log_in("alice");
}

#[test]
fn a_server_moves_to_another_machine() {
    let _heavy = heavy();
    let (mut old, mut new) = (installed(), installed());
    let mut alice = old.server().register("alice");
    alice.send("before the move");
    alice.ask("/ping");
    let [leave, arrive] = commands("## Move to another machine");
    old.follow(&leave);
    for file in ["move.backup", "move-tls.tgz"] {
        std::fs::copy(old.backups().join(file), new.backups().join(file)).unwrap();
    }
    new.follow(&arrive);
    let mut alice = Client::open(new.server().address(), &old.server().ca());
    assert!(alice.line().starts_with("HELLO "));
    assert_eq!(alice.ask("LOGIN alice secret"), "OK login alice lobby");
    alice.send("/history");
    alice.until("OLD lobby 1 alice before the move");
}

#[test]
fn a_backup_is_restored() {
    let _heavy = heavy();
    let mut machine = installed();
    machine.server().register("alice").ask("/ping");
    machine.shell("parlor backup /var/backups/parlor/today.backup");
    machine.server().register("bob").ask("/ping");
    let [restore] = commands("## Restore a backup");
    machine.follow(&restore);
    machine.server().log_in("alice");
    assert!(machine.server().connect().ask("LOGIN bob secret").starts_with("ERR bad-credentials"));
}

#[test]
fn what_to_run_when_something_is_wrong_can_be_run() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let mut machine = installed();
    let page = section(PAGE, "## When something is wrong");
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let commands = rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    let commands: Vec<String> = commands.filter(|one| one.starts_with("parlor ") || one.starts_with("curl ")).collect();
    assert!(commands.len() > 12, "{commands:?}");
    machine.server().register("alice").ask("/ping");
    let mut bob = machine.server().register("bob");
    bob.ask("/join garden");
    // A room in which something was said stays when everybody is gone.
    bob.send("hello");
    bob.ask("/ping");
    let backup = machine.backups().join("now.backup");
    machine.shell(&format!("parlor backup {}", backup.display()));
    machine.substitute("redis://HOST", &redis.url());
    let named = [("NAME", "alice"), ("ROOM", "garden"), ("FILE", backup.to_str().unwrap())];
    for command in commands {
        let command = named.iter().fold(command, |command, (word, meant)| command.replace(word, meant));
        if command.starts_with("parlor restore") {
            machine.follow(&format!("systemctl stop parlor\n{command}\nsystemctl start parlor"));
        } else if command == "parlor status" {
            machine.shell(&format!("PARLOR_REDIS={} {command}", redis.url()));
        } else {
            machine.shell(&command);
        }
    }
}

#[test]
fn what_a_server_does_can_be_seen() {
    let _heavy = heavy();
    let redis = RedisServer::start();
    let mut machine = installed();
    let [see] = commands("## See whether it serves");
    assert_eq!(machine.follow(&see), "ready\n");
    let [ask] = commands("## Ask a running server");
    let mut alice = machine.server().register("alice");
    machine.substitute("redis://HOST", &redis.url());
    let said = machine.follow(&ask);
    assert!(said.contains("alice  127.0.0.1") && said.contains("alice is kicked"), "{said}");
    alice.until("BYE kicked");
    machine.server().log_in("alice").ask("/ping");
    let trail = machine.data().join("audit.jsonl");
    eventually("the login is in the trail", || std::fs::read_to_string(&trail).unwrap().contains(r#""login""#));
}

#[test]
fn rooms_may_post_to_programs() {
    let _heavy = heavy();
    let mut machine = installed();
    let [allow] = commands("## Let rooms post to programs");
    machine.follow(&allow);
    let mut alice = machine.server().register("alice");
    alice.ask("/join garden");
    let allowed = alice.ask("/outhook garden https://bot.example.org/garden");
    assert!(allowed.starts_with("OK outhook plo_"), "{allowed}");
    let denied = alice.ask("/outhook garden http://192.0.2.1/garden");
    assert!(denied.contains("does not allow posts to this address"), "{denied}");
}

#[test]
fn a_server_is_taken_away() {
    let _heavy = heavy();
    let mut machine = installed();
    let mut alice = machine.server().register("alice");
    let [drain] = commands("## Take a server away");
    machine.substitute("--over 1m", "--over 1s");
    machine.follow(&drain);
    alice.until("RECONNECT ");
    alice.until("BYE server-shutdown");
    assert!(machine.server().wait().success());
}
