//! The handshake of WebSocket (RFC 6455, section 4): from a request of HTTP to a connection of WebSocket. It must not judge who asks: the caller checks
//! host, origin and session.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1_smol::Sha1;
use thiserror::Error;

use crate::head::{Method, Request, Version};
use crate::status::Status;

/// The version of the protocol.
pub const VERSION: &str = "13";

/// What a server adds to the key, so that its answer comes from one that knows WebSocket.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key before it is encoded.
const KEY_BYTES: usize = 16;

/// The value of `Sec-WebSocket-Accept`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept(String);

impl fmt::Display for Accept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Why a request is not a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UpgradeRefusal {
    /// Not a `GET`.
    #[error("the method of a WebSocket handshake is GET")]
    Method,
    /// It does not ask for WebSocket, or does so in HTTP/1.0. To be answered with
    /// [`crate::response::Response::websocket_version`].
    #[error("this path speaks only WebSocket")]
    NoUpgrade,
    /// Another version than [`VERSION`]. To be answered with [`crate::response::Response::websocket_version`].
    #[error("the version of WebSocket is not {VERSION}")]
    Version,
    /// No key, or one that is not 16 bytes in base64.
    #[error("the key of the WebSocket handshake is malformed")]
    Key,
}

impl UpgradeRefusal {
    /// The status of the response.
    pub fn status(self) -> Status {
        match self {
            Self::Method => Status::MethodNotAllowed,
            Self::NoUpgrade | Self::Version => Status::UpgradeRequired,
            Self::Key => Status::BadRequest,
        }
    }
}

/// Checks that `request` is a handshake. Returns what [`crate::response::switching_to_websocket`] needs.
///
/// # Errors
/// It is none, or of another version.
pub fn check_upgrade(request: &Request) -> Result<Accept, UpgradeRefusal> {
    if request.method != Method::Get {
        return Err(UpgradeRefusal::Method);
    }
    if request.version < Version::Http11 || !request.upgrade.is_websocket {
        return Err(UpgradeRefusal::NoUpgrade);
    }
    if request.upgrade.version.as_deref() != Some(VERSION) {
        return Err(UpgradeRefusal::Version);
    }
    let key = request.upgrade.key.as_deref().ok_or(UpgradeRefusal::Key)?;
    let is_valid = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    if is_valid { Ok(accept_key(key)) } else { Err(UpgradeRefusal::Key) }
}

/// The answer to a key.
pub fn accept_key(key: &str) -> Accept {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    Accept(STANDARD.encode(hash.digest().bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::head::{Progress, parse};

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn outcome(
        line: &str,
        connection: &str,
        upgrade: &str,
        version: &str,
        key: &str,
    ) -> Result<Accept, UpgradeRefusal> {
        let head = format!(
            "{line}\r\nHost: a\r\nConnection: {connection}\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Version: {version}\r\n\
             Sec-WebSocket-Key: {key}\r\n\r\n"
        );
        let Ok(Progress::Complete { request, .. }) = parse(head.as_bytes()) else { panic!("{head}") };
        check_upgrade(&request)
    }

    #[test]
    fn a_handshake_has_all_its_fields() {
        let get = "GET /ws HTTP/1.1";
        assert_eq!(outcome(get, "upgrade", "websocket", "13", KEY), Ok(accept_key(KEY)));
        assert_eq!(outcome(get, "Keep-Alive, Upgrade", "WebSocket", "13", KEY), Ok(accept_key(KEY)));
        for (line, connection, upgrade, version, key, refusal, code) in [
            ("POST /ws HTTP/1.1", "upgrade", "websocket", "13", KEY, UpgradeRefusal::Method, 405),
            ("HEAD /ws HTTP/1.1", "upgrade", "websocket", "13", KEY, UpgradeRefusal::Method, 405),
            ("GET /ws HTTP/1.0", "upgrade", "websocket", "13", KEY, UpgradeRefusal::NoUpgrade, 426),
            (get, "keep-alive", "websocket", "13", KEY, UpgradeRefusal::NoUpgrade, 426),
            (get, "upgrade", "h2c", "13", KEY, UpgradeRefusal::NoUpgrade, 426),
            (get, "upgrade", "websocket", "8", KEY, UpgradeRefusal::Version, 426),
            (get, "upgrade", "websocket", "", KEY, UpgradeRefusal::Version, 426),
            (get, "upgrade", "websocket", "13", "", UpgradeRefusal::Key, 400),
            (get, "upgrade", "websocket", "13", "dGhlIHNhbXBsZSBub25jZQ", UpgradeRefusal::Key, 400),
            (get, "upgrade", "websocket", "13", "dGhlIHNhbXBsZSBub25j", UpgradeRefusal::Key, 400),
            (get, "upgrade", "websocket", "13", "dGhlIHNhbXBsZSBub25jZXg=", UpgradeRefusal::Key, 400),
            (get, "upgrade", "websocket", "13", "dGhlIHNhbXBsZSBub25jZ!==", UpgradeRefusal::Key, 400),
        ] {
            assert_eq!(outcome(line, connection, upgrade, version, key), Err(refusal), "{line} {version} {key}");
            assert_eq!(refusal.status().code(), code);
        }
    }

    /// The outcome for a head with these fields only.
    fn of(line: &str, fields: &str) -> Result<Accept, UpgradeRefusal> {
        let head = format!("{line}\r\nHost: a\r\n{fields}\r\n");
        let Ok(Progress::Complete { request, .. }) = parse(head.as_bytes()) else { panic!("{head}") };
        check_upgrade(&request)
    }

    #[test]
    fn what_is_wrong_first_is_what_the_client_hears() {
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        assert_eq!(of("POST / HTTP/1.0", ""), Err(UpgradeRefusal::Method));
        assert_eq!(of("GET / HTTP/1.1", "Sec-WebSocket-Version: 8\r\n"), Err(UpgradeRefusal::NoUpgrade));
        assert_eq!(of("GET / HTTP/1.1", upgrade), Err(UpgradeRefusal::Version));
        let versioned = format!("{upgrade}Sec-WebSocket-Version: 13\r\n");
        assert_eq!(of("GET / HTTP/1.1", &versioned), Err(UpgradeRefusal::Key));
        assert_eq!(of("GET / HTTP/1.1", &versioned.replace("13", "13, 8")), Err(UpgradeRefusal::Version));
    }

    proptest! {
        #[test]
        fn a_key_is_sixteen_bytes_in_the_one_form_of_base64(
            bytes in prop::collection::vec(any::<u8>(), 14..19),
        ) {
            let key = STANDARD.encode(&bytes);
            let expected = if bytes.len() == KEY_BYTES { Ok(accept_key(&key)) } else { Err(UpgradeRefusal::Key) };
            let of = |key: &str| outcome("GET / HTTP/1.1", "upgrade", "websocket", "13", key);
            prop_assert_eq!(of(&key), expected);
            for other in [format!("{key}="), format!("={key}"), key.replacen(char::is_alphanumeric, "-", 1)] {
                prop_assert_eq!(of(&other), Err(UpgradeRefusal::Key));
            }
        }
    }

    #[test]
    fn a_key_whose_last_bits_are_lost_is_none() {
        // Without them it stands for the same 16 bytes as `KEY`.
        let other = KEY.replace("ZQ==", "ZR==");
        assert_eq!(outcome("GET / HTTP/1.1", "upgrade", "websocket", "13", &other), Err(UpgradeRefusal::Key));
    }
}
