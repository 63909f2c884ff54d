//! Thousands of strangers that only occupy connections: each gets what a client gets, until its timeout, and no other
//! client notices.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::harness::{Client, Options, Polled, Server, eventually, heavy};

/// Number of slow connections in each phase.
const SLOW: usize = 40;
/// Number of silent connections.
const SILENT: usize = 10_000;
/// Other descriptors that the tests need.
const OTHER_DESCRIPTORS: usize = 600;
/// Normal variation of a server's threads and descriptors: up to 16 threads wait for the next client.
const SLACK: usize = 8 + 16;
/// Documented maximum memory of one client, in KiB.
const CLIENT_KIB: usize = 60;

/// The beginning of a handshake: a record header that announces 512 bytes, and one of them.
const HALF_A_HELLO: [u8; 6] = [0x16, 3, 1, 2, 0, 1];

/// Two clients that chat during a test.
struct Chat {
    alice: Client,
    bob: Client,
    said: usize,
}

impl Chat {
    fn begin(server: &Server) -> Self {
        let mut alice = server.register("alice");
        let bob = server.register("bob");
        assert_eq!(alice.line(), "JOIN lobby bob");
        Self { alice, bob, said: 0 }
    }

    /// Sends the next message. Fails unless it is the next that arrives.
    fn go_on(&mut self) {
        self.said += 1;
        self.alice.send(&format!("message {}", self.said));
        assert_eq!(self.bob.until("MSG lobby alice "), format!("MSG lobby alice message {}", self.said));
    }
}

/// Resources that a server uses.
#[derive(Debug, Clone, Copy)]
struct Taken {
    threads: usize,
    descriptors: usize,
    memory_kib: usize,
}

impl Taken {
    fn by(server: &Server) -> Self {
        let (threads, memory_kib) = (server.status("Threads"), server.status("VmRSS"));
        Self { threads, descriptors: server.descriptors(), memory_kib }
    }

    /// Fails if the server uses more than `clients` more clients may cost.
    fn expect_clients_since(self, before: Self, clients: usize) {
        assert!(self.threads <= before.threads + clients + SLACK, "{before:?} became {self:?}");
        assert!(self.descriptors <= before.descriptors + clients + SLACK, "{before:?} became {self:?}");
        let memory = before.memory_kib + clients * CLIENT_KIB + 8 * 1024;
        assert!(self.memory_kib <= memory, "{before:?} became {self:?}");
    }
}

/// Waits until threads and descriptors are back at their number before.
fn await_recovery(server: &Server, before: Taken) {
    eventually("their threads end", || server.status("Threads") <= before.threads + SLACK);
    eventually("their descriptors are closed", || server.descriptors() <= before.descriptors + SLACK);
}

fn raw(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).unwrap()
}

/// Sends bytes one by one and slowly, to stay connected, until the server has closed the connection or all are sent.
fn trickle(mut socket: &TcpStream, bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        if socket.write_all(&[byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Runs `stay`, which must not end by itself, on `SLOW` connections while others chat. Fails unless the server ends all
/// of them and its resources are as before.
fn slow_ones_are_gone_in_time(server: &Server, chat: &mut Chat, stay: impl Fn(&Server) + Sync) {
    let before = Taken::by(server);
    let over = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..SLOW {
            scope.spawn(|| {
                stay(server);
                over.fetch_add(1, Ordering::SeqCst);
            });
        }
        while over.load(Ordering::SeqCst) < SLOW {
            chat.go_on();
            Taken::by(server).expect_clients_since(before, SLOW);
            thread::sleep(Duration::from_millis(50));
        }
    });
    await_recovery(server, before);
    chat.go_on();
}

/// Fails unless the server closes the connection without a readable line.
fn expect_closed(mut socket: TcpStream) {
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut said = Vec::new();
    match socket.read_to_end(&mut said) {
        // The server may send a TLS alert.
        Ok(_) => assert!(said.len() < 64 && !said.starts_with(b"ERR"), "{said:?}"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is not closed"),
    }
}

/// Fails unless the server disconnects the client for not logging in.
fn expect_login_timeout(mut client: Client) {
    let (lines, end) = client.rest();
    let [.., refused, bye] = &lines[..] else { panic!("{lines:?}") };
    assert!(refused.starts_with("ERR login-timeout ") && bye.starts_with("BYE login-timeout "), "{lines:?}");
    assert!(matches!(end, Polled::End | Polled::Broken), "{end:?}");
}

#[test]
fn who_takes_his_time_before_he_is_logged_in_is_sent_away_in_each_phase() {
    let _heavy = heavy();
    let server = Options::default().args(&["--handshake-timeout", "3s", "--login-timeout", "3s"]).start();
    let mut chat = Chat::begin(&server);
    // Before the first byte.
    slow_ones_are_gone_in_time(&server, &mut chat, |server| expect_closed(raw(server)));
    // Within the handshake.
    slow_ones_are_gone_in_time(&server, &mut chat, |server| {
        let socket = raw(server);
        trickle(&socket, HALF_A_HELLO.into_iter().chain(std::iter::repeat(1)));
        expect_closed(socket);
    });
    // Between handshake and login.
    slow_ones_are_gone_in_time(&server, &mut chat, |server| expect_login_timeout(server.connect()));
    // Within the line of the login.
    slow_ones_are_gone_in_time(&server, &mut chat, |server| {
        let mut client = server.connect();
        for byte in b"LOGIN alice ".iter().chain(std::iter::repeat(&b'x')) {
            // The lines from the server are read later; a failed send shows the end.
            if client.try_send(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        expect_login_timeout(client);
    });
}

#[test]
fn who_stays_within_a_line_costs_no_more_than_a_client() {
    const CLIENTS: usize = 200;
    // A little less than the maximum line length.
    const PART: usize = 4000;
    let _heavy = heavy();
    let server = Server::start();
    let mut chat = Chat::begin(&server);
    let before = Taken::by(&server);
    let mut slow: Vec<Client> = (0..CLIENTS).map(|number| server.register(&format!("slow{number}"))).collect();
    for client in &mut slow {
        client.send_bytes("x".repeat(PART).as_bytes());
    }
    chat.go_on();
    // They are as quiet as other clients, so each has an idle thread.
    eventually("they have idle threads", || server.threads("idle-") >= CLIENTS);
    // Threads that shook hands with them may not be over yet.
    eventually("other threads are over", || server.status("Threads") <= before.threads + CLIENTS + SLACK);
    Taken::by(&server).expect_clients_since(before, CLIENTS);
    for client in &mut slow {
        client.send_bytes(b"y");
    }
    chat.go_on();
    // An unfinished line becomes a message when its end comes.
    slow[0].send_bytes(b"\n");
    assert_eq!(chat.bob.until("MSG lobby slow0 "), format!("MSG lobby slow0 {}y", "x".repeat(PART)));
    drop(slow);
    await_recovery(&server, before);
    chat.go_on();
}

#[test]
fn ten_thousand_connections_that_say_nothing_leave_the_others_alone() {
    let _heavy = heavy();
    let allowed = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |allowed| usize::try_from(allowed).unwrap());
    // A machine may allow fewer descriptors.
    let silent = SILENT.min(allowed.saturating_sub(OTHER_DESCRIPTORS));
    let most = (silent + 3).to_string();
    let server = Options::default().args(&["--max-connections", &most, "--handshake-timeout", "10m"]).start();
    let mut chat = Chat::begin(&server);
    let before = Taken::by(&server);
    let mut memory = Vec::new();
    for wave in 0..2 {
        let sockets: Vec<TcpStream> = (0..silent)
            .map(|number| {
                if number % 500 == 0 {
                    chat.go_on();
                }
                raw(&server)
            })
            .collect();
        eventually("all are admitted", || server.descriptors() >= before.descriptors + silent);
        let taken = Taken::by(&server);
        taken.expect_clients_since(before, silent);
        (0..20).for_each(|_| chat.go_on());
        // One connection is left, and then none.
        let mut carol = if wave == 0 { server.register("carol") } else { server.log_in("carol") };
        let turned_away = Client::open(server.address(), &server.ca()).poll(Duration::from_secs(20));
        assert_eq!(turned_away, Polled::Broken);
        carol.expect_quiet();
        drop(carol);
        drop(sockets);
        await_recovery(&server, before);
        chat.go_on();
        memory.push(server.status("VmRSS"));
        println!("{silent} silent connections: {before:?} became {taken:?}; {} KiB after them", memory[wave]);
    }
    assert!(memory[1] <= memory[0] + 8 * 1024, "each wave leaves something: {memory:?}");
}

/// Begins a handshake, lets the server do its expensive part, and disconnects.
fn begin_a_handshake(server: &Server) {
    let mut tls = Client::config(&server.ca()).begin().unwrap();
    let mut socket = raw(server);
    while tls.wants_write() {
        tls.write_tls(&mut socket).unwrap();
    }
    let mut answer = [0; 64];
    assert!(socket.read(&mut answer).unwrap() > 0, "the server does not shake hands");
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_flood_of_handshakes_starves_nobody() {
    const THREADS: usize = 4;
    const MESSAGES: usize = 200;
    let _heavy = heavy();
    let server = Server::start();
    let mut chat = Chat::begin(&server);
    let before = Taken::by(&server);
    let (over, handshakes) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    begin_a_handshake(&server);
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        (0..MESSAGES).for_each(|_| chat.go_on());
        // A new client gets in, too.
        server.register("carol");
        over.store(true, Ordering::Release);
    });
    let handshakes = handshakes.into_inner();
    assert!(handshakes >= THREADS, "there was no flood");
    println!("{MESSAGES} messages during {handshakes} handshakes");
    await_recovery(&server, before);
    chat.go_on();
}
