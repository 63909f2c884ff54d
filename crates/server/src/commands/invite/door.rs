//! Where the server of an invitation is found: its address, its page, its key, and the lines that say so. It must not connect.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use parlor_client::{Address, InvitationLink};
use parlor_core::ports::InvitationTerms;
use parlor_proto::{InvitationCode, RoomName, Timestamp};
use parlor_settings::{listen, path};

use crate::public_address;
use crate::settings::{self, WebState};
use crate::tls::{self, Authority, TlsName};

/// How people reach the server. What is hidden comes from the settings file and the variables of the server.
#[derive(Debug, Args)]
pub(in crate::commands) struct DoorArgs {
    /// Server as others reach it, for the lines that are printed [default: --listen and a name of the certificate]
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
    link: InvitationLink,
    /// The address of the page with the code; none if there is no page.
    page: Option<String>,
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
        let certificate = match &self.tls_cert {
            Some(chain) => tls::facts_of(chain)?,
            None => Authority::in_dir(&settings::tls_dir(self.tls_dir.as_deref(), data)).certificate_facts()?,
        };
        let address = match &self.address {
            Some(address) => address.clone(),
            None => self.public_address(&certificate.names)?,
        };
        let page = (self.web == WebState::On).then(|| format!("{}#invite={}", self.page(&address), code.expose()));
        let pin = certificate.pin.parse().context("the certificate has no usable pin")?;
        Ok(Ways { link: InvitationLink { address, code: code.clone(), pin: Some(pin) }, page })
    }

    fn public_address(&self, names: &[TlsName]) -> anyhow::Result<Address> {
        let found = public_address::find(&self.listen, &self.tls_name, names);
        let (host, port) = found.context("the certificate has no name for other machines; give --address")?;
        Ok(format!("{}:{port}", host.in_url()).parse()?)
    }

    /// The address of the page. A proxy in front of the server has a name and a port of its own.
    fn page(&self, address: &Address) -> String {
        if let (None, Some(name)) = (&self.address, self.web_host.first()) {
            return format!("https://{}/", name.in_url());
        }
        let shown = address.to_string();
        let host = shown.strip_suffix(&format!(":{}", address.port())).unwrap_or(&shown);
        public_address::page(host, address.port())
    }
}

impl Ways {
    /// The shortest way: the address of the page, or a command for a terminal.
    pub(in crate::commands) fn shortest(&self) -> String {
        self.page.clone().unwrap_or_else(|| format!("parlor connect {}", self.link))
    }

    /// One line for each way in.
    pub(super) fn lines(&self, terms: &InvitationTerms, expires: Timestamp) -> String {
        let command = format!("parlor connect {}", self.link);
        let page = self.page.as_ref().map(|page| format!("{page}\n")).unwrap_or_default();
        format!("{page}{command}\n{}", self.mail(&command, terms, expires))
    }

    /// The text for a mail.
    fn mail(&self, command: &str, terms: &InvitationTerms, expires: Timestamp) -> String {
        let rooms: Vec<&str> = terms.rooms.iter().map(RoomName::as_str).collect();
        let mut text = format!("You are invited to chat at {}", self.link.address.host());
        // Writing to a string cannot fail.
        if !rooms.is_empty() {
            let _ = write!(text, ", in {}", rooms.join(", "));
        }
        let _ = match &self.page {
            Some(page) => write!(text, ". Open {page} in a browser, or in a terminal run: {command}"),
            None => write!(text, ". In a terminal run: {command}"),
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
        let listen = vec!["127.0.0.1:7878".parse().unwrap()];
        let (tls_dir, tls_cert, tls_name, web_host) = (None, None, Vec::new(), Vec::new());
        let mut door = DoorArgs { address: None, tls_dir, tls_cert, tls_name, listen, web: WebState::On, web_host };
        assert_eq!(door.page(&"[::1]:7878".parse().unwrap()), "https://[::1]:7878/");
        assert_eq!(door.page(&"chat.example:443".parse().unwrap()), "https://chat.example/");
        door.web_host = vec!["proxy.example".parse().unwrap()];
        assert_eq!(door.page(&"127.0.0.1:7878".parse().unwrap()), "https://proxy.example/");
        door.address = Some("chat.example".parse().unwrap());
        assert_eq!(door.page(&"chat.example".parse().unwrap()), "https://chat.example:7878/");
    }
}
