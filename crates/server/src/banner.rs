//! What a server prints at its start: where it listens, how to connect from this machine and from others, and how to
//! get an account. It must not read anything but what it is given.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::settings::{CertificateFiles, Network, RedisArgs, Registration, Settings};
use crate::tls::{CertificateInfo, TlsName};

/// The facts of a running server that the banner tells.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    /// The program, as it was called.
    pub(crate) program: &'a str,
    /// The addresses on which the server listens.
    pub(crate) addresses: &'a [SocketAddr],
    /// The addresses on which it speaks HTTP only.
    pub(crate) web_addresses: &'a [SocketAddr],
    /// The CA file, if the server made its own certificate.
    pub(crate) ca: Option<&'a Path>,
    /// The certificate.
    pub(crate) certificate: &'a CertificateInfo,
    /// The settings with which the server started.
    pub(crate) settings: &'a Settings,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for address in self.addresses {
            writeln!(out, "parlor listening on {address}")?;
        }
        for address in self.web_addresses {
            writeln!(out, "parlor listening on {address} for HTTP")?;
        }
        out.write_str(&self.page())?;
        out.write_str(&self.local_commands())?;
        out.write_str(&self.remote_commands())?;
        out.write_str(&self.accounts())
    }
}

impl Banner<'_> {
    /// Where a browser finds the page, and how it comes to trust the certificate.
    fn page(&self) -> String {
        if !self.settings.has_web() {
            return String::new();
        }
        let direct = self.page_addresses();
        // A proxy in front of the server has a port and a certificate of its own.
        let proxied = self.settings.web_host.iter().map(|name| format!("https://{}/", name.in_url()));
        let addresses: Vec<String> = proxied.chain(direct.iter().cloned()).collect();
        if addresses.is_empty() {
            return String::new();
        }
        let mut lines = format!("\nTo chat in a browser, open:\n  {}\n", addresses.join("\n  "));
        if let (Some(ca), Some(address)) = (self.ca, direct.first()) {
            // Text in a string takes every write.
            let _ = writeln!(
                lines,
                "The browser warns at first, since the server made its certificate itself. To end that for good, import\n\
                 {} into the browser, or {address}ca.pem: see docs/browsers.md.",
                shown(ca)
            );
        }
        lines
    }

    /// The addresses of the page on the server itself: by the name that others know, and on this machine.
    fn page_addresses(&self) -> Vec<String> {
        let direct = self.addresses.iter().find(|it| !self.is_balanced(reachable(**it).ip()));
        let port = |port: u16| if port == 443 { String::new() } else { format!(":{port}") };
        let local = direct.map(|it| format!("https://{}{}/", self.host_here(reachable(*it)), port(it.port())));
        let is_public = |it: &&SocketAddr| !it.ip().to_canonical().is_loopback();
        let remote =
            self.addresses.iter().find(is_public).and_then(|it| {
                Some(format!("https://{}{}/", self.public_name(Some(it.ip()))?.in_url(), port(it.port())))
            });
        remote.into_iter().chain(local).collect()
    }

    /// How a browser on this machine names a listener: by a name that the certificate has, if there is one.
    fn host_here(&self, address: SocketAddr) -> String {
        let (name, address) = (TlsName::Dns("localhost".to_owned()), TlsName::Ip(address.ip()));
        let is_loopback = matches!(&address, TlsName::Ip(ip) if ip.is_loopback());
        let names = &self.certificate.names;
        if is_loopback && (names.contains(&name) || !names.contains(&address)) {
            name.in_url()
        } else {
            address.in_url()
        }
    }

    /// How to connect from this machine, if the server takes its connections without a balancer.
    fn local_commands(&self) -> String {
        let Some(address) = self.addresses.iter().copied().map(reachable).find(|it| !self.is_balanced(it.ip())) else {
            return String::new();
        };
        let (program, trust) = (quoted(self.program), self.trust_here(address.ip()));
        let chain = match (self.ca, self.settings.certificate()) {
            (None, CertificateFiles::Own { chain, .. }) => format!("-partial_chain -CAfile {}", shown(&chain)),
            (ca, _) => format!("-CAfile {}", ca.map(shown).unwrap_or_default()),
        };
        format!(
            "\nTo connect from this machine, in another terminal:\n  {program} connect {address} {trust}\n  openssl \
             s_client -quiet -verify_return_error {chain} -connect {address}\n"
        )
    }

    /// The flag with which a client on this machine verifies the server at `address`.
    fn trust_here(&self, address: IpAddr) -> String {
        match self.ca {
            Some(ca) if self.certificate.names.contains(&TlsName::Ip(address)) => format!("--ca {}", shown(ca)),
            _ => format!("--pin {}", self.certificate.pin),
        }
    }

    /// How to connect from other machines, if that is possible.
    fn remote_commands(&self) -> String {
        let balanced = !self.settings.proxy_from.is_empty();
        let public = self.addresses.iter().find(|it| !it.ip().to_canonical().is_loopback());
        let (head, port) = match public {
            _ if balanced => {
                let from: Vec<_> = self.settings.proxy_from.iter().map(Network::to_string).collect();
                let head = format!("To connect through the balancer ({}), at the balancer's port:", from.join(", "));
                (head, None)
            }
            Some(public) => ("To connect from another machine:".to_owned(), Some(public.port())),
            None => return String::new(),
        };
        let name = self.public_name(public.map(SocketAddr::ip));
        let host = name.as_ref().map_or("HOST".to_owned(), TlsName::in_url);
        let server = port.map_or_else(|| format!("{host}:PORT"), |port| format!("{host}:{port}"));
        let pin = format!("  parlor connect {server} --pin {}\n", self.certificate.pin);
        let mut lines = format!("\n{head}\n");
        match (self.ca, name) {
            (Some(ca), Some(_)) => {
                // Text in a string takes every write.
                let _ =
                    writeln!(lines, "  parlor connect {server} --ca ca.pem\nwith a copy of {}, or without:", shown(ca));
            }
            (None, Some(_)) => {
                let _ = writeln!(
                    lines,
                    "  parlor connect {server}\nor, if no authority that systems know issued the certificate:"
                );
            }
            (_, None) => {
                lines.push_str("The certificate has no name for other machines; see --tls-name. With its key:\n")
            }
        }
        lines + &pin
    }

    /// A name of the certificate by which other machines reach the server.
    fn public_name(&self, listener: Option<IpAddr>) -> Option<TlsName> {
        TlsName::public(&self.certificate.names, &self.settings.tls_name, listener)
    }

    /// How to log in and how to get an account.
    fn accounts(&self) -> String {
        let login = "\nLog in by LOGIN <user> <password>; parlor connect asks for both.\n";
        match self.settings.registration() {
            Registration::Open => {
                format!("{login}Make an account by REGISTER <user> <password>, or by parlor connect --register.\n")
            }
            Registration::Closed => {
                format!("{login}Registration is closed. Make an account on this machine:\n  {}\n", self.add_user())
            }
        }
    }

    fn add_user(&self) -> String {
        let program = quoted(self.program);
        let RedisArgs { redis, redis_ca } = &self.settings.redis;
        let Some(url) = redis else {
            return format!("{program} user add alice --data {}", shown(&self.settings.data));
        };
        if url.has_password() {
            return format!("{program} user add alice     # with the server's PARLOR_REDIS in the environment");
        }
        let ca = redis_ca.as_deref().map(|ca| format!(" --redis-ca {}", shown(ca))).unwrap_or_default();
        format!("{program} user add alice --redis {}{ca}", quoted(&url.to_string()))
    }

    /// Whether connections from this address have to begin with a PROXY header.
    fn is_balanced(&self, address: IpAddr) -> bool {
        self.settings.proxy_from.iter().any(|network| network.contains(address))
    }
}

/// Returns the address at which a client on this machine reaches a listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn shown(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// Quotes a word for a shell, if necessary.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("/a/b-c.pem"), "/a/b-c.pem");
        assert_eq!(quoted("/my data/it's"), r"'/my data/it'\''s'");
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
        assert_eq!(reachable("192.0.2.1:1".parse().unwrap()).to_string(), "192.0.2.1:1");
    }
}
