//! An address to listen on, as settings contain it. It must not resolve names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The port in the hints.
const PORT: u16 = 7878;

/// Reads an address and a port.
///
/// # Errors
/// What is missing, with an example.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| hint(text))
}

fn hint(text: &str) -> String {
    // Without brackets, the end of an IPv6 address may be meant as a port.
    if text.parse::<Ipv6Addr>().is_ok() {
        return format!("an IPv6 address stands in brackets, and the port after them, such as [::1]:{PORT}");
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return format!("the port is missing; write {}", SocketAddr::new(ip, PORT));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return format!("expected an address and a port, such as 127.0.0.1:{PORT} or [::1]:{PORT}");
    };
    if port.parse::<u16>().is_err() {
        return "the port is not a number from 0 to 65535".to_owned();
    }
    if matches!(host, "" | "*") {
        return format!("the address is missing; for all addresses write 0.0.0.0:{port} and [::]:{port}");
    }
    format!(
        "it needs an address, not a name; for programs on this machine write 127.0.0.1:{port}, for all 0.0.0.0:{port}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_port_is_read() {
        assert_eq!(parse("127.0.0.1:1").unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(parse("[::]:0").unwrap().to_string(), "[::]:0");
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        let cases = [
            ("localhost:7878", "127.0.0.1:7878"),
            ("chat.example.org:1", "0.0.0.0:1"),
            (":7878", "0.0.0.0:7878 and [::]:7878"),
            ("*:7878", "0.0.0.0:7878"),
            ("127.0.0.1", "write 127.0.0.1:7878"),
            ("::1", "such as [::1]:7878"),
            ("::1:7878", "such as [::1]:7878"),
            ("[::1]", "write [::1]:7878"),
            ("2001:db8::1%eth0:7878", "needs an address"),
            ("localhost", "such as 127.0.0.1:7878"),
            ("7878", "such as 127.0.0.1:7878"),
            ("127.0.0.1:70000", "0 to 65535"),
            ("127.0.0.1:", "0 to 65535"),
        ];
        for (text, hint) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
