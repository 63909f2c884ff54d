#!/usr/bin/env python3
"""Checks passwords of Parlor in an LDAP directory, with nothing but Python's standard library.

    LDAP_URL=ldaps://ldap.example.org \\
    LDAP_DN='uid={user},ou=people,dc=example,dc=org' \\
    parlor serve --auth-command /usr/local/lib/parlor/auth_ldap.py

The server sends a line of JSON for each login and reads one as the answer. The password is right if the directory accepts a
simple bind with it (RFC 4511). Use ldaps://: with ldap:// passwords cross the network as they are. LDAP_CA names the
file of the authority that signed the directory's certificate, if the system does not know it.
"""

import json
import os
import socket
import ssl
import sys
import urllib.parse

TIMEOUT = 4


def ber(tag, content):
    """A value in BER: tag, length, content."""
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 128 | size]) + length.to_bytes(size, "big") + content


def read_ber(stream):
    """Reads one value. Returns its tag and its content."""
    head = stream.read(2)
    if len(head) < 2:
        raise OSError("the directory closed the connection")
    tag, length = head
    if length & 128:
        length = int.from_bytes(stream.read(length & 127), "big")
    if length > 1 << 20:
        raise OSError("the answer is too long")
    return tag, stream.read(length)


def split(content):
    """Splits the content of a sequence into tags and contents."""
    import io

    stream, parts = io.BytesIO(content), []
    while stream.tell() < len(content):
        parts.append(read_ber(stream))
    return parts


def escape(value):
    """A value as a part of a name in the directory (RFC 4514)."""
    escaped = "".join("\\" + char if char in '\\,+"<>;=' else char for char in value)
    return "\\" + escaped if escaped.startswith(("#", " ")) else escaped


def binds(url, dn, password, ca=None):
    """Whether the directory accepts a simple bind."""
    # A bind without a password is one of nobody, and always accepted.
    if not password:
        return False
    place = urllib.parse.urlsplit(url)
    is_secure = place.scheme == "ldaps"
    address = (place.hostname, place.port or (636 if is_secure else 389))
    with socket.create_connection(address, timeout=TIMEOUT) as plain:
        link = plain
        if is_secure:
            link = ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname=place.hostname)
        # LDAPMessage { messageID 1, BindRequest { version 3, name, simple password } }
        request = ber(2, b"\x03") + ber(4, dn.encode()) + ber(0x80, password.encode())
        link.sendall(ber(0x30, ber(2, b"\x01") + ber(0x60, request)))
        _, message = read_ber(link.makefile("rb"))
    _, (tag, answer) = split(message)[:2]
    if tag != 0x61:
        raise OSError("the answer is no BindResponse")
    code = int.from_bytes(split(answer)[0][1], "big")
    if code == 0:
        return True
    # 49: wrong password or no such entry; 32 and 34: no such entry.
    if code in (49, 32, 34):
        return False
    raise OSError(f"the directory refuses the bind with code {code}")


def main():
    url, dn = os.environ["LDAP_URL"], os.environ["LDAP_DN"]
    operators = set(os.environ.get("LDAP_OPERATORS", "").split())
    for line in sys.stdin:
        asked = json.loads(line)
        user = asked["user"]
        # An error ends the program: the server answers that the login cannot be checked now, and starts it again.
        ok = binds(url, dn.format(user=escape(user)), asked["password"], os.environ.get("LDAP_CA"))
        print(json.dumps({"ok": ok, "operator": user in operators}), flush=True)


if __name__ == "__main__":
    main()
