//! Behind a balancer: the PROXY header names the client of a connection, and only configured addresses may send one.
//! The tests are the balancer: they write the header themselves, from 127.0.0.2.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::harness::{Client, Options, Polled, Server, eventually};

/// Address of balancers in the settings of these tests. All other connections come from 127.0.0.1.
const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

fn header(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, block].concat()
}

/// Returns the header of a client at `address`, with extensions.
fn header_with(address: &str, extensions: &[u8]) -> Vec<u8> {
    let address: SocketAddr = address.parse().unwrap();
    let ports = [&address.port().to_be_bytes()[..], &7878_u16.to_be_bytes()].concat();
    match address {
        SocketAddr::V4(address) => {
            let addresses = [address.ip().octets(), [192, 0, 2, 200]].concat();
            header(PROXY, TCP4, &[&addresses[..], &ports, extensions].concat())
        }
        SocketAddr::V6(address) => {
            let addresses = [address.ip().octets(), [0xfd; 16]].concat();
            header(PROXY, TCP6, &[&addresses[..], &ports, extensions].concat())
        }
    }
}

fn header_of(address: &str) -> Vec<u8> {
    header_with(address, &[])
}

/// Returns the header of the balancer's own connection.
fn own() -> Vec<u8> {
    header(LOCAL, UNSPECIFIED, &[])
}

fn start(args: &[&str]) -> Server {
    let trust = ["--proxy-from", "10.0.0.0/8,127.0.0.2", "--registration", "open"];
    Options::default().args(&trust).args(args).start()
}

/// Returns a connection of the balancer on which nothing is sent yet.
fn balancer(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((BALANCER, 0)).into()).unwrap();
    socket.connect(&server.address().into()).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Returns a client behind the balancer. Its first bytes come in one packet with the header.
fn behind(server: &Server, header: &[u8]) -> Client {
    Client::over(balancer(server), Client::config(&server.ca()), header)
}

/// The same, after the greeting.
fn greeted(server: &Server, header: &[u8]) -> Client {
    let mut client = behind(server, header);
    assert_eq!(client.line(), "HELLO parlor/1 test");
    client
}

/// Whether the server closes a connection with this header without a line.
fn is_turned_away(server: &Server, header: &[u8]) -> bool {
    match behind(server, header).poll(Duration::from_secs(20)) {
        Polled::Line(line) => {
            assert_eq!(line, "HELLO parlor/1 test");
            false
        }
        Polled::Broken => true,
        other => panic!("{other:?}"),
    }
}

/// Returns the number of bytes that the server received from this socket and has not read. It asks the kernel for this one
/// connection (sock_diag(7)): tables of all connections are read in parts, and miss some while thousands come and go.
/// Panics if the connection has ended, or if the kernel cannot tell.
fn unread(server: &Server, socket: &TcpStream) -> u32 {
    const NETLINK: i32 = 16;
    const SOCK_DIAG: i32 = 4;
    const BY_FAMILY: u16 = 20;
    const REQUEST: u16 = 1;
    const ESTABLISHED: u8 = 1;
    let (here, there) = (server.address(), socket.local_addr().unwrap());
    let address = |end: SocketAddr| match end {
        SocketAddr::V4(end) => [&end.ip().octets()[..], &[0; 12]].concat(),
        SocketAddr::V6(end) => panic!("{end} is of another family"),
    };
    let ports = [here.port().to_be_bytes(), there.port().to_be_bytes()].concat();
    // IPv4, TCP, no extension; states, which count for lists only; the connection; on any interface; without a cookie.
    let request =
        [&[2, 6, 0, 0], &[0xff; 4], &ports[..], &address(here), &address(there), &[0; 4], &[0xff; 8]].concat();
    let length = u32::try_from(16 + request.len()).unwrap().to_ne_bytes();
    let head = [&length[..], &BY_FAMILY.to_ne_bytes(), &REQUEST.to_ne_bytes(), &[0; 8]].concat();
    let kernel = Socket::new(Domain::from(NETLINK), Type::DGRAM, Some(Protocol::from(SOCK_DIAG))).unwrap();
    kernel.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    kernel.send(&[head, request].concat()).unwrap();
    let mut answer = [0; 256];
    let length = (&kernel).read(&mut answer).unwrap();
    let kind = u16::from_ne_bytes(answer[4..6].try_into().unwrap());
    assert!(kind == BY_FAMILY && length >= 76, "no connection, or a kernel without tcp_diag: {:?}", &answer[..length]);
    // After its end, the answer is about the socket that listens.
    assert_eq!(answer[17], ESTABLISHED, "the connection has ended");
    // Behind the head: 4 bytes, the connection in 48, the time to its end in 4, then what is to be read.
    u32::from_ne_bytes(answer[72..76].try_into().unwrap())
}

/// Returns everything that comes up to the end of the connection. Fails if the end does not come in time.
fn rest(mut socket: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("the server does not close: {error}"),
        }
    }
}

#[test]
fn a_session_begins_behind_any_header_that_is_sound() {
    let server = start(&[]);
    let mut observer = server.register("observer");
    let most = vec![0xee; 4096 - 16 - 12];
    let headers = [
        header_of("203.0.113.1:4242"),
        header_of("[2001:db8::1]:4242"),
        // An unknown extension, and one with a wrong length.
        header_with("203.0.113.1:4242", &[0xe0, 0, 3, 1, 2, 3, 0x04, 0xff, 0xff]),
        header_with("203.0.113.1:4242", &most),
        own(),
        header(LOCAL, TCP4, &[]),
        header(LOCAL, 0xff, &[7; 100]),
        header(PROXY, UNSPECIFIED, &[]),
        header(PROXY, UNSPECIFIED, &[7; 12]),
    ];
    for (number, header) in headers.iter().enumerate() {
        let mut client = greeted(&server, header);
        assert_eq!(client.ask(&format!("REGISTER user{number} secret")), format!("OK register user{number} lobby"));
        client.send("hello");
        observer.until(&format!("MSG lobby user{number} hello"));
    }
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let server = start(&[]);
    let socket = balancer(&server);
    for byte in header_with("203.0.113.1:4242", &[4, 0, 1, 0]) {
        (&socket).write_all(&[byte]).unwrap();
        eventually("it is read", || unread(&server, &socket) == 0);
    }
    let mut client = Client::over(socket, Client::config(&server.ca()), &[]);
    assert_eq!(client.line(), "HELLO parlor/1 test");
}

#[test]
fn a_balancer_without_a_sound_header_gets_no_session_and_no_answer() {
    let server = start(&[]);
    let mut observer = server.register("observer");
    let mut wrong_signature = header_of("203.0.113.1:1");
    wrong_signature[11] = b'\r';
    let cases = [
        wrong_signature,
        b"PROXY TCP4 203.0.113.1 192.0.2.200 4242 7878\r\n".to_vec(),
        b"REGISTER mallory secret\nhello\n".to_vec(),
        header(0x11, TCP4, &[1; 12]),
        header(0x22, TCP4, &[1; 12]),
        header(PROXY, 0x12, &[1; 12]),
        header(PROXY, 0x31, &[1; 216]),
        header(PROXY, 0xf1, &[1; 216]),
        header(PROXY, TCP4, &[1; 11]),
        header(PROXY, TCP6, &[1; 12]),
        header_with("203.0.113.1:1", &vec![0; 4096 - 16 - 12 + 1]),
        header(LOCAL, UNSPECIFIED, &vec![0; 0xffff]),
    ];
    for (number, bytes) in cases.iter().enumerate() {
        let socket = balancer(&server);
        // The server may close before all is sent.
        let _ = (&socket).write_all(bytes);
        assert_eq!(rest(&socket), b"", "case {number}");
        assert!(is_turned_away(&server, bytes), "case {number}");
    }
    assert!(is_turned_away(&server, &[]), "TLS without a header was served");
    let cut = balancer(&server);
    (&cut).write_all(&header_of("203.0.113.1:1")[..20]).unwrap();
    cut.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rest(&cut), b"");
    observer.expect_quiet();
    eventually("it is logged", || server.log().contains("it does not begin with a PROXY header of version 2"));
    let lines = server.log().matches("a connection of a balancer was closed").count();
    assert!(lines < cases.len(), "{lines} lines of log for {} connections", 2 * cases.len() + 2);
}

#[test]
fn a_header_of_anybody_else_is_plaintext() {
    let server = start(&[]);
    for header in [header_of("203.0.113.1:4242"), own()] {
        let socket = TcpStream::connect(server.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (&socket).write_all(&header).unwrap();
        let answer = rest(&socket);
        assert_eq!(String::from_utf8(answer).unwrap(), "ERR tls-required This port speaks TLS only\n");
    }
    server.connect();
    // Without the setting the server accepts no header.
    let server = Server::start();
    let socket = balancer(&server);
    (&socket).write_all(&header_of("203.0.113.1:4242")).unwrap();
    assert!(rest(&socket).starts_with(b"ERR tls-required "));
}

#[test]
fn the_log_says_that_a_balancer_is_not_in_the_settings() {
    let warning = "ip=127.0.0.2 connections=1";
    for header in [header_of("203.0.113.1:4242"), b"PROXY TCP4 203.0.113.1 192.0.2.200 4242 7878\r\n".to_vec()] {
        let server = Server::start();
        let tell = |bytes: &[u8]| {
            let socket = balancer(&server);
            (&socket).write_all(bytes).unwrap();
            assert!(rest(&socket).starts_with(b"ERR tls-required "));
        };
        tell(b"GET / HTTP/1.1\r\n\r\n");
        assert!(!server.log().contains("PROXY"), "{}", server.log());
        tell(&header);
        eventually("it is logged", || server.log().contains("it has a PROXY header"));
        assert!(server.log().contains(warning), "{}", server.log());
    }
}

#[test]
fn plaintext_behind_a_header_is_told_that_this_port_speaks_tls() {
    let server = start(&[]);
    let one = header_of("203.0.113.1:4242");
    for words in [&b"REGISTER mallory secret\n"[..], &one] {
        let socket = balancer(&server);
        (&socket).write_all(&[&one, words].concat()).unwrap();
        let answer = rest(&socket);
        assert_eq!(String::from_utf8(answer).unwrap(), "ERR tls-required This port speaks TLS only\n");
    }
}

#[test]
fn header_and_handshake_have_one_deadline() {
    let server = start(&["--handshake-timeout", "1s"]);
    let (silent, half, no_hello) = (balancer(&server), balancer(&server), balancer(&server));
    (&half).write_all(&header_of("203.0.113.1:4242")[..20]).unwrap();
    (&no_hello).write_all(&header_of("203.0.113.1:4242")).unwrap();
    let trickling = balancer(&server);
    // A header of almost the maximum length, so that sending it takes longer than the timeout of the test.
    let long = header_with("203.0.113.1:4242", &vec![0; 4000]);
    let trickle = std::thread::spawn(move || {
        // The loop ends when the server has closed.
        long.iter().all(|byte| {
            std::thread::sleep(Duration::from_millis(50));
            (&trickling).write_all(&[*byte]).is_ok()
        })
    });
    for socket in [&silent, &half, &no_hello] {
        assert_eq!(rest(socket), b"");
    }
    assert!(!trickle.join().unwrap(), "the server waited for the whole header");
    eventually("it is logged", || server.log().contains("its PROXY header did not come in time"));
    greeted(&server, &header_of("203.0.113.1:4242"));
}

#[test]
fn the_limit_per_address_is_that_of_the_client() {
    let server = start(&["--max-connections-per-address", "2"]);
    let header = |address: &str| header_of(&format!("{address}:4242"));
    let one = greeted(&server, &header("203.0.113.1"));
    let _two = greeted(&server, &header("203.0.113.1"));
    for same in ["203.0.113.1", "[::ffff:203.0.113.1]"] {
        assert!(is_turned_away(&server, &header(same)));
    }
    let _six = [greeted(&server, &header("[2001:db8::1]")), greeted(&server, &header("[2001:db8::2]"))];
    assert!(is_turned_away(&server, &header("[2001:db8::3]")));
    let _others = [greeted(&server, &header("203.0.113.2")), greeted(&server, &header("[2001:db8:0:1::1]"))];
    drop(one);
    eventually("the place is free again", || !is_turned_away(&server, &header("203.0.113.1")));
    // The balancer itself and peers of this machine are not limited.
    let _own: Vec<_> = (0..5).map(|_| greeted(&server, &own())).collect();
    let _local: Vec<_> = (0..5).map(|_| server.connect()).collect();
}

#[test]
fn a_claim_to_be_local_gives_no_privilege() {
    let server = start(&["--max-connections-per-address", "3", "--max-takeovers", "1"]);
    let local = header_of("127.0.0.1:4242");
    let _three: Vec<_> = (0..3).map(|_| greeted(&server, &local)).collect();
    assert!(is_turned_away(&server, &local));
    // Takeovers are limited, but not for peers of this machine.
    server.register("alice");
    let _here: Vec<_> = (0..4).map(|_| server.log_in("alice")).collect();
    for (user, header) in [("bob", header_of("[::1]:4242")), ("carol", own())] {
        let _first = server.register(user);
        let mut second = greeted(&server, &header);
        assert_eq!(second.ask(&format!("LOGIN {user} secret")), format!("OK login {user} lobby"));
        let refused = greeted(&server, &header).ask(&format!("LOGIN {user} secret"));
        assert!(refused.starts_with("ERR "), "{refused}");
    }
}

#[test]
fn failed_logins_slow_down_the_client_that_failed_and_no_other() {
    let server = start(&["--max-login-failures", "1000"]);
    let mut guesser = greeted(&server, &header_of("203.0.113.1:4242"));
    let mut guesses = (0..40).map(|number| guesser.ask(&format!("LOGIN user{number} guess")));
    assert!(guesses.any(|answer| answer.starts_with("ERR too-many-attempts ")), "it can guess on");
    let mut other = greeted(&server, &header_of("203.0.113.2:4242"));
    assert!(other.ask("LOGIN user40 guess").starts_with("ERR bad-credentials "));
    let mut own = greeted(&server, &own());
    assert!(own.ask("LOGIN user41 guess").starts_with("ERR bad-credentials "));
}

#[test]
fn connections_of_which_nothing_is_known_yet_count_among_all() {
    let server = start(&["--max-connections", "3"]);
    let mut alice = server.register("alice");
    let silent = [balancer(&server), balancer(&server)];
    let header = header_of("203.0.113.1:4242");
    eventually("there is no place", || is_turned_away(&server, &header));
    assert!(is_turned_away(&server, &header));
    drop(silent);
    eventually("the places are free again", || !is_turned_away(&server, &header));
    alice.expect_quiet();
}

#[test]
fn whoever_only_looks_whether_we_listen_leaves_nothing() {
    let server = start(&["--log", "debug", "--max-connections", "3"]);
    for number in 0..50 {
        let socket = balancer(&server);
        if number % 2 == 0 {
            socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(socket);
        eventually("its place is free", || !is_turned_away(&server, &own()));
    }
    let log = server.log();
    assert!(!log.contains("balancer") && !log.contains("no session"), "it is logged");
}

#[test]
fn the_log_names_the_client_and_not_the_balancer() {
    let server = start(&["--log", "debug"]);
    let mut client = greeted(&server, &header_of("203.0.113.7:4242"));
    client.send("REGISTER alice secret");
    client.until("OK register");
    drop(greeted(&server, &header_of("[::ffff:203.0.113.8]:4243")));
    let socket = balancer(&server);
    (&socket).write_all(&[&header_of("[2001:db8::9]:4244")[..], &[0x16, 3, 1, 0, 4, 1, 2, 3, 4]].concat()).unwrap();
    rest(&socket);
    for address in ["203.0.113.7:4242", "203.0.113.8:4243"] {
        eventually("it is logged", || server.log().contains(&format!("address={address}")));
    }
    let of_failure = |line: &str| line.contains("no session came") && line.contains("[2001:db8::9]:4244");
    eventually("the failure is logged", || server.log().lines().any(of_failure));
    let of_session = |line: &str| line.ends_with("user=alice address=203.0.113.7") && line.contains("session began");
    assert!(server.log().lines().any(of_session), "{}", server.log());
    assert!(!server.log().contains("127.0.0.2"), "{}", server.log());
}

#[test]
fn a_shutdown_does_not_wait_for_headers() {
    let mut server = start(&["--handshake-timeout", "1h"]);
    let sockets: Vec<_> = (0..10).map(|_| balancer(&server)).collect();
    for socket in &sockets[5..] {
        (&mut &*socket).write_all(&header_of("203.0.113.1:4242")[..20]).unwrap();
    }
    eventually("each has a thread", || server.threads("handshake-") >= sockets.len());
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!server.log().contains("did not end in time"), "{}", server.log());
    for socket in &sockets {
        assert_eq!(rest(socket), b"");
    }
}
