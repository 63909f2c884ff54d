//! Where others reach the server: by a listener that is not of this machine alone, and a name of the certificate. It must not
//! resolve a name.

use std::net::{IpAddr, SocketAddr};

use crate::tls::TlsName;

/// The port of HTTPS, which a link does not name.
const HTTPS_PORT: u16 = 443;

/// The first listener that others reach, by a name of the certificate that was asked for if possible; or one of this machine.
/// None if no name is known.
pub(crate) fn find(listen: &[SocketAddr], asked: &[TlsName], names: &[TlsName]) -> Option<(TlsName, u16)> {
    let public = listen.iter().find(|address| !is_of_this_machine(address));
    let listener = public.or(listen.first())?;
    let name = match public {
        Some(listener) => TlsName::public(names, asked, Some(listener.ip())),
        None => Some(TlsName::Ip(listener.ip())),
    };
    let bound = Some(listener.ip()).filter(|ip: &IpAddr| !ip.is_unspecified()).map(TlsName::Ip);
    Some((name.or(bound)?, listener.port()))
}

/// Whether only programs on this machine reach a listener.
pub(crate) fn is_of_this_machine(listener: &SocketAddr) -> bool {
    listener.ip().to_canonical().is_loopback()
}

/// The address of the page on a host as it stands in a URL.
pub(crate) fn page(host: &str, port: u16) -> String {
    let port = if port == HTTPS_PORT { String::new() } else { format!(":{port}") };
    format!("https://{host}{port}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_the_address_that_they_reach() {
        for (listen, names, expected) in [
            (&["127.0.0.1:7878"][..], &["localhost"][..], Some(("127.0.0.1", 7878))),
            (&["127.0.0.1:1", "0.0.0.0:7878"], &["localhost", "chat.example"], Some(("chat.example", 7878))),
            (&["[2001:db8::7]:443"], &["2001:db8::7"], Some(("2001:db8::7", 443))),
            (&["192.0.2.7:7878"], &["*.example"], Some(("192.0.2.7", 7878))),
            (&["0.0.0.0:7878"], &["localhost"], None),
        ] {
            let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
            let names: Vec<TlsName> = names.iter().map(|name| name.parse().unwrap()).collect();
            let found = find(&listen, &[], &names).map(|(name, port)| (name.to_string(), port));
            assert_eq!(found, expected.map(|(name, port)| (name.to_owned(), port)));
        }
    }

    #[test]
    fn a_page_does_not_name_the_port_of_https() {
        assert_eq!(page("chat.example", 443), "https://chat.example/");
        assert_eq!(page("[::1]", 7878), "https://[::1]:7878/");
    }
}
