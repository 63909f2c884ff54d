//! `parlor connect` with input, outputs and servers that make it hard: what it must survive, and what it must say.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Client, Options, Server, command, ends, outcome};

/// `parlor connect` as bot, whose account is made, in a pipe.
fn bot(server: &Server, args: &[&str]) -> Command {
    let address = server.address().to_string();
    let mut command = command(server.data(), &["connect", &address, "--user", "bot", "--register"]);
    command.args(args).env("PARLOR_PASSWORD", "secret");
    command
}

/// A file with this input.
fn input(bytes: &[u8]) -> File {
    use std::io::Seek;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// A server with an idle timeout that is shorter than what the client pings for at first.
pub(crate) fn impatient_server() -> Server {
    Options::default().args(&["--idle-timeout", "3s"]).start()
}

/// Lets the idle timeout pass: another client logs in, says nothing, and is sent away. Returns what `listener` heard
/// meanwhile, who says something all the time.
pub(crate) fn let_idle_timeout_pass(server: &Server, quiet: &str, listener: &mut Client) -> Vec<String> {
    let (mut quiet, mut heard) = (server.register(quiet), Vec::new());
    let deadline = Instant::now() + Duration::from_secs(30);
    while quiet.line_within(Duration::from_millis(100)).is_none_or(|line| !line.starts_with("BYE idle-timeout ")) {
        assert!(Instant::now() < deadline, "nobody was sent away");
        listener.send("/ping tick");
        heard.extend(std::iter::from_fn(|| Some(listener.line()).filter(|line| line != "PONG tick")));
    }
    heard
}

#[test]
fn a_pipe_whose_input_is_silent_is_not_lost_to_the_idle_timeout() {
    let server = impatient_server();
    let mut client = bot(&server, &["--room", "ops"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = client.stdin.take().unwrap();
    let mut bob = server.register("bob");
    // The bot may come to the lobby meanwhile.
    bob.send("/join ops");
    bob.until("OK join ops");
    // The first time it learns how long it may be silent.
    let (mut heard, mut times) = (Vec::new(), 0);
    let is_back = |heard: &[String]| {
        let mut of_bot = heard.iter().filter(|line| line.contains("ops bot"));
        of_bot.next_back().is_some_and(|line| line.starts_with("JOIN")) && of_bot.any(|line| line.starts_with("PART"))
    };
    while !is_back(&heard) {
        assert!(times < 5, "it does not come back: {heard:?}");
        times += 1;
        heard.extend(let_idle_timeout_pass(&server, &format!("quiet{times}"), &mut bob));
    }
    for quiet in ["carol", "dave"] {
        let heard = let_idle_timeout_pass(&server, quiet, &mut bob);
        assert!(heard.iter().all(|line| !line.contains("ops bot")), "it comes and goes: {heard:?}");
    }
    writeln!(lines, "the log goes on").unwrap();
    assert_eq!(bob.until("MSG"), "MSG ops bot the log goes on");
    drop(lines);
    assert_eq!(bob.until("PART"), "PART ops bot");
    let (code, _, complaint) = outcome(server.data(), client.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{complaint}");
}

#[test]
fn a_line_that_is_not_utf8_is_told_with_its_number_and_the_others_are_said() {
    let server = Server::start();
    let mut bob = server.register("bob");
    let mut command = bot(&server, &[]);
    command.stdin(input(b"\xef\xbb\xbffirst\n\xff\n\xef\xbb\xbfthird\nla\xe9st\nfifth"));
    let (code, said, complaint) = ends(server.data(), command);
    for line in ["JOIN lobby bot", "MSG lobby bot first", "MSG lobby bot \u{feff}third", "MSG lobby bot fifth"] {
        assert_eq!(bob.line(), line);
    }
    assert_eq!((code, said.as_str()), (Some(4), ""));
    let told = "parlor: line 2 of the input is not UTF-8 from byte 1 on; it was not sent\n\
                parlor: line 4 of the input is not UTF-8 from byte 3 on; it was not sent\n";
    assert_eq!(complaint, told);
}

#[test]
fn a_mark_of_byte_order_before_the_password_is_no_part_of_it() {
    let server = Server::start();
    let mut command = bot(&server, &["--password-stdin"]);
    command.env_remove("PARLOR_PASSWORD").stdin(input("\u{feff}secret\n\u{feff}hello\n/dance\n\r\n/quit\n".as_bytes()));
    let (code, _, complaint) = ends(server.data(), command);
    assert_eq!((code, complaint.lines().count()), (Some(4), 1), "{complaint}");
    let mut bot = server.log_in("bot");
    assert_eq!(bot.ask("/history"), "OLD lobby 1 bot hello");
}

#[test]
fn a_line_without_end_costs_no_memory_and_is_told() {
    let server = Server::start();
    let mut bob = server.register("bob");
    let mut command = bot(&server, &[]);
    let mut bytes = vec![b'x'; 8 << 20];
    bytes.extend(b"\nlast\n");
    command.stdin(input(&bytes));
    let (code, _, complaint) = ends(server.data(), command);
    assert_eq!(code, Some(4));
    assert_eq!(complaint, "parlor: line 1 of the input is longer than 65536 bytes; it was not sent\n");
    assert_eq!(bob.until("MSG"), "MSG lobby bot last");
}

#[test]
fn where_nobody_reads_the_output_any_more_the_end_is_quiet() {
    let server = Server::start();
    for (number, view) in [&["--json"][..], &[]].into_iter().enumerate() {
        let address = server.address().to_string();
        let user = format!("bot{number}");
        let mut command = command(server.data(), &["connect", &address, "--user", &user, "--register"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.args(view).env("PARLOR_PASSWORD", "secret").stdin(input(b"/who\n")).stdout(writer);
        let (code, _, complaint) = ends(server.data(), command);
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{view:?}");
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let server = Server::start();
    let mut command = bot(&server, &[]);
    command.stdin(input(b"/who\n")).stdout(File::options().write(true).open("/dev/full").unwrap());
    let (code, _, complaint) = ends(server.data(), command);
    assert_eq!(code, Some(1));
    assert_eq!(complaint, "parlor: cannot write the output: No space left on device (os error 28)\n");
}

#[test]
fn errors_that_nobody_reads_stop_nothing() {
    let server = Server::start();
    let mut bob = server.register("bob");
    // More refusals than a pipe holds.
    let lines = format!("{}last\n", "/join #nowhere\n".repeat(5000));
    let (reader, writer) = std::io::pipe().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let outputs = [Stdio::from(writer), Stdio::from(full)];
    for (number, errors) in outputs.into_iter().enumerate() {
        let address = server.address().to_string();
        let user = format!("bot{number}");
        let mut command = command(server.data(), &["connect", &address, "--user", &user, "--register"]);
        command.env("PARLOR_PASSWORD", "secret").stdin(input(lines.as_bytes())).stderr(errors);
        let (code, ..) = ends(server.data(), command);
        assert_eq!(code, Some(4));
        assert_eq!(bob.until("MSG"), format!("MSG lobby {user} last"));
    }
    drop(reader);
}

#[test]
fn an_error_at_the_start_that_nobody_reads_does_not_hang() {
    let data = tempfile::tempdir().unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = command(data.path(), &["connect", "[::1]:1", "--user", "bot"]);
    // As much as the pipe holds.
    writer.write_all(&[b'x'; 64 << 10]).unwrap();
    command.env("PARLOR_PASSWORD", "secret").stderr(writer);
    assert_eq!(ends(data.path(), command).0, Some(1));
    drop(reader);
}

#[test]
fn addresses_as_people_paste_them_are_understood_or_explained() {
    let data = tempfile::tempdir().unwrap();
    let connect = |address: &str| {
        let mut command = command(data.path(), &["connect", address, "--user", "bot"]);
        command.env("PARLOR_PASSWORD", "secret");
        ends(data.path(), command)
    };
    let (code, _, complaint) = connect("https://127.0.0.1:1/");
    assert_eq!(code, Some(2));
    assert!(complaint.contains("without https://") && !complaint.contains("IPv6"), "{complaint}");
    let (code, _, complaint) = connect("127.0.0.1:7878:1");
    assert_eq!(code, Some(2));
    assert!(complaint.contains("the port is a number") && !complaint.contains("IPv6"), "{complaint}");
    for (typed, meant) in [(" 127.0.0.1:1 ", "127.0.0.1:1"), ("[::1]:1", "[::1]:1")] {
        let (code, _, complaint) = connect(typed);
        assert_eq!(code, Some(1), "{complaint}");
        assert!(complaint.starts_with(&format!("parlor: {meant} cannot be reached")), "{complaint}");
    }
}
