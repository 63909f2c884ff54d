//! For any data from a balancer, only the header's own length separates it from the bytes after it. A reader that asks
//! how many bytes are needed never reads one too many, and gets the same result however they arrive.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use parlor_proxy_header::{MAX_BYTES, Malformed, Progress, Source, parse};

/// Reads as the server does: never more bytes than needed. Returns the result and how many bytes were read. Returns
/// `None` if the stream ended first.
fn read(stream: &[u8]) -> Option<(Result<Source, Malformed>, usize)> {
    let mut taken = 0;
    loop {
        match parse(&stream[..taken]) {
            Err(malformed) => return Some((Err(malformed), taken)),
            Ok(Progress::Complete(source)) => return Some((Ok(source), taken)),
            Ok(Progress::Needs(needed)) => {
                assert!(needed > taken && needed <= MAX_BYTES, "{needed} bytes needed after {taken}");
                taken = (needed <= stream.len()).then_some(needed)?;
            }
        }
    }
}

/// The header by its definition. `None` if the stream does not begin with a complete accepted header.
fn expected(stream: &[u8]) -> Option<(Source, usize)> {
    let body = stream.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n")?;
    let [command, family, high, low, block @ ..] = body else { return None };
    let length = usize::from(*high) * 256 + usize::from(*low);
    let block = block.get(..length)?;
    let total = 16 + length;
    let source = match (command, family) {
        _ if total > 4096 => return None,
        (0x20, _) | (0x21, 0x00) => Source::Balancer,
        (0x21, 0x11) if length >= 12 => client(<[u8; 4]>::try_from(&block[..4]).ok()?.into(), &block[8..10]),
        (0x21, 0x21) if length >= 36 => client(<[u8; 16]>::try_from(&block[..16]).ok()?.into(), &block[32..34]),
        _ => return None,
    };
    Some((source, total))
}

fn client(address: IpAddr, port: &[u8]) -> Source {
    Source::Client(SocketAddr::new(address, u16::from(port[0]) << 8 | u16::from(port[1])))
}

fuzz_target!(|stream: &[u8]| {
    let outcome = read(stream);
    let accepted = match &outcome {
        Some((Ok(source), taken)) => Some((*source, *taken)),
        _ => None,
    };
    assert_eq!(accepted, expected(stream));
    // Parsing all bytes at once gives the same result.
    match (parse(stream), outcome) {
        (Ok(Progress::Complete(source)), Some((Ok(read), _))) => assert_eq!(source, read),
        (Err(malformed), Some((Err(read), _))) => assert_eq!(malformed, read),
        // The parser may see an error in the beginning before all requested bytes are there.
        (Ok(Progress::Needs(_)) | Err(_), None) => {}
        (at_once, in_pieces) => panic!("{at_once:?} is not {in_pieces:?}"),
    }
});
