//! The header of the PROXY protocol, version 2, in which a balancer sends the origin of a connection
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>). It must not read: the parser is a function of bytes, and
//! returns how many bytes it needs.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

/// The first bytes of each header.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of a header before its block of addresses and extensions.
const FIXED_BYTES: usize = 16;

/// The header of a balancer's own connection, by which it looks whether a server answers.
pub const LOCAL: [u8; FIXED_BYTES] = *b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Longest accepted header. Addresses need 52 bytes; the rest is for extensions, which are skipped.
pub const MAX_BYTES: usize = 4096;

/// The result of parsing the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The header has at least this many bytes; more bytes are needed.
    Needs(usize),
    /// The header is complete.
    Complete(Source),
}

/// The origin of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The balancer's own connection, or a connection of unknown origin.
    Balancer,
    /// A connection of a client with this address.
    Client(SocketAddr),
}

/// Why the bytes are not an accepted header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The first bytes are not the signature.
    #[error("it does not begin with a PROXY header of version 2")]
    Signature,
    /// Neither `LOCAL` nor `PROXY` of version 2.
    #[error("its PROXY header has the unknown version and command {0:#04x}")]
    Command(u8),
    /// Neither TCP over IPv4 or IPv6, nor unspecified.
    #[error("its PROXY header is not of a TCP connection but of family and protocol {0:#04x}")]
    Family(u8),
    /// The block ends within the addresses.
    #[error("its PROXY header is too short for its addresses")]
    Addresses,
    /// More than [`MAX_BYTES`].
    #[error("its PROXY header has {0} bytes, more than {MAX_BYTES}")]
    TooLong(usize),
}

/// Whether a connection that begins with these bytes, of which there should be 12, has a header of version 1 or 2.
pub fn is_header(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE) || bytes.starts_with(b"PROXY ")
}

/// Parses the header at the beginning of `bytes`. Ignores the bytes after it.
///
/// # Errors
/// The bytes are not the beginning of an accepted header, whatever may follow.
pub fn parse(bytes: &[u8]) -> Result<Progress, Malformed> {
    if bytes.iter().zip(&SIGNATURE).any(|(byte, expected)| byte != expected) {
        return Err(Malformed::Signature);
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Progress::Needs(FIXED_BYTES));
    };
    let [.., command, family, high, low] = *fixed;
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        other => return Err(Malformed::Command(other)),
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED_BYTES + length > MAX_BYTES {
        return Err(Malformed::TooLong(FIXED_BYTES + length));
    }
    let Some(block) = rest.get(..length) else {
        return Ok(Progress::Needs(FIXED_BYTES + length));
    };
    // For the balancer's own connections, everything else must be ignored, even if it would be an error elsewhere.
    Ok(Progress::Complete(if is_local { Source::Balancer } else { source(family, block)? }))
}

fn source(family: u8, block: &[u8]) -> Result<Source, Malformed> {
    let client = match family {
        0x00 => return Ok(Source::Balancer),
        0x11 => client::<4>(block),
        0x21 => client::<16>(block),
        other => return Err(Malformed::Family(other)),
    };
    client.map(Source::Client).ok_or(Malformed::Addresses)
}

/// The first of two addresses of `N` bytes, with the first of the two ports after them.
fn client<const N: usize>(block: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = block.split_first_chunk::<N>()?;
    let (_destination, rest) = rest.split_first_chunk::<N>()?;
    let ([high, low, _, _], _extensions) = rest.split_first_chunk::<4>()?;
    Some(SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, block].concat()
    }

    const TCP4: [u8; 12] = [192, 0, 2, 1, 10, 0, 0, 1, 0x10, 0x92, 0x1e, 0xc6];

    fn tcp6() -> Vec<u8> {
        let mut block = vec![0; 36];
        block[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
        block[15] = 7;
        block[16..32].fill(0xff);
        block[32..].copy_from_slice(&TCP4[8..]);
        block
    }

    fn client_at(address: &str) -> Result<Progress, Malformed> {
        Ok(Progress::Complete(Source::Client(address.parse().unwrap())))
    }

    const BALANCER: Result<Progress, Malformed> = Ok(Progress::Complete(Source::Balancer));

    #[test]
    fn the_source_of_a_tcp_connection_is_the_client() {
        assert_eq!(parse(&header(0x21, 0x11, &TCP4)), client_at("192.0.2.1:4242"));
        assert_eq!(parse(&header(0x21, 0x21, &tcp6())), client_at("[2001:db8::7]:4242"));
    }

    #[test]
    fn the_header_of_an_own_connection_is_one() {
        assert_eq!(parse(&LOCAL), BALANCER);
        assert_eq!(LOCAL[..], header(0x20, 0, &[]));
    }

    #[test]
    fn both_versions_are_told_from_what_is_none() {
        assert!(is_header(&LOCAL[..12]));
        assert!(is_header(b"PROXY TCP4 1"));
        for other in [&b"GET / HTTP/1"[..], b"PROXYX", b"\r\n\r\n", b"\x16\x03\x01", b""] {
            assert!(!is_header(other), "{other:?}");
        }
    }

    #[test]
    fn extensions_and_what_stands_behind_are_not_looked_at() {
        let with_extensions = header(0x21, 0x11, &[&TCP4[..], &[0xee, 0xff, 0xff, 1]].concat());
        assert_eq!(parse(&with_extensions), client_at("192.0.2.1:4242"));
        assert_eq!(parse(&[&with_extensions[..], &[0x16, 3, 1]].concat()), client_at("192.0.2.1:4242"));
    }

    #[test]
    fn connections_of_the_balancer_itself_may_say_anything() {
        for (family, block) in [(0, &[][..]), (0x11, &[]), (0x11, &TCP4), (0x31, &[1; 216]), (0xff, &[0; 5])] {
            assert_eq!(parse(&header(0x20, family, block)), BALANCER);
        }
        assert_eq!(parse(&header(0x21, 0, &[])), BALANCER);
        assert_eq!(parse(&header(0x21, 0, &TCP4)), BALANCER);
    }

    #[test]
    fn what_is_not_of_tcp_or_not_of_version_2_is_refused() {
        for family in (0x01..=0xff).filter(|family| ![0x11, 0x21].contains(family)) {
            assert_eq!(parse(&header(0x21, family, &[0; 216])), Err(Malformed::Family(family)));
        }
        for command in (0..=0xff).filter(|command| ![0x20, 0x21].contains(command)) {
            assert_eq!(parse(&header(command, 0x11, &TCP4)), Err(Malformed::Command(command)));
        }
        for bytes in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], &[0x16, 3, 1], b"\r\n\r\n\r\n", b"x"] {
            assert_eq!(parse(bytes), Err(Malformed::Signature));
        }
    }

    #[test]
    fn a_block_that_is_too_short_or_too_long_is_refused() {
        assert_eq!(parse(&header(0x21, 0x11, &TCP4[..11])), Err(Malformed::Addresses));
        assert_eq!(parse(&header(0x21, 0x21, &tcp6()[..35])), Err(Malformed::Addresses));
        let longest = MAX_BYTES - FIXED_BYTES;
        assert_eq!(parse(&header(0x20, 0, &vec![0; longest])), BALANCER);
        let too_long = header(0x20, 0, &vec![0; longest + 1]);
        // The error comes before the block is read.
        assert_eq!(parse(&too_long[..FIXED_BYTES]), Err(Malformed::TooLong(MAX_BYTES + 1)));
    }

    #[test]
    fn a_beginning_says_how_many_bytes_are_needed() {
        let whole = header(0x21, 0x11, &TCP4);
        for length in 0..whole.len() {
            let needed = if length < FIXED_BYTES { FIXED_BYTES } else { whole.len() };
            assert_eq!(parse(&whole[..length]), Ok(Progress::Needs(needed)));
        }
    }

    #[test]
    fn no_byte_of_a_header_can_do_harm() {
        for mut bytes in [header(0x21, 0x11, &TCP4), header(0x21, 0x21, &tcp6())] {
            for position in 0..bytes.len() {
                let original = bytes[position];
                for byte in 0..=0xff {
                    bytes[position] = byte;
                    for length in 0..=bytes.len() {
                        if let Ok(Progress::Needs(needed)) = parse(&bytes[..length]) {
                            assert!(needed > length && needed <= MAX_BYTES);
                        }
                    }
                }
                bytes[position] = original;
            }
        }
    }
}
