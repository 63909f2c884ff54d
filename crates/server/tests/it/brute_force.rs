//! Password guessing: the server stops it, from any address and on any server, and it keeps no user out forever.

use std::net::Ipv4Addr;
use std::sync::Barrier;
use std::thread;

use parlor_redis_testkit::RedisServer;

use crate::harness::{Client, Options, Server, command, eventually, outcome, without_notice};

/// The address from which alice usually logs in.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// An address from which she has never logged in.
const HOTEL: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// Guesses after which the delay of an account is longer than the server lets a client wait: it refuses attempts then.
/// With the delays before, the guesses take 3.5 s in all.
const GUESSES: usize = 9;

/// Returns options of a server that limits loopback addresses like others.
fn options() -> Options {
    Options::default().args(&["--limit-loopback", "--max-login-failures", "100", "--login-timeout", "5m"])
}

/// Makes the account, from alice's usual address.
fn complete_login(server: &Server) {
    let mut alice = server.connect_from(HOME);
    assert_eq!(alice.ask("REGISTER alice secret"), "OK register alice lobby");
    alice.send("/quit");
    alice.rest();
}

fn log_in(client: &mut Client) -> String {
    client.ask("LOGIN alice secret")
}

fn is_let_in(client: &mut Client) -> bool {
    let answer = log_in(client);
    assert!(answer.starts_with("OK login alice ") || answer.starts_with("ERR too-many-attempts "), "{answer}");
    answer.starts_with("OK ")
}

/// Guesses, each time from another address, until the server refuses attempts from unknown addresses. Returns the
/// number of guesses.
fn guess(server: &Server) -> usize {
    for number in 0..=255 {
        let answer = server.connect_from(Ipv4Addr::new(127, 0, 1, number)).ask("LOGIN alice guess");
        if answer.starts_with("ERR too-many-attempts ") {
            return usize::from(number);
        }
        assert!(answer.starts_with("ERR bad-credentials "), "{answer}");
    }
    panic!("the server does not limit the guesses");
}

#[test]
fn of_many_guesses_at_once_no_more_are_looked_at_than_one_after_the_other() {
    const CONNECTIONS: usize = 40;
    let server = options().env("PARLOR_BCRYPT_COST", "10").start();
    complete_login(&server);
    let start = Barrier::new(CONNECTIONS);
    let guess = |number: usize| {
        let mut client = server.connect_from(Ipv4Addr::new(127, 0, 1, u8::try_from(number).unwrap()));
        start.wait();
        client.ask("LOGIN alice guess")
    };
    let answers: Vec<String> = thread::scope(|scope| {
        let guess = &guess;
        let threads: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(move || guess(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let looked_at = answers.iter().filter(|answer| answer.starts_with("ERR bad-credentials ")).count();
    let told = answers.iter().filter(|answer| answer.starts_with("ERR too-many-attempts ")).count();
    assert_eq!(looked_at + told, CONNECTIONS, "{answers:?}");
    // On a busy machine one or two delays may pass meanwhile.
    assert!((GUESSES - 3..=GUESSES + 3).contains(&looked_at), "{looked_at} of {CONNECTIONS} guesses were checked");
}

#[test]
fn many_who_know_the_password_are_all_let_in() {
    const CONNECTIONS: usize = 30;
    let server = options().args(&["--max-takeovers", "1000"]).start();
    complete_login(&server);
    let start = Barrier::new(CONNECTIONS);
    let enter = |number: usize| {
        let mut client = server.connect_from(Ipv4Addr::new(127, 0, 1, u8::try_from(number).unwrap()));
        start.wait();
        log_in(&mut client)
    };
    let answers: Vec<String> = thread::scope(|scope| {
        let enter = &enter;
        let threads: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(move || enter(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // The next login may displace a session before it is answered.
    let is_in =
        |answer: &String| answer.starts_with("OK login alice ") || answer.starts_with("BYE logged-in-elsewhere ");
    assert!(answers.iter().all(is_in), "{answers:?}");
}

#[test]
fn guesses_from_everywhere_keep_nobody_out_who_is_where_she_usually_is() {
    let server = options().start();
    complete_login(&server);
    assert!(guess(&server) >= GUESSES);
    assert!(!is_let_in(&mut server.connect_from(HOTEL)), "the guesses are not stopped");
    assert!(is_let_in(&mut server.connect_from(HOME)));
    // The known address survives a restart of the server.
    let server = server.restart();
    assert!(guess(&server) >= GUESSES);
    assert!(!is_let_in(&mut server.connect_from(HOTEL)));
    assert!(is_let_in(&mut server.connect_from(HOME)));
}

#[test]
fn at_a_usual_address_a_guess_keeps_out_one_user_of_that_address_only() {
    let server = options().start();
    complete_login(&server);
    let mut bob = server.connect_from(HOME);
    assert_eq!(bob.ask("REGISTER bob secret"), "OK register bob lobby");
    let mut guesser = server.connect_from(HOME);
    let guesses = (0..30).map(|_| guesser.ask("LOGIN alice guess"));
    let looked_at = guesses.take_while(|answer| answer.starts_with("ERR bad-credentials ")).count();
    assert!((GUESSES..30).contains(&looked_at), "{looked_at} guesses");
    assert!(!is_let_in(&mut server.connect_from(HOME)));
    assert_eq!(server.connect_from(HOME).ask("LOGIN bob secret"), "OK login bob lobby");
    assert!(is_let_in(&mut server.connect_from(HOTEL)));
}

#[test]
fn an_operator_lets_somebody_in_while_the_server_runs() {
    let server = options().start();
    complete_login(&server);
    let unlock = |args: &[&str]| {
        let words = [&["user", "unlock", "alice"], args].concat();
        without_notice(outcome(server.data(), command(server.data(), &words).output().unwrap()))
    };
    guess(&server);
    assert!(!is_let_in(&mut server.connect_from(HOTEL)));
    assert_eq!(unlock(&[]), (Some(0), "alice is unlocked\n".to_owned(), String::new()));
    // Without the unlock, one guess is allowed after the delay, and then a longer delay follows.
    eventually("the server has learnt of it", || guess(&server) > 5);
    let named = unlock(&["--from", "127.0.0.3"]);
    assert_eq!(named, (Some(0), "alice is unlocked, and known at 127.0.0.3\n".to_owned(), String::new()));
    eventually("the server has learnt of it", || guess(&server) > 5);
    assert!(is_let_in(&mut server.connect_from(HOTEL)));
}

#[test]
fn on_servers_that_share_a_redis_it_is_the_same() {
    let redis = RedisServer::start();
    let start = || options().env("PARLOR_REDIS", &redis.url()).start();
    let (one, two) = (start(), start());
    complete_login(&one);
    guess(&one);
    assert!(!is_let_in(&mut two.connect_from(HOTEL)), "only one server stops the guesses");
    assert!(is_let_in(&mut two.connect_from(HOME)));
    let data = tempfile::tempdir().unwrap();
    let mut unlock = command(data.path(), &["user", "unlock", "alice", "--from", "127.0.0.4"]);
    let unlocked = unlock.env("PARLOR_REDIS", redis.url()).output().unwrap();
    assert!(unlocked.status.success());
    assert!(guess(&two) > 5, "the account is not unlocked");
    assert!(!is_let_in(&mut one.connect_from(HOTEL)));
    assert!(is_let_in(&mut one.connect_from(Ipv4Addr::new(127, 0, 0, 4))));
}
