//! WebSocket libraries that others wrote, as clients: Python's `websockets` and `wsproto`, from Debian.

use std::process::{Command, Stdio};

use crate::harness::Server;

/// A client of `websockets`: two users chat, pings are answered both ways, and the close code is that of the goodbye.
const WEBSOCKETS: &str = r#"
import asyncio, json, ssl, sys, websockets

port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(["http/1.1"])

async def log_in(user):
    socket = await websockets.connect(f"wss://localhost:{port}/ws", ssl=context)
    assert json.loads(await socket.recv())["type"] == "hello"
    await socket.send(f"REGISTER {user} secret")
    assert json.loads(await socket.recv())["command"] == "register"
    return socket

async def chat():
    ann, bob = await log_in("ann"), await log_in("bob")
    assert json.loads(await ann.recv())["type"] == "joined"
    await (await ann.ping(b"are you there?"))
    await ann.send("grüße 🙂")
    assert json.loads(await ann.recv())["id"] == 1
    heard = json.loads(await bob.recv())
    assert (heard["from"], heard["text"]) == ("ann", "grüße 🙂"), heard
    # A message in fragments, with several lines.
    await bob.send(iter(["on", "e\ntw", "o"]))
    answers = [json.loads(line) for _ in range(2) for line in (await bob.recv()).split("\n")][:2]
    assert [answer["id"] for answer in answers] == [2, 3], answers
    texts = []
    while len(texts) < 2:
        texts += [json.loads(line)["text"] for line in (await ann.recv()).split("\n")]
    assert texts == ["one", "two"], texts
    await bob.send("/quit")
    assert json.loads(await bob.recv())["code"] == "quit"
    await bob.wait_closed()
    assert bob.close_code == 1000, bob.close_code
    await ann.close(4321, "enough")
    assert ann.close_code == 4321, ann.close_code

asyncio.run(chat())
print("done")
"#;

/// A client of `wsproto`, which checks each frame of the server.
const WSPROTO: &str = r#"
import json, socket, ssl, sys
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage

port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(["http/1.1"])
tls = context.wrap_socket(socket.create_connection(("localhost", port)), server_hostname="localhost")
client = WSConnection(ConnectionType.CLIENT)
tls.sendall(client.send(Request(host=f"localhost:{port}", target="/ws")))
lines, accepted, closed = [], False, None

def read():
    global accepted, closed
    data = tls.recv(65536)
    client.receive_data(data or None)
    for event in client.events():
        if isinstance(event, AcceptConnection):
            accepted = True
        elif isinstance(event, TextMessage):
            assert event.message_finished, event
            lines.extend(json.loads(line) for line in event.data.split("\n"))
        elif isinstance(event, Ping):
            tls.sendall(client.send(event.response()))
        elif isinstance(event, CloseConnection):
            closed = event.code

def line():
    while not lines:
        read()
    return lines.pop(0)

assert line()["type"] == "hello" and accepted
tls.sendall(client.send(TextMessage("REGISTER cyd secret\n/ping x")))
assert [line()["type"], line()["type"]] == ["ok", "pong"]
tls.sendall(client.send(TextMessage("/nonsense")))
assert line()["code"] == "unknown-command"
tls.sendall(client.send(TextMessage("/quit")))
assert line()["code"] == "quit"
while closed is None:
    read()
assert closed == 1000, closed
print("done")
"#;

fn run(program: &str) {
    let server = Server::start();
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", program, &server.address().port().to_string()]).arg(server.ca());
    python.env("PYTHONUTF8", "1").env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "done\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_client_of_websockets_chats() {
    run(WEBSOCKETS);
}

#[test]
fn a_client_of_wsproto_finds_nothing_to_complain_about() {
    run(WSPROTO);
}
