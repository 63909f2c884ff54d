//! The meaning of lines, in tables.

mod arguments;
mod before_login;
mod commands;
mod misplaced;
mod once;

use super::*;
use proptest::prelude::*;

fn command(line: &str) -> Command {
    parse_command(line.as_bytes()).unwrap().unwrap()
}

fn refused(line: &str) -> Refusal {
    parse_command(line.as_bytes()).unwrap_err().refusal
}

fn greeting(line: &str) -> PreLoginCommand {
    parse_pre_login(line.as_bytes()).unwrap().unwrap()
}

fn greeting_refused(line: &str) -> Refusal {
    parse_pre_login(line.as_bytes()).unwrap_err().refusal
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

fn post(post: Post) -> Command {
    Command::Post { post, once: None }
}

fn message(said: &str) -> Command {
    post(Post::Message(text(said)))
}

fn once(key: &str, post: Post) -> Command {
    Command::Post { post, once: Some(key.parse().unwrap()) }
}

fn bad(usage: &str) -> Refusal {
    Refusal::BadArgument(usage.to_owned())
}

fn login(user: &str, password: &str) -> PreLoginCommand {
    PreLoginCommand::Login(Credentials { user: user.parse().unwrap(), password: Password::new(password).unwrap() })
}

#[test]
fn the_password_is_all_that_follows_one_space() {
    assert_eq!(greeting("LOGIN alice secret"), login("alice", "secret"));
    assert_eq!(greeting("login Alice  two  words "), login("alice", " two  words "));
    assert_eq!(greeting("Login alice \"quoted\""), login("alice", "\"quoted\""));
}

#[test]
fn the_name_of_a_login_is_a_word_and_the_password_is_what_stands_there() {
    for line in ["LOGIN  alice secret", "LOGIN \t \talice secret", "LOGIN alice\tsecret", r#"LOGIN "alice" secret"#] {
        assert_eq!(greeting(line), login("alice", "secret"), "{line}");
    }
    assert_eq!(greeting(r#"LOGIN  "alice"  "two\" "#), login("alice", r#" "two\" "#));
    assert_eq!(greeting("LOGIN alice\t\tsecret"), login("alice", "\tsecret"));
}

#[test]
fn logins_that_are_none() {
    let usage = "LOGIN <user> <password>";
    assert_eq!(greeting_refused("LOGIN"), bad(usage));
    assert_eq!(greeting_refused("LOGIN alice"), bad(usage));
    assert_eq!(greeting_refused("LOGIN alice "), bad(usage));
    assert_eq!(greeting_refused("LOGIN a.b secret"), Refusal::BadName);
    assert_eq!(greeting_refused("LOGIN \"alice secret"), bad(usage));
    assert_eq!(greeting_refused("LOGIN \"alice\"secret"), bad(usage));
    assert_eq!(greeting_refused("LOGIN \"alice\""), bad(usage));
    assert_eq!(greeting_refused("LOGIN \"\" secret"), Refusal::BadName);
    assert_eq!(greeting_refused(&format!("LOGIN alice {}", "x".repeat(73))), Refusal::PasswordTooLong);
    assert_eq!(greeting_refused("LOGIN alice se\u{7}cret"), Refusal::ControlCharacter(usage.to_owned()));
    assert_eq!(greeting_refused("LOGIN al\u{7}ice secret"), Refusal::ControlCharacter(usage.to_owned()));
}

#[test]
fn keywords_before_login() {
    assert_eq!(greeting("format JSON"), PreLoginCommand::Format(Format::Json));
    assert_eq!(greeting("PING"), PreLoginCommand::Ping(None));
    assert_eq!(greeting("ping abc"), PreLoginCommand::Ping(Some("abc".to_owned())));
    assert_eq!(greeting("Help"), PreLoginCommand::Help);
    assert_eq!(greeting("quit"), PreLoginCommand::Quit);
    assert_eq!(greeting_refused("FORMAT xml"), bad("FORMAT text|json"));
    for line in ["hello", "/join red", "/quit", "JOIN red", "LOGINalice x", "é"] {
        assert_eq!(greeting_refused(line), Refusal::LoginRequired, "{line}");
    }
}

#[test]
fn blank_lines_are_nothing() {
    for line in ["", "  ", "\t", "\u{7}", " \u{200e} ", "\u{feff}", "\u{200b}", "\u{3164} \u{2800}"] {
        assert_eq!(parse_command(line.as_bytes()), Ok(None));
        assert_eq!(parse_pre_login(line.as_bytes()), Ok(None));
    }
}

#[test]
fn messages() {
    assert_eq!(command("hello"), message("hello"));
    assert_eq!(command("  spaces stay  "), message("  spaces stay  "));
    assert_eq!(command("//join red"), message("/join red"));
    assert_eq!(command("a\u{1b}[1mb"), message("a[1mb"));
    assert_eq!(command("login"), message("login"));
}

#[test]
fn a_late_login_is_never_a_message() {
    for line in
        ["LOGIN alice secret", "login x", "ReGiSter bob pw", "\u{7}LOGIN alice secret", "LOG\u{7}IN alice secret"]
    {
        assert_eq!(refused(line), Refusal::AlreadyAuthenticated, "{line:?}");
    }
    assert_eq!(refused("/login alice secret"), Refusal::UnknownCommand);
}

#[test]
fn a_late_login_with_a_tab_is_no_message_either() {
    assert_eq!(greeting("LOGIN\talice secret"), login("alice", "secret"));
    assert_eq!(refused("LOGIN\talice secret"), Refusal::AlreadyAuthenticated);
    assert_eq!(refused("register\tbob pw"), Refusal::AlreadyAuthenticated);
    assert_eq!(command("logins alice"), message("logins alice"));
}

#[test]
fn texts_that_show_nothing_are_no_texts() {
    assert_eq!(refused("/msg bob \u{200b}"), bad("/msg <user> <text>"));
    assert_eq!(refused("/publish \u{3164}\u{7}"), bad("/publish <text>"));
    assert_eq!(refused("/broadcast \u{feff}"), bad("/broadcast <text>"));
}

#[test]
fn invisible_characters_stay_beside_visible_ones() {
    for said in ["\u{1f469}\u{200d}\u{1f467}", "\u{2764}\u{fe0f}", "\u{feff}hi", "a\u{200b}b\u{ad}", "\u{2800}x"] {
        assert_eq!(command(said), message(said), "{said:?}");
    }
}

#[test]
fn a_command_that_is_not_at_the_start_of_its_line_is_never_said() {
    for before in [" ", "\t ", "\u{a0}", "\u{3000}", "\u{feff}", "\u{200b}", "\u{2800}", "\u{7}", "\u{202a}"] {
        for typed in
            ["/passwd old new", "/PassWd old", "/passwd", "/pass\u{200b}wd a b", "/passwd\u{a0}a b", "/login x"]
        {
            assert_eq!(refused(&format!("{before}{typed}")), Refusal::LeadingSpace, "{before:?} {typed:?}");
        }
        for typed in ["LOGIN alice secret", "register bob pw", "LOG\u{200b}IN alice secret", "login\u{a0}alice secret"]
        {
            assert_eq!(refused(&format!("{before}{typed}")), Refusal::AlreadyAuthenticated, "{before:?} {typed:?}");
        }
    }
    assert_eq!(parse_command(b" /passwd a b").unwrap_err().verb, Some(Verb::Passwd));
}

#[test]
fn a_line_that_only_resembles_a_misplaced_command_is_said() {
    for said in [" /etc/passwd", " //join red", "  indented", " login", "a /passwd b", " / passwd", " /"] {
        assert_eq!(command(said), message(said), "{said:?}");
    }
    assert_eq!(command("//passwd is a command"), message("/passwd is a command"));
}

#[test]
fn commands_and_their_arguments() {
    assert_eq!(command("/JOIN Red"), Command::Join("red".parse().unwrap()));
    assert_eq!(command("/join \"red\""), Command::Join("red".parse().unwrap()));
    assert_eq!(command("/who"), Command::Who(None));
    assert_eq!(command("/who lobby"), Command::Who(Some(RoomName::lobby())));
    assert_eq!(command("/publish  two spaces"), post(Post::Publish(text(" two spaces"))));
    assert_eq!(
        command("/msg bob  hi  there"),
        post(Post::Msg { to: "bob".parse().unwrap(), text: text(" hi  there") })
    );
    assert_eq!(command("/ping"), Command::Ping(None));
    assert_eq!(command("/ping \"a b\""), Command::Ping(Some("a b".to_owned())));
    assert_eq!(
        command(r#"/passwd "old words" "new \"words\"""#),
        Command::Passwd { old: Password::new("old words").unwrap(), new: Password::new("new \"words\"").unwrap() }
    );
}

#[test]
fn several_rooms() {
    let red = || "red".parse().unwrap();
    assert_eq!(command("/open Red"), Command::Open(red()));
    assert_eq!(command("/close red"), Command::Close(red()));
    assert_eq!(command("/switch red"), Command::Switch(red()));
    assert_eq!(command("/say red  two  spaces"), post(Post::Say { room: red(), text: text(" two  spaces") }));
    assert_eq!(command("/sync"), Command::Sync);
    for (line, usage) in [
        ("/open", "/open <room>"),
        ("/close a b", "/close <room>"),
        ("/say red", "/say <room> <text>"),
        ("/say red \u{200b}", "/say <room> <text>"),
        ("/sync now", "/sync"),
    ] {
        assert_eq!(refused(line), bad(usage), "{line}");
    }
    assert_eq!(refused("/say # hi"), Refusal::BadName);
}

#[test]
fn a_line_with_a_key_is_read_as_if_it_stood_alone() {
    let bob = || "bob".parse().unwrap();
    assert_eq!(command("/once k-1 hello  there "), once("k-1", Post::Message(text("hello  there "))));
    assert_eq!(command("/once k  hello"), once("k", Post::Message(text(" hello"))));
    assert_eq!(command("/once k //slash"), once("k", Post::Message(text("/slash"))));
    assert_eq!(command("/once k /msg bob hi"), once("k", Post::Msg { to: bob(), text: text("hi") }));
    assert_eq!(command("/once K /publish hi"), once("K", Post::Publish(text("hi"))));
    assert_eq!(command("/once k /say red hi"), once("k", Post::Say { room: "red".parse().unwrap(), text: text("hi") }));
}

#[test]
fn what_cannot_go_with_a_key() {
    for line in [
        "/once",
        "/once k",
        "/once k ",
        "/once k.1 hello",
        "/once \"\" hello",
        "/once k /join red",
        "/once k /once j hello",
        "/once k /ping",
    ] {
        assert_eq!(refused(line), bad("/once <key> <line>"), "{line}");
    }
    assert_eq!(refused(&format!("/once {} hello", "k".repeat(65))), bad("/once <key> <line>"));
    // However deep, nothing is read in it.
    assert_eq!(refused(&"/once a ".repeat(100_000)), bad("/once <key> <line>"));
    // The errors of the line are its own.
    let error = |line: &str| parse_command(line.as_bytes()).unwrap_err();
    assert_eq!(error("/once k /nonsense").refusal, Refusal::UnknownCommand);
    assert_eq!(error("/once k LOGIN bob secret").refusal, Refusal::AlreadyAuthenticated);
    let no_text = error("/once k /msg bob");
    assert_eq!((no_text.verb, no_text.refusal), (Some(Verb::Msg), bad("/msg <user> <text>")));
    assert_eq!(error("/once").verb, Some(Verb::Once));
}

#[test]
fn targets_and_numbers() {
    let room = || Target::Room("red".parse().unwrap());
    let direct = || Target::Direct("bob".parse().unwrap());
    assert_eq!(command("/read #red 7"), Command::Read { target: room(), id: MessageId(7) });
    assert_eq!(command("/read @Bob 0"), Command::Read { target: direct(), id: MessageId(0) });
    let page = |line: &str| match command(line) {
        Command::Backlog { target, range, count } => (target, range, count),
        other => panic!("{other:?}"),
    };
    assert_eq!(page("/backlog #red"), (room(), PageRange::Newest, 50));
    assert_eq!(page("/backlog @bob 7"), (direct(), PageRange::Newest, 7));
    assert_eq!(page("/backlog #red before 9"), (room(), PageRange::Before(MessageId(9)), 50));
    assert_eq!(page("/backlog #red AFTER 9 501"), (room(), PageRange::After(MessageId(9)), 500));
    let too_big = u64::MAX.to_string();
    for id in ["", "-1", "+1", "x", "1.5", &too_big, "99999999999999999999"] {
        assert_eq!(refused(&format!("/read #red {id}")), bad("/read <target> <id>"), "{id}");
    }
    for rest in ["", "red", "#red 0", "#red x", "#red before", "#red next 5", "#red before x", "#red after 1 2 3"] {
        let usage = "/backlog <target> [before <id>|after <id>] [count]";
        assert_eq!(refused(&format!("/backlog {rest}")), bad(usage), "{rest}");
    }
    assert_eq!(refused("/backlog #"), Refusal::BadName);
}

#[test]
fn counts_of_history() {
    assert_eq!(command("/history"), Command::History(50));
    assert_eq!(command("/history 7"), Command::History(7));
    assert_eq!(command("/history 501"), Command::History(500));
    assert_eq!(command("/history 99999999999999999999999"), Command::History(500));
    for line in ["/history 0", "/history -1", "/history ten", "/history 1 2", "/history \"\""] {
        assert_eq!(refused(line), bad("/history [count]"), "{line}");
    }
}

#[test]
fn wrong_arguments_get_the_usage() {
    for (line, usage) in [
        ("/join", "/join <room>"),
        ("/join a b", "/join <room>"),
        ("/join \"a", "/join <room>"),
        ("/leave now", "/leave"),
        ("/publish", "/publish <text>"),
        ("/publish   ", "/publish <text>"),
        ("/msg", "/msg <user> <text>"),
        ("/msg bob", "/msg <user> <text>"),
        ("/msg bob  ", "/msg <user> <text>"),
        ("/passwd a", "/passwd <old> <new>"),
        ("/passwd a \"\"", "/passwd <old> <new>"),
        ("/passwd a b c", "/passwd <old> <new>"),
        ("/format", "/format text|json"),
        ("/ping a b", "/ping [token]"),
    ] {
        assert_eq!(refused(line), bad(usage), "{line}");
    }
}

#[test]
fn control_characters_in_arguments_are_refused() {
    for line in ["/join re\u{7}d", "/who \u{202e}x", "/ping a\u{1b}", "/msg b\u{7}ob hi", "/passwd a\u{7} b"] {
        assert!(matches!(refused(line), Refusal::ControlCharacter(_)), "{line:?}");
    }
    assert_eq!(command("/msg bob h\u{7}i"), post(Post::Msg { to: "bob".parse().unwrap(), text: text("hi") }));
}

#[test]
fn bad_names_and_unknown_commands() {
    for line in ["/join a.b", "/join é", "/subscribe -x", "/msg a.b hi", "/who \"a b\""] {
        assert_eq!(refused(line), Refusal::BadName, "{line}");
    }
    for line in ["/", "/ join red", "/dance", "/joinred", "/\tx"] {
        assert_eq!(refused(line), Refusal::UnknownCommand, "{line}");
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    assert_eq!(parse_command(b"/join \xff").unwrap_err().refusal, Refusal::InvalidUtf8);
    assert_eq!(parse_pre_login(b"LOGIN \xc3").unwrap_err().refusal, Refusal::InvalidUtf8);
}

#[test]
fn a_misread_line_names_its_command() {
    assert_eq!(parse_command(b"/join").unwrap_err().verb, Some(Verb::Join));
    assert_eq!(parse_command(b"LOGIN a b").unwrap_err().verb, Some(Verb::Login));
    assert_eq!(parse_command(b"/dance").unwrap_err().verb, None);
    assert_eq!(parse_pre_login(b"REGISTER x").unwrap_err().verb, Some(Verb::Register));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(line: Vec<u8>) {
        let _ = parse_command(&line);
        let _ = parse_pre_login(&line);
    }

    #[test]
    fn any_text_with_a_slash_is_read_or_refused(line in "/[a-z]{0,14}[ \t\"\\\\]{0,3}.{0,20}") {
        let _ = parse_command(line.as_bytes());
    }

    #[test]
    fn a_login_that_a_client_writes_is_read_back(user in "[a-z0-9][a-z0-9_-]{0,31}", password in "[ \t\"\\\\a-zé]{1,36}") {
        prop_assert_eq!(greeting(&format!("LOGIN {user} {password}")), login(&user, &password));
    }

    #[test]
    fn whatever_is_typed_a_login_is_never_said(prefix in "[\\x00-\\x08 \u{200b}\u{feff}]{0,3}", rest in ".{0,30}") {
        let line = format!("{prefix}LoGiN {rest}");
        let is_post = matches!(parse_command(line.as_bytes()), Ok(Some(Command::Post { .. })));
        prop_assert!(!is_post);
    }
}

#[test]
fn an_invitation_is_shown_before_login_and_made_in_a_session() {
    let (code, id) = (InvitationCode::given("pli_07"), crate::InvitationId(0xab));
    assert_eq!(greeting("invite pli_07"), PreLoginCommand::Invite(code));
    for line in ["INVITE", "INVITE pli_07 ann"] {
        assert_eq!(greeting_refused(line), bad("INVITE <code>"), "{line}");
    }
    assert_eq!(command("/invitation"), Command::Invitation(Vec::new()));
    let rooms = vec!["red".parse().unwrap(), "blue".parse().unwrap()];
    assert_eq!(command("/invitation Red blue"), Command::Invitation(rooms));
    assert_eq!(refused("/invitation r!d"), Refusal::BadName);
    assert_eq!(refused(&format!("/invitation{}", " red".repeat(17))), bad("/invitation [room ...]"));
    assert_eq!(command("/invitations"), Command::Invitations);
    assert_eq!(command("/uninvite 000000ab"), Command::Uninvite(id));
    assert_eq!(refused("/uninvite all"), bad("/uninvite <id>"));
    // The same word is another command in each phase.
    assert_eq!(refused("/invite pli_07"), bad("/invite <room> <user>"));
}

#[test]
fn a_code_is_never_a_message() {
    for line in ["INVITE pli_07", " in\u{200b}vite pl\u{200b}i_07", "invite\tpli_07 please"] {
        assert_eq!(refused(line), Refusal::AlreadyAuthenticated, "{line}");
    }
    assert_eq!(command("Invite bob, please"), message("Invite bob, please"));
}

#[test]
fn a_hook_has_a_room_and_a_label() {
    let (room, label): (RoomName, UserName) = ("red".parse().unwrap(), "ci".parse().unwrap());
    assert_eq!(command("/hook Red CI"), Command::Hook { room: room.clone(), label });
    let url = "https://bot.example/a".parse().unwrap();
    assert_eq!(command("/outhook Red HTTPS://Bot.example/a"), Command::Outhook { room: room.clone(), url });
    assert!(matches!(refused("/outhook red ftp://bot.example/"), Refusal::Pointless(_)));
    assert_eq!(refused("/outhook red"), bad("/outhook <room> <url>"));
    assert_eq!(command("/hooks red"), Command::Hooks(room.clone()));
    assert_eq!(command("/unhook red 000000ab"), Command::Unhook { room, id: crate::HookId(0xab) });
    assert_eq!(refused("/hook red"), bad("/hook <room> <label>"));
    assert_eq!(refused("/hook red c!"), Refusal::BadName);
    assert_eq!(refused("/unhook red all"), bad("/unhook <room> <id>"));
}
