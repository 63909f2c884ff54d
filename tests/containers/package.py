"""The Debian package, as an administrator uses it on a clean Debian: install, start, use, upgrade, remove.

The container has systemd as its first process, so that the unit runs as on a real machine.
"""

import posixpath
import re
import secrets

import bill
from compose import free_port, run, wait_until
from people import Person

# Outside of containers, systemd itself makes mounts shared: it needs this to pass files to units.
DEBIAN = """
FROM debian:bookworm-slim
RUN apt-get update -qq \\
 && apt-get install -y -qq --no-install-recommends systemd systemd-sysv >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
CMD ["sh", "-c", "mount --make-rshared / && exec /sbin/init"]
"""


class Machine:
    """A Debian with only systemd, and the package in a file."""

    def __init__(self, package, directory):
        self.name = f"parlor-test-{secrets.token_hex(4)}"
        self.package = package
        self.port = free_port()
        self.ca = str(directory / "package-ca.pem")
        self.password = secrets.token_hex(8)

    def start(self):
        run("docker", "build", "--tag", self.name, "-", input=DEBIAN)
        # The permissions that systemd needs to set up the sandbox of a unit; --privileged would give more.
        rights = ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        groups = ["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"]
        mounts = ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--publish", f"127.0.0.1:{self.port}:7878"]
        run("docker", "run", "--detach", "--name", self.name, *rights, *groups, *mounts, self.name)
        run("docker", "cp", self.package, f"{self.name}:/parlor.deb")

    def execute(self, *words, check=True, **options):
        return run("docker", "exec", "--interactive", self.name, *words, check=check, **options)

    def unit(self, property_name):
        return self.execute("systemctl", "show", "--property", property_name, "--value", "parlor").stdout.strip()

    def logs(self):
        return self.execute("journalctl", "--no-pager", "--unit", "parlor", check=False).stdout

    def remove(self):
        run("docker", "rm", "--force", "--volumes", self.name, check=False)
        run("docker", "image", "rm", "--force", self.name, check=False)


def debian_starts(machine):
    machine.start()
    wait_until("systemd runs", lambda: "running" in machine.execute("systemctl", "is-system-running", check=False).stdout)


def it_installs_and_starts(machine):
    machine.execute("apt-get", "install", "--yes", "--no-install-recommends", "/parlor.deb")
    # The service manager waits until the server is ready, so it can be used at once.
    assert machine.unit("ActiveState") == "active", machine.logs()
    machine.execute("parlor", "check")
    assert "enabled" in machine.execute("systemctl", "is-enabled", "parlor").stdout
    assert "serving" in machine.unit("StatusText")


def it_says_what_it_is_made_of(machine):
    # Read from the package itself: this Debian installs no documents.
    take = "dpkg-deb --fsys-tarfile /parlor.deb | tar --extract --to-stdout ./usr/share/doc/parlor/parlor.cdx.json"
    assert bill.check(machine.execute("sh", "-c", take).stdout) > 100


def its_pages_lead_to_what_is_there(machine):
    # Read from the package itself, as above.
    machine.execute("dpkg-deb", "--extract", "/parlor.deb", "/tmp/parlor")
    there = {posixpath.normpath(file) for file in machine.execute("sh", "-c", "cd /tmp/parlor && find .").stdout.split()}
    # One process for all: name and text of each, with zeros between them.
    each = "cd /tmp/parlor && find . -name '*.md' -printf '%P\\0' -exec cat {} \\; -printf '\\0'"
    parts = machine.execute("sh", "-c", each).stdout.split("\0")
    pages = dict(zip(parts[0:-1:2], parts[1:-1:2], strict=True))
    links = missing = 0
    for page, text in pages.items():
        for link in re.findall(r"\]\((?![a-z]+:)([^)#]+)", text):
            links += 1
            if posixpath.normpath(posixpath.join(posixpath.dirname(page), link)) not in there:
                missing += 1
                print(f"{page} leads to {link}, which is not there")
    assert len(pages) > 20 and links > 100 and missing == 0, (len(pages), links, missing)


def it_is_confined(machine):
    process = machine.unit("MainPID")
    status = machine.execute("cat", f"/proc/{process}/status").stdout.splitlines()
    facts = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    assert "0" not in facts["Uid"].split(), facts["Uid"]
    assert int(facts["CapBnd"], 16) == 0 and facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2", facts
    verdict = machine.execute("systemd-analyze", "security", "parlor", "--no-pager").stdout.splitlines()[-1]
    assert verdict.split(": ")[1].split()[0] < "2.0", verdict
    private = ("/var/lib/private/parlor", "/etc/parlor/credentials", "/var/backups/parlor")
    data = machine.execute("stat", "-c", "%a", *private).stdout.split()
    assert data == ["700", "700", "700"], data
    logs = machine.logs()
    assert "WARN" not in logs and "ERROR" not in logs, logs


def it_can_be_reached_once_it_is_told_to(machine):
    settings = 'listen = ["0.0.0.0:7878"]\n'
    machine.execute("sh", "-c", "cat >> /etc/parlor/parlor.toml", input=settings)
    machine.execute("systemctl", "restart", "parlor")
    with open(machine.ca, "w") as file:
        file.write(machine.execute("cat", "/var/lib/parlor/tls/ca.pem").stdout)
    # Without --data, the commands find the installation of the package.
    added = machine.execute("parlor", "user", "add", "alice", "--password-stdin", input=machine.password + "\n")
    assert "using /var/lib/parlor/parlor.db, settings of /etc/parlor/parlor.toml" in added.stderr, added.stderr
    Person("alice", machine.password, [machine.port], machine.ca).connect().client.say("kept")


def it_reloads_its_certificate(machine):
    machine.execute("parlor", "cert", "init", "--force", "--data", "/var/lib/parlor", "--tls-name", "chat.example.org")
    machine.execute("systemctl", "reload", "parlor")
    show = f"openssl s_client -connect localhost:{machine.port} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"
    wait_until("the new certificate is shown", lambda: "chat.example.org" in run("sh", "-c", show).stdout)


def it_has_files_that_only_root_can_read(machine):
    machine.execute("sh", "-c", "cp /var/lib/parlor/tls/server.key /etc/parlor/credentials/key.pem")
    machine.execute("sh", "-c", "cp /var/lib/parlor/tls/server.pem /etc/parlor/credentials/chain.pem")
    place = "/run/parlor-credentials/"
    settings = f'tls-cert = "{place}chain.pem"\ntls-key = "{place}key.pem"\n'
    machine.execute("sh", "-c", "cat >> /etc/parlor/parlor.toml", input=settings)
    machine.execute("systemctl", "restart", "parlor")
    Person("alice", machine.password, [machine.port], machine.ca).connect()
    modes = machine.execute("stat", "-c", "%a", "/run/parlor-credentials", f"{place}key.pem").stdout.split()
    assert modes == ["711", "400"], modes


def it_reloads_a_certificate_of_the_operator(machine):
    machine.execute("parlor", "cert", "init", "--force", "--data", "/var/lib/parlor", "--tls-name", "new.example.org")
    machine.execute("sh", "-c", "cp /var/lib/parlor/tls/server.pem /etc/parlor/credentials/chain.pem")
    process = machine.unit("MainPID")
    machine.execute("systemctl", "reload", "parlor")
    show = f"openssl s_client -connect localhost:{machine.port} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"
    wait_until("the new certificate is shown", lambda: "new.example.org" in run("sh", "-c", show).stdout)
    assert machine.unit("MainPID") == process


def it_makes_a_backup_each_night(machine):
    timer = "parlor-backup.timer"
    assert machine.execute("systemctl", "is-enabled", timer).stdout.strip() == "enabled"
    assert machine.execute("systemctl", "is-active", timer).stdout.strip() == "active"
    machine.execute("systemctl", "start", "parlor-backup")
    backups = machine.execute("ls", "/var/backups/parlor").stdout.split()
    assert len(backups) == 1 and backups[0].endswith(".backup"), backups
    log = machine.execute("journalctl", "--no-pager", "--unit", "parlor-backup").stdout
    assert "was rehearsed: " in log, log


def it_can_be_watched(machine):
    settings = 'admin-listen = ["127.0.0.1:9178"]\naudit-log = "/var/lib/parlor/audit.jsonl"\n'
    machine.execute("sh", "-c", "cat >> /etc/parlor/parlor.toml", input=settings)
    machine.execute("systemctl", "restart", "parlor")
    request = "GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
    ask = f"exec 3<>/dev/tcp/127.0.0.1/9178; printf '{request}' >&3; cat <&3"
    answer = machine.execute("bash", "-c", ask).stdout
    assert answer.startswith("HTTP/1.1 200 ") and answer.endswith("ready\n"), answer
    Person("alice", machine.password, [machine.port], machine.ca).connect()
    trail = machine.execute("cat", "/var/lib/parlor/audit.jsonl").stdout
    assert '"login"' in trail and '"alice"' in trail, trail
    assert "alice" in machine.execute("parlor", "sessions").stdout


def an_upgrade_keeps_everything(machine):
    machine.execute("apt-get", "install", "--yes", "--reinstall", "/parlor.deb")
    assert machine.unit("ActiveState") == "active", machine.logs()
    alice = Person("alice", machine.password, [machine.port], machine.ca).connect()
    assert alice.history(1)[0][1] == "kept"


def it_ends_with_a_goodbye(machine):
    client = Person("alice", machine.password, [machine.port], machine.ca).connect().client
    machine.execute("systemctl", "stop", "parlor")
    assert [event for event in client.events()][-1]["code"] == "server-shutdown"
    assert machine.unit("Result") == "success", machine.logs()


def removing_keeps_the_data_and_purging_does_not(machine):
    machine.execute("apt-get", "remove", "--yes", "parlor")
    machine.execute("test", "-f", "/var/lib/private/parlor/parlor.db")
    machine.execute("apt-get", "purge", "--yes", "parlor")
    left = machine.execute("find", "/etc/parlor", "/var/lib/parlor", "/var/lib/private/parlor", check=False).stdout
    assert left == "", left


STEPS = [
    debian_starts,
    it_installs_and_starts,
    it_says_what_it_is_made_of,
    its_pages_lead_to_what_is_there,
    it_is_confined,
    it_can_be_reached_once_it_is_told_to,
    it_reloads_its_certificate,
    it_has_files_that_only_root_can_read,
    it_reloads_a_certificate_of_the_operator,
    it_makes_a_backup_each_night,
    it_can_be_watched,
    an_upgrade_keeps_everything,
    it_ends_with_a_goodbye,
    removing_keeps_the_data_and_purging_does_not,
]
