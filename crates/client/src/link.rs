//! The link of an invitation: server, code and key in one word, as operators give it to people. It must not connect.

use std::fmt;
use std::str::FromStr;

use parlor_proto::InvitationCode;

use crate::address::{Address, AddressError};
use crate::pin::{Pin, PinError};

/// How each link begins.
const SCHEME: &str = "parlor://";

/// An invitation to a server: `parlor://HOST[:PORT]/CODE[#PIN]`. Whoever has it can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationLink {
    /// The server.
    pub address: Address,
    /// The code.
    pub code: InvitationCode,
    /// The key of the server; none if an authority that the system knows issued its certificate.
    pub pin: Option<Pin>,
}

/// The text is not the link of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Something is missing or in another order.
    #[error("the link of an invitation is parlor://HOST:PORT/CODE#PIN")]
    Form,
    /// The server is none.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// The pin is none.
    #[error("{0}")]
    Pin(#[from] PinError),
}

impl InvitationLink {
    /// Whether somebody means a link, and no address.
    pub fn is_meant(text: &str) -> bool {
        text.trim_start().starts_with(SCHEME)
    }
}

impl FromStr for InvitationLink {
    type Err = LinkError;

    /// Reads a link as people paste it, spaces around it included.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim().strip_prefix(SCHEME).ok_or(LinkError::Form)?;
        let (server, rest) = text.split_once('/').ok_or(LinkError::Form)?;
        let (code, pin) = rest.split_once('#').map_or((rest, None), |(code, pin)| (code, Some(pin)));
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if code.is_empty() || !code.bytes().all(is_code) {
            return Err(LinkError::Form);
        }
        let (address, pin) = (server.parse()?, pin.map(str::parse).transpose()?);
        Ok(Self { address, code: InvitationCode::given(code), pin })
    }
}

impl fmt::Display for InvitationLink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SCHEME}{}/{}", self.address, self.code.expose())?;
        self.pin.map_or(Ok(()), |pin| write!(out, "#{pin}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    #[test]
    fn a_link_is_read_as_it_is_written() {
        for text in [format!("parlor://chat.example:7878/pli_07#{PIN}"), "parlor://[::1]:1/pli_07".to_owned()] {
            let link: InvitationLink = text.parse().unwrap();
            assert_eq!((link.to_string(), link.code.expose()), (text.clone(), "pli_07"));
            assert!(InvitationLink::is_meant(&format!(" {text}")));
        }
        let link: InvitationLink = " parlor://chat.example/pli_07\n".parse().unwrap();
        assert_eq!((link.address.port(), link.pin), (7878, None));
        assert!(!format!("{link:?}").contains("pli_07"));
    }

    #[test]
    fn what_is_no_link() {
        for text in ["", "chat.example", "parlor://chat.example", "parlor://chat.example/", "parlor://a/b/c"] {
            assert_eq!(text.parse::<InvitationLink>(), Err(LinkError::Form), "{text}");
        }
        assert!(matches!("parlor://a:x/b".parse::<InvitationLink>(), Err(LinkError::Address(_))));
        assert!(matches!("parlor://a/b#x".parse::<InvitationLink>(), Err(LinkError::Pin(_))));
        assert!(!InvitationLink::is_meant("https://chat.example/#invite=pli_07"));
    }
}
