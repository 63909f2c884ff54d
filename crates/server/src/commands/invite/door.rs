//! Where the server of an invitation is found: its address, its page, its key, and the lines that say so. It must not
//! connect to that address.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use parlor_client::{Address, InvitationLink};
use parlor_core::ports::InvitationTerms;
use parlor_proto::{InvitationCode, RoomName, Timestamp};
use parlor_settings::{listen, path};

use crate::control::{self, Answer, Entrance, Order};
use crate::public_address;
use crate::settings::{self, WebState};
use crate::tls::{self, Authority, TlsName};

/// How people reach the server. What is hidden comes from the settings file and the variables of the server.
#[derive(Debug, Args)]
pub(in crate::commands) struct DoorArgs {
    /// Server as others reach it, for the lines that are printed [default: where it listens, and a name of its
    /// certificate]
    #[arg(long, value_name = "HOST[:PORT]")]
    address: Option<Address>,

    /// TLS directory of the server [default: tls in the data directory]
    #[arg(long, env = "PARLOR_TLS_DIR", value_name = "DIR", value_parser = path::parser())]
    tls_dir: Option<PathBuf>,

    /// Certificate that the server was given
    #[arg(long, env = "PARLOR_TLS_CERT", value_name = "FILE", value_parser = path::parser())]
    tls_cert: Option<PathBuf>,

    /// Names that the certificate was asked for
    #[arg(long, env = "PARLOR_TLS_NAME", value_name = "NAME", value_delimiter = ',', hide = true)]
    tls_name: Vec<TlsName>,

    /// Addresses of the server
    #[arg(long, env = "PARLOR_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:7878", hide = true)]
    #[arg(value_delimiter = ',', value_parser = listen::parse)]
    listen: Vec<SocketAddr>,

    /// Whether the server has a page
    #[arg(long, env = "PARLOR_WEB", value_name = "STATE", default_value = "on", hide = true)]
    web: WebState,

    /// Names of the page
    #[arg(long, env = "PARLOR_WEB_HOST", value_name = "NAME", value_delimiter = ',', hide = true)]
    web_host: Vec<TlsName>,
}

/// The ways in for whoever has the code.
pub(in crate::commands) struct Ways {
    /// By what name people know the server.
    host: String,
    doors: Doors,
}

/// The address of the page, and the command for a terminal, with the code.
enum Doors {
    Page(String),
    Command(String),
    Both { page: String, command: String },
}

impl DoorArgs {
    /// Whether the command line says how people reach the server.
    pub(in crate::commands) fn names_an_address(&self) -> bool {
        self.address.is_some()
    }

    /// The ways into the server whose data is in this directory.
    ///
    /// # Errors
    /// The certificate cannot be read, or the address cannot be made out.
    pub(super) fn ways(&self, data: &Path, code: &InvitationCode) -> anyhow::Result<Ways> {
        let entrance = self.entrance(data);
        let certificate = tls::facts_of(&entrance.certificate)?;
        let proxy = entrance.web_hosts.first().filter(|_| entrance.has_web && self.address.is_none());
        if let Some(name) = proxy.filter(|_| entrance.listen.iter().all(public_address::is_of_this_machine)) {
            // Nobody but the proxy reaches the port of lines.
            let page = format!("https://{}/#invite={}", name.in_url(), code.expose());
            return Ok(Ways { host: name.to_string(), doors: Doors::Page(page) });
        }
        let address = match &self.address {
            Some(address) => address.clone(),
            None => public_address(&entrance, &certificate.names)?,
        };
        let page = entrance.has_web.then(|| format!("{}#invite={}", page(&address, proxy), code.expose()));
        let (host, pin) = (address.host(), certificate.pin.parse().context("the certificate has no usable pin")?);
        let link = InvitationLink { address, code: code.clone(), pin: Some(pin) };
        let command = format!("parlor connect {link}");
        let doors = match page {
            Some(page) => Doors::Both { page, command },
            None => Doors::Command(command),
        };
        Ok(Ways { host, doors })
    }

    /// How people reach the server: what it says itself if it runs here, else what its settings say.
    fn entrance(&self, data: &Path) -> Entrance {
        if let Ok(Answer::Entrance(entrance)) = control::ask(data, &Order::Entrance) {
            return entrance;
        }
        let made = || Authority::in_dir(&settings::tls_dir(self.tls_dir.as_deref(), data)).certificate_path();
        Entrance {
            listen: self.listen.clone(),
            tls_names: self.tls_name.clone(),
            certificate: self.tls_cert.clone().unwrap_or_else(made),
            has_web: self.web == WebState::On,
            web_hosts: self.web_host.clone(),
        }
    }
}

fn public_address(entrance: &Entrance, names: &[TlsName]) -> anyhow::Result<Address> {
    let found = public_address::find(&entrance.listen, &entrance.tls_names, names);
    let (host, port) = found.context("the certificate has no name for other machines; give --address")?;
    Ok(format!("{}:{port}", host.in_url()).parse()?)
}

/// The address of the page. A proxy in front of the server has a name and a port of its own.
fn page(address: &Address, proxy: Option<&TlsName>) -> String {
    if let Some(name) = proxy {
        return format!("https://{}/", name.in_url());
    }
    let shown = address.to_string();
    let host = shown.strip_suffix(&format!(":{}", address.port())).unwrap_or(&shown);
    public_address::page(host, address.port())
}

impl Ways {
    /// The shortest way: the address of the page, or a command for a terminal.
    pub(in crate::commands) fn shortest(&self) -> &str {
        let (Doors::Page(way) | Doors::Command(way) | Doors::Both { page: way, .. }) = &self.doors;
        way
    }

    /// One line for each way in, and a text for a mail.
    pub(super) fn lines(&self, terms: &InvitationTerms, expires: Timestamp) -> String {
        let mail = self.mail(terms, expires);
        match &self.doors {
            Doors::Page(way) | Doors::Command(way) => format!("{way}\n{mail}"),
            Doors::Both { page, command } => format!("{page}\n{command}\n{mail}"),
        }
    }

    /// The text for a mail.
    fn mail(&self, terms: &InvitationTerms, expires: Timestamp) -> String {
        let rooms: Vec<&str> = terms.rooms.iter().map(RoomName::as_str).collect();
        let mut text = format!("You are invited to chat at {}", self.host);
        // Writing to a string cannot fail.
        if !rooms.is_empty() {
            let _ = write!(text, ", in {}", rooms.join(", "));
        }
        let _ = match &self.doors {
            Doors::Page(page) => write!(text, ". Open {page} in a browser"),
            Doors::Command(command) => write!(text, ". In a terminal run: {command}"),
            Doors::Both { page, command } => {
                write!(text, ". Open {page} in a browser, or in a terminal run: {command}")
            }
        };
        let many = if terms.uses == 1 { "one account".to_owned() } else { format!("{} accounts", terms.uses) };
        let _ = write!(text, " - it is for {many} and ends at {expires}; choose a name and a password yourself.");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_name_of_the_proxy_and_no_port_of_https() {
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(page(&address("[::1]:7878"), None), "https://[::1]:7878/");
        assert_eq!(page(&address("chat.example:443"), None), "https://chat.example/");
        assert_eq!(page(&address("chat.example"), None), "https://chat.example:7878/");
        assert_eq!(page(&address("127.0.0.1:7878"), Some(&"proxy.example".parse().unwrap())), "https://proxy.example/");
    }
}
