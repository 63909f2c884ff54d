"""The system of docker-compose.yml, as users and operators use it: build, start, hardening, failures, removal.

Each function is a step that later ones build on. They must use Parlor only by its commands and its protocol.
"""

import json
import socket
import ssl
import subprocess

from browser import Browser, ask_page, log_in
from compose import inspect, run, wait_until
from people import Client, Listener, Person, Refused, Speaker

ROOM = "garden"


class Town:
    """State that the steps share: the system, the accounts, the CA file."""

    def __init__(self, system, directory):
        self.system = system
        self.ca = str(directory / "ca.pem")
        self.passwords = {}
        self.cookie = None

    def port(self, service):
        return self.system.ports[service]

    def logs(self):
        return self.system.logs()

    def remove(self):
        self.system.remove()

    def person(self, name, *services):
        return Person(name, self.passwords[name], [self.port(service) for service in services], self.ca)


def it_starts(town):
    town.system.up()
    town.system.wait_for_health("redis", "parlor-1", "parlor-2")


def nobody_is_root_and_nothing_can_be_written(town):
    for service in ("redis", "parlor-1", "parlor-2"):
        assert_confined(town, service)
    assert town.system.execute("parlor-1", "id", "-u").stdout.strip() == "7878"
    assert town.system.execute("parlor-1", "cat", "/proc/1/comm").stdout.strip() == "parlor"
    written = town.system.execute("parlor-1", "sh", "-c", "echo x > /var/lib/parlor/tls/x", check=False)
    assert "Read-only file system" in written.stderr, written


def assert_confined(town, service):
    assert not inspect(town.system.container(service))["HostConfig"]["Privileged"], service
    assert town.system.execute(service, "id", "-u").stdout.strip() != "0", service
    written = town.system.execute(service, "sh", "-c", "echo x > /tmp/x", check=False)
    assert "Read-only file system" in written.stderr, (service, written)
    capabilities = town.system.execute(service, "grep", "CapEff", "/proc/1/status").stdout.split()
    assert int(capabilities[1], 16) == 0, (service, capabilities)


def redis_is_nobody_elses(town):
    facts = inspect(town.system.container("redis"))
    assert not any(facts["NetworkSettings"]["Ports"].values()), "Redis is published"
    stranger = town.system.execute("redis", "redis-cli", "ping").stdout
    assert "NOAUTH" in stranger, stranger


def the_limits_are_there_and_suffice(town):
    host = inspect(town.system.container("parlor-1"))["HostConfig"]
    assert host["PidsLimit"] and host["Memory"], "no limits"
    assert host["LogConfig"]["Config"]["max-size"], "logs grow without a limit"
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    # If a server lacks descriptors or threads for its max-connections, it logs that at start.
    logs = town.system.logs("parlor-1")
    assert "max-connections" not in logs, logs


def accounts_for_trying_are_made_once(town):
    made = town.system.compose("run", "--rm", "demo").stdout
    for line in made.splitlines():
        if " added, password: " in line:
            name, password = line.strip().split(" added, password: ")
            town.passwords[name] = password
    assert sorted(town.passwords) == ["alice", "bob", "carol"], made
    again = town.system.compose("run", "--rm", "demo", check=False)
    assert again.returncode != 0 and "there is a user carol already" in again.stdout + again.stderr, again


def an_account_is_made_by_one_line(town):
    town.passwords["dave"] = "dave's own password"
    words = ["exec", "-T", "parlor-1", "parlor", "user", "add", "dave", "--password-stdin"]
    made = town.system.compose(*words, input=town.passwords["dave"] + "\n")
    assert made.stdout == "dave added\n", made
    assert "dave" in town.system.execute("parlor-2", "parlor", "user", "list").stdout


def the_ca_file_can_be_had(town):
    pem = town.system.execute("parlor-1", "cat", "/var/lib/parlor/tls/ca.pem").stdout
    assert pem == town.system.execute("parlor-2", "cat", "/var/lib/parlor/tls/ca.pem").stdout
    with open(town.ca, "w") as file:
        file.write(pem)


def plaintext_is_refused(town):
    for service in ("parlor-1", "parlor-2"):
        with socket.create_connection(("localhost", town.port(service)), 30) as stranger:
            stranger.sendall(b"LOGIN alice secret\n")
            assert stranger.recv(100).startswith(b"ERR tls-required "), service


def who_does_not_trust_is_not_let_in(town):
    try:
        Client("localhost", town.port("parlor-1"))
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("the certificate was trusted without its authority")


def openssl_reaches_both_servers(town):
    for service in ("parlor-1", "parlor-2"):
        words = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", town.ca]
        done = run(*words, "-connect", f"localhost:{town.port(service)}", input="QUIT\n", timeout=60)
        assert done.stdout.startswith(f"HELLO parlor/1 {service}\n"), done


def a_browser_logs_in_once_for_all_servers(town):
    cookie = log_in(town.ca, town.port("parlor-1"), "alice", town.passwords["alice"])
    for service in ("parlor-1", "parlor-2"):
        status, _, page = ask_page(town.ca, town.port(service), "GET", "/")
        assert status == 200 and "<title>Parlor</title>" in page, page
        status, _, body = ask_page(town.ca, town.port(service), "GET", "/session", {"Cookie": cookie})
        assert (status, json.loads(body)) == (200, {"user": "alice"}), body
    town.cookie = cookie


def the_client_of_the_image_chats(town):
    listener = Listener(town.person("alice", "parlor-1").connect())
    words = ["-e", "PARLOR_PASSWORD", "parlor-2", "parlor", "connect", "--user", "dave"]
    environment = dict(town.system.environment, PARLOR_PASSWORD=town.passwords["dave"])
    done = subprocess.run(
        [*town.system.program, "exec", "-T", *words],
        input="from a container\n", capture_output=True, text=True, cwd=town.system.root, env=environment, timeout=60,
    )
    assert done.returncode == 0, done
    wait_until("the message crosses", lambda: "from a container" in [text for _, text in listener.heard])


def messages_cross(town):
    alice = town.person("alice", "parlor-1").connect(ROOM).client
    bob = town.person("bob", "parlor-2").connect(ROOM).client
    bob.command("/subscribe alice")
    said = alice.say("hello over there")
    alice.command("/publish the roses are out")
    alice.command("/msg bob good to see you")
    heard = {event["type"]: event for _, event in zip(range(3), bob.events())}
    assert heard["message"]["text"] == "hello over there" and heard["message"]["id"] == said, heard
    assert heard["publication"]["text"] == "the roses are out", heard
    assert heard["direct"]["text"] == "good to see you", heard


def one_session_over_all_servers(town):
    first = town.person("carol", "parlor-1").connect().client
    second = town.person("carol", "parlor-2").connect().client
    last = [event for event in first.events()][-1]
    assert last["type"] == "bye" and last["code"] == "logged-in-elsewhere", last
    second.say("I am here now")


def a_server_is_killed(town):
    listener = Listener(town.person("bob", "parlor-2").connect(ROOM))
    speaker = Speaker(town.person("alice", "parlor-1", "parlor-2").connect(ROOM), ROOM)
    speaker.start()
    wait_until("something is said", speaker.has_said_more())
    town.system.kill("parlor-1")
    wait_until("the speaker came back by the other server", lambda: speaker.goes_on() and speaker.reconnected)
    wait_until("something is said", speaker.has_said_more())
    town.system.compose("start", "parlor-1")
    town.system.wait_for_health("parlor-1")
    speaker.stop()
    assert_nothing_lost(town, speaker, listener)
    assert town.person("carol", "parlor-1").connect(ROOM).history(1)[0][1] == speaker.accepted[-1][1]


def redis_is_killed(town):
    listener = Listener(town.person("bob", "parlor-2").connect(ROOM))
    speaker = Speaker(town.person("alice", "parlor-1").connect(ROOM), ROOM)
    speaker.start()
    wait_until("something is said", speaker.has_said_more())
    town.system.kill("redis")
    assert_refused(town.person("carol", "parlor-1"), "store-unavailable")
    town.system.compose("start", "redis")
    wait_until("something is said again", speaker.has_said_more())
    speaker.stop()
    assert speaker.reconnected == 0 and listener.is_connected, "users lost their connections"
    assert_nothing_lost(town, speaker, listener)
    town.system.wait_for_health("redis", "parlor-1", "parlor-2")


def assert_refused(person, code):
    with Client("localhost", person.ports[0], person.ca) as client:
        try:
            client.log_in(person.name, person.password)
        except Refused as refused:
            assert refused.code == code, refused
            return
    raise AssertionError(f"{person.name} could log in")


def assert_nothing_lost(town, speaker, listener):
    """Fails unless every accepted message is in the history, and was received once and in order."""
    assert len(speaker.accepted) > 10
    wait_until("the last message is heard", listener.hears(speaker.accepted[-1]))
    heard = listener.heard
    assert heard == sorted(heard) and len({number for number, _ in heard}) == len(heard), heard
    assert set(speaker.accepted) <= set(heard), sorted(set(speaker.accepted) - set(heard))
    kept = speaker.person.history(500)
    first = kept[0][0]
    assert {message for message in speaker.accepted if message[0] >= first} <= set(kept)


def browsers_come_back_by_their_cookies(town):
    browsers = []
    for name, service in (("alice", "parlor-1"), ("bob", "parlor-2")):
        # The password is sent here, and the browser does not have it.
        cookie = log_in(town.ca, town.port(service), name, town.passwords[name])
        browsers.append(Browser(name, cookie, town.port(service), town.ca, "salon"))
    for browser in browsers:
        wait_until("something is said", browser.has_said_more())
    town.system.compose("restart", "parlor-1", "parlor-2", "redis")
    town.system.wait_for_health("redis", "parlor-1", "parlor-2")
    for browser in browsers:
        wait_until("the browser is back", lambda: browser.goes_on() and browser.sessions > 1)
        wait_until("something is said again", browser.has_said_more())
    for browser in browsers:
        browser.stop()
    alice, bob = browsers
    # Bob went last, so he saw all: each line that was accepted, under its number, and each once.
    said = {**alice.said, **bob.said}
    assert len(said) == len(alice.said) + len(bob.said) > 24, (alice.said, bob.said)
    assert bob.end() > max(said) and {number: bob.shown[number] for number in said if number >= bob.first} == {
        number: text for number, text in said.items() if number >= bob.first
    }, (bob.shown, said)
    for browser in browsers:
        shown = [browser.shown[number] for number in range(browser.first, browser.end())]
        assert len(set(shown)) == len(shown), shown
    both = range(max(alice.first, bob.first), min(alice.end(), bob.end()))
    assert [alice.shown[number] for number in both] == [bob.shown[number] for number in both], (alice.shown, bob.shown)


def a_third_server_joins(town):
    town.system.compose("--profile", "third", "up", "--detach", "parlor-3")
    town.system.wait_for_health("parlor-3")
    town.person("dave", "parlor-3").connect(ROOM).client.say("three of us")
    assert town.person("alice", "parlor-1").connect(ROOM).history(1)[0][1] == "three of us"
    status = town.system.execute("parlor-1", "parlor", "status").stdout
    assert all(name in status for name in ("parlor-1", "parlor-2", "parlor-3")), status


def a_second_start_changes_nothing(town):
    with open(town.ca) as file:
        before = file.read()
    town.system.compose("down", "--timeout", "20")
    town.system.compose("up", "--detach")
    town.system.wait_for_health("redis", "parlor-1", "parlor-2")
    the_ca_file_can_be_had(town)
    with open(town.ca) as file:
        assert file.read() == before, "a new authority was made"
    assert town.person("alice", "parlor-1").connect(ROOM).history(1)[0][1] == "three of us"


def a_balancer_stands_before_them(town):
    town.system.files.append("compose.balanced.yml")
    town.system.compose("up", "--detach")
    town.system.wait_for_health("parlor-1", "parlor-2")
    assert_confined(town, "balancer")
    alice = town.person("alice", "balancer").connect(ROOM).client
    alice.say("by the balancer")
    # The balancer passes HTTP on as it does lines, and a browser is logged in behind it too.
    status, _, body = ask_page(town.ca, town.port("balancer"), "GET", "/session", {"Cookie": town.cookie})
    assert (status, json.loads(body)) == (200, {"user": "alice"}), body
    # The servers' own ports accept clients without a header, and accept a header from the balancer only.
    assert town.person("bob", "parlor-1").connect(ROOM).history(1)[0][1] == "by the balancer"
    header = b"\r\n\r\n\x00\r\nQUIT\n" + bytes.fromhex("2111000c") + bytes([192, 0, 2, 1, 192, 0, 2, 2, 0, 80, 0, 80])
    with socket.create_connection(("localhost", town.port("parlor-1")), 30) as liar:
        liar.sendall(header)
        assert liar.recv(100).startswith(b"ERR tls-required "), "a stranger's header was accepted"


def servers_know_who_comes_by_the_balancer(town):
    balancer = town.system.environment["PARLOR_BALANCER"]
    gateway = balancer.rsplit(".", 1)[0] + ".1"
    sessions = [line for line in town.system.logs("parlor-1", "parlor-2").splitlines() if "user=alice" in line]
    assert any(gateway in line for line in sessions), sessions
    assert not any(balancer in line for line in sessions), sessions


def a_server_is_drained(town):
    person = town.person("alice", "balancer").connect(ROOM)
    drained = person.client.server
    other = {"parlor-1": "parlor-2", "parlor-2": "parlor-1"}[drained]
    listener = Listener(town.person("bob", other).connect(ROOM))
    speaker = Speaker(person, ROOM)
    speaker.start()
    wait_until("something is said", speaker.has_said_more())
    command_balancer(town, f"set server parlor/{drained} state drain")
    town.system.compose("stop", drained)
    wait_until("something is said", speaker.has_said_more())
    assert speaker.reconnected == 1 and person.client.server == other
    town.system.compose("start", drained)
    command_balancer(town, f"set server parlor/{drained} state ready")
    town.system.wait_for_health(drained)
    speaker.stop()
    assert_nothing_lost(town, speaker, listener)
    # The drained server has fewer connections than the other one, so it gets the next.
    wait_until("newcomers are sent there", lambda: town.person("carol", "balancer").connect().client.server == drained)


def a_server_that_would_lose_messages_gets_nobody(town):
    wait_until("both servers get newcomers", lambda: servers_that_are_up(town) == {"parlor-1", "parlor-2"})
    # Redis still has its connections, and answers nothing. A TLS handshake with a server would succeed.
    town.system.compose("pause", "redis")
    wait_until("no server gets newcomers", lambda: servers_that_are_up(town) == set())
    town.system.compose("unpause", "redis")
    wait_until("both servers get newcomers", lambda: servers_that_are_up(town) == {"parlor-1", "parlor-2"})
    town.person("alice", "balancer").connect(ROOM).client.say("it goes on")


def servers_that_are_up(town):
    # A line for each server: the fourth field is its name, the sixth its state, where 2 is running.
    lines = [line.split() for line in ask_balancer(town, "show servers state parlor").splitlines()]
    return {line[3] for line in lines if len(line) > 6 and line[1] == "parlor" and line[5] == "2"}


def command_balancer(town, command):
    answer = ask_balancer(town, command)
    assert answer == "", answer


def ask_balancer(town, command):
    socket = f"exec 3<>/dev/tcp/127.0.0.1/9999 && echo '{command}' >&3 && cat <&3"
    return town.system.compose("exec", "-T", "balancer", "bash", "-c", socket).stdout.strip()


def nothing_stays_behind(town):
    town.system.remove()
    assert town.system.leftovers() == []


STEPS = [
    it_starts,
    nobody_is_root_and_nothing_can_be_written,
    redis_is_nobody_elses,
    the_limits_are_there_and_suffice,
    accounts_for_trying_are_made_once,
    an_account_is_made_by_one_line,
    the_ca_file_can_be_had,
    plaintext_is_refused,
    who_does_not_trust_is_not_let_in,
    openssl_reaches_both_servers,
    a_browser_logs_in_once_for_all_servers,
    the_client_of_the_image_chats,
    messages_cross,
    one_session_over_all_servers,
    a_server_is_killed,
    redis_is_killed,
    browsers_come_back_by_their_cookies,
    a_third_server_joins,
    a_second_start_changes_nothing,
    a_balancer_stands_before_them,
    servers_know_who_comes_by_the_balancer,
    a_server_is_drained,
    a_server_that_would_lose_messages_gets_nobody,
    nothing_stays_behind,
]
