//! What a head says, as far as Parlor needs it. It must not show a cookie in a log.

use core::net::IpAddr;
use std::fmt;

use super::Refusal;
use crate::cookie;
use crate::etag::ETag;
use crate::origin::Authority;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum Method {
    Get,
    Head,
    Post,
    Delete,
    /// Any other.
    Other,
}

impl Method {
    pub(super) fn parse(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }

    /// The name, for an `Allow` field. `None` for [`Method::Other`].
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Get => Some("GET"),
            Self::Head => Some("HEAD"),
            Self::Post => Some("POST"),
            Self::Delete => Some("DELETE"),
            Self::Other => None,
        }
    }
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: the connection ends after a response unless the client asks for more.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Codings of a body that the client accepts, besides none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AcceptedEncodings {
    /// `gzip`.
    pub gzip: bool,
    /// `br`.
    pub brotli: bool,
}

/// What a head says about WebSocket. [`crate::handshake::check_upgrade`] judges it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upgrade {
    /// `Upgrade` names `websocket`, and `Connection` names `upgrade`.
    pub is_websocket: bool,
    /// `Sec-WebSocket-Key`.
    pub key: Option<String>,
    /// `Sec-WebSocket-Version`.
    pub version: Option<String>,
}

/// A request without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without the query, as it was sent: nothing is decoded, `..` and `//` have no meaning.
    pub path: String,
    /// The version of HTTP.
    pub version: Version,
    /// `Host`. The caller must ask [`crate::origin::AllowedHosts`] about it.
    pub host: Authority,
    /// Whether the client wants to send another request on this connection.
    pub keep_alive: bool,
    /// `Origin`: the page that sends the request, if a browser does.
    pub origin: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The last address of `X-Forwarded-For`: the client, as the proxy that is next to the server says. Only the caller knows
    /// whether the peer is a proxy that may say so.
    pub forwarded_for: Option<IpAddr>,
    /// `User-Agent`, if it is ASCII. It says whatever the client likes.
    pub user_agent: Option<String>,
    /// `Accept`, if it is ASCII; the last one if there are several.
    pub accept: Option<String>,
    /// `Accept-Encoding`.
    pub accepts: AcceptedEncodings,
    /// Whether the client waits for [`crate::response::CONTINUE`] before it sends the body.
    pub expects_continue: bool,
    /// The fields of a WebSocket handshake.
    pub upgrade: Upgrade,
    pub(super) content_length: Option<u64>,
    pub(super) if_none_match: Option<String>,
    pub(super) cookies: Cookies,
}

/// From which page a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `Origin` is exactly `https://` and the value of `Host`.
    SameOrigin,
    /// `Origin` is anything else, `null` included.
    OtherOrigin,
    /// There is no `Origin`: a program, or a browser that reads without a script.
    NoOrigin,
}

impl Request {
    /// Length of the body in bytes; 0 without `Content-Length`.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLong`] if it is over `max`. The body is then not read, so the connection must end.
    pub fn body_length(&self, max: usize) -> Result<usize, Refusal> {
        let length = usize::try_from(self.content_length.unwrap_or(0)).map_err(|_| Refusal::BodyTooLong)?;
        if length > max { Err(Refusal::BodyTooLong) } else { Ok(length) }
    }

    /// Whether the type of the body is JSON, in any character set: JSON is UTF-8.
    pub fn is_json(&self) -> bool {
        let essence = self.content_type.as_deref().and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
    }

    /// From which page the request comes.
    pub fn source(&self) -> Source {
        match &self.origin {
            None => Source::NoOrigin,
            Some(origin) if self.host.is_origin(origin) => Source::SameOrigin,
            Some(_) => Source::OtherOrigin,
        }
    }

    /// The value of the cookie with this name. `None` if there is none, if there are two, or if the value has a
    /// character that a cookie cannot have.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut values = self.cookies.0.split(|byte| *byte == b';').filter_map(|pair| {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|byte| *byte == b'=')?;
            (&pair[..at] == name.as_bytes()).then_some(&pair[at + 1..])
        });
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        str::from_utf8(value).ok().filter(|value| value.bytes().all(cookie::is_allowed))
    }

    /// Whether there is any cookie.
    pub fn has_cookies(&self) -> bool {
        !self.cookies.0.is_empty()
    }

    /// Whether the client has the version of the resource with this tag, and needs only a 304.
    pub fn has_current(&self, tag: &ETag) -> bool {
        self.if_none_match.as_deref().is_some_and(|list| tag.is_in(list))
    }
}

/// The values of all `Cookie` fields, joined.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Cookies(pub(super) Vec<u8>);

impl fmt::Debug for Cookies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Cookies")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cookie::{CookieValue, NAME};
    use crate::head::tests::with_fields;

    #[test]
    fn of_two_cookies_with_one_name_none_counts_not_even_the_only_good_one() {
        for cookies in ["a=1; b=2; a=3", "a=1; a=1", "a=\u{e9}; a=1", "a=1; a=", "a=1;a=\"2\"", "a=1\r\nCookie: a=1"] {
            assert_eq!(with_fields(&format!("Cookie: {cookies}\r\n")).cookie("a"), None, "{cookies}");
        }
    }

    #[test]
    fn what_is_no_pair_is_no_cookie_and_hides_none() {
        for cookies in ["a; a=1", "a=1;", ";; a=1;;b", "\r\nCookie: a=1", "b=1;\r\nCookie: a=1", "=2; a=1\t; =a=3"] {
            assert_eq!(with_fields(&format!("Cookie: {cookies}\r\n")).cookie("a"), Some("1"), "{cookies}");
        }
    }

    #[test]
    fn a_name_and_a_value_have_no_white_space_between_them_and_no_quotes() {
        for cookies in ["a =1", "a= 1", "a=\"1\"", "a=1,b=2", "a=1\\", "$a=1", "b=2,a=1"] {
            assert_eq!(with_fields(&format!("Cookie: {cookies}\r\n")).cookie("a"), None, "{cookies}");
        }
    }

    #[test]
    fn a_cookie_of_another_program_is_one_also_if_it_means_nothing() {
        assert!(with_fields("Cookie: \u{e9}\r\n").has_cookies());
        assert!(!with_fields("Cookie:\r\nCookie: \t\r\n").has_cookies());
    }

    proptest! {
        #[test]
        fn a_value_that_can_be_set_can_be_read_again_and_no_other(value in "[!-:<-~]{1,30}") {
            let request = with_fields(&format!("Cookie: a=b; {NAME}={value}; c={value}\r\n"));
            let set = CookieValue::new(&value);
            prop_assert_eq!(request.cookie(NAME), set.as_ref().map(CookieValue::as_str));
        }

        #[test]
        fn a_body_is_taken_up_to_its_bound(length: u64, max: usize, near in 0..3_u64) {
            let edge = (max as u64).saturating_sub(1).saturating_add(near);
            for length in [length, edge] {
                let request = with_fields(&format!("Content-Length: {length}\r\n"));
                let fits = usize::try_from(length).ok().filter(|length| *length <= max);
                prop_assert_eq!(request.body_length(max), fits.ok_or(Refusal::BodyTooLong));
            }
        }
    }
}
