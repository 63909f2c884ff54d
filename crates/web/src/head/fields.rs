//! The fields of a head that Parlor needs. It must not accept a field twice that has one value.

use core::net::IpAddr;

use httparse::Header;

use super::Refusal;
use super::request::{AcceptedEncodings, Cookies, Method, Request, Upgrade, Version};
use crate::origin::Authority;

/// The fields so far. Fields that are lists are joined if they are repeated.
#[derive(Default)]
pub(super) struct Fields {
    host: Option<String>,
    origin: Option<String>,
    content_length: Option<String>,
    content_type: Option<String>,
    user_agent: Option<String>,
    forwarded_for: Option<IpAddr>,
    expect: Option<String>,
    websocket_key: Option<String>,
    websocket_version: Option<String>,
    transfer_encoding: Option<String>,
    connection: Option<String>,
    upgrade: Option<String>,
    accept: Option<String>,
    accept_encoding: Option<String>,
    if_none_match: Option<String>,
    cookies: Vec<u8>,
}

/// Collects the fields that are needed, and skips all others.
pub(super) fn collect(headers: &[Header<'_>]) -> Result<Fields, Refusal> {
    let mut fields = Fields::default();
    for header in headers {
        fields.add(&header.name.to_ascii_lowercase(), header.value)?;
    }
    Ok(fields)
}

impl Fields {
    fn add(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        match name {
            "host" => single(&mut self.host, "host", value),
            "origin" => single(&mut self.origin, "origin", value),
            "content-length" => single(&mut self.content_length, "content-length", value),
            "content-type" => single(&mut self.content_type, "content-type", value),
            "expect" => single(&mut self.expect, "expect", value),
            "sec-websocket-key" => single(&mut self.websocket_key, "sec-websocket-key", value),
            "sec-websocket-version" => single(&mut self.websocket_version, "sec-websocket-version", value),
            "transfer-encoding" => list(&mut self.transfer_encoding, "transfer-encoding", value),
            "connection" => list(&mut self.connection, "connection", value),
            "upgrade" => list(&mut self.upgrade, "upgrade", value),
            "accept-encoding" => list(&mut self.accept_encoding, "accept-encoding", value),
            "if-none-match" => list(&mut self.if_none_match, "if-none-match", value),
            "x-forwarded-for" => {
                // Proxies further away, or the client itself, may have written anything before the last address.
                let last = text("x-forwarded-for", value).ok().and_then(|list| list.rsplit(',').next());
                self.forwarded_for = last.and_then(|address| address.trim().parse().ok());
                Ok(())
            }
            "accept" => {
                self.accept = text("accept", value).ok().map(str::to_owned);
                Ok(())
            }
            "user-agent" => {
                self.user_agent = text("user-agent", value).ok().map(str::to_owned);
                Ok(())
            }
            "cookie" => {
                // Cookies of other programs on the same host may have any bytes, so these are not judged here.
                if !self.cookies.is_empty() {
                    self.cookies.push(b';');
                }
                self.cookies.extend_from_slice(value);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn into_request(self, method: Method, path: String, version: Version) -> Result<Request, Refusal> {
        let content_length = self.body_length(version)?;
        let host = Authority::parse(&self.host.ok_or(Refusal::NoHost)?).ok_or(Refusal::Value("host"))?;
        let connection = self.connection.as_deref().unwrap_or_default();
        let is_persistent = version == Version::Http11 || has_token(connection, "keep-alive");
        let is_websocket = has_token(connection, "upgrade")
            && self.upgrade.as_deref().is_some_and(|protocols| has_token(protocols, "websocket"));
        let encodings = self.accept_encoding.as_deref().unwrap_or_default();
        Ok(Request {
            method,
            path,
            version,
            host,
            keep_alive: is_persistent && !has_token(connection, "close"),
            origin: self.origin,
            content_type: self.content_type,
            user_agent: self.user_agent,
            accept: self.accept,
            forwarded_for: self.forwarded_for,
            accepts: AcceptedEncodings { gzip: accepts(encodings, "gzip"), brotli: accepts(encodings, "br") },
            expects_continue: expects_continue(self.expect.as_deref(), version)?,
            upgrade: Upgrade { is_websocket, key: self.websocket_key, version: self.websocket_version },
            content_length,
            if_none_match: self.if_none_match,
            cookies: Cookies(self.cookies),
        })
    }

    /// Length of the body, if it has one that is beyond doubt.
    fn body_length(&self, version: Version) -> Result<Option<u64>, Refusal> {
        match (&self.content_length, &self.transfer_encoding) {
            (None, None) => Ok(None),
            (Some(length), None) => parse_length(length).map(Some),
            (Some(_), Some(_)) => Err(Refusal::AmbiguousLength),
            (None, Some(_)) if version == Version::Http10 => Err(Refusal::AmbiguousLength),
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Err(Refusal::Chunked),
            (None, Some(_)) => Err(Refusal::TransferCoding),
        }
    }
}

/// Keeps the value of a field that must not be repeated, not even with the same value.
fn single(kept: &mut Option<String>, name: &'static str, value: &[u8]) -> Result<(), Refusal> {
    if kept.is_some() {
        return Err(Refusal::Repeated(name));
    }
    *kept = Some(text(name, value)?.to_owned());
    Ok(())
}

/// Adds the value to those of a field that is a list.
fn list(kept: &mut Option<String>, name: &'static str, value: &[u8]) -> Result<(), Refusal> {
    let value = text(name, value)?;
    match kept {
        None => *kept = Some(value.to_owned()),
        Some(kept) => {
            kept.push(',');
            kept.push_str(value);
        }
    }
    Ok(())
}

/// A value in ASCII, without the white space around it.
fn text<'a>(name: &'static str, value: &'a [u8]) -> Result<&'a str, Refusal> {
    let value = str::from_utf8(value).ok().filter(|value| value.is_ascii()).ok_or(Refusal::Value(name))?;
    Ok(value.trim_matches([' ', '\t']))
}

fn parse_length(text: &str) -> Result<u64, Refusal> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::Value("content-length"));
    }
    // A number that does not fit is a length that nothing takes.
    text.parse().map_err(|_| Refusal::BodyTooLong)
}

fn expects_continue(value: Option<&str>, version: Version) -> Result<bool, Refusal> {
    match value {
        Some(value) if version == Version::Http11 => {
            value.eq_ignore_ascii_case("100-continue").then_some(true).ok_or(Refusal::Expectation)
        }
        // Clients of HTTP/1.0 do not know what they ask for.
        _ => Ok(false),
    }
}

fn has_token(list: &str, token: &str) -> bool {
    list.split(',').any(|part| part.trim_matches([' ', '\t']).eq_ignore_ascii_case(token))
}

/// Whether `list`, the value of `Accept-Encoding`, allows `coding`: by its name, or else by `*`.
fn accepts(list: &str, coding: &str) -> bool {
    let items = || list.split(',').map(|item| item.split_once(';').unwrap_or((item, "")));
    let find = |name: &str| items().find(|(item, _)| item.trim().eq_ignore_ascii_case(name));
    find(coding).or_else(|| find("*")).is_some_and(|(_, parameters)| weight(parameters) > 0.0)
}

/// The weight in `q=0.5`; 1 without one. A malformed one is 0.
fn weight(parameters: &str) -> f32 {
    match parameters.trim().split_once('=') {
        None => 1.0,
        Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => value.trim().parse().unwrap_or(0.0),
        Some(_) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::tests::{assert_fields_refused, request, with_fields};

    #[test]
    fn the_client_is_the_last_address_that_a_proxy_wrote() {
        for (fields, address) in [
            ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
            ("x-forwarded-FOR: 203.0.113.9,\t192.0.2.1\r\n", "192.0.2.1"),
            ("X-Forwarded-For: whatever it likes, \"\",,2001:DB8::1\r\n", "2001:db8::1"),
            ("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
            ("X-Forwarded-For: \u{e9}\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ] {
            assert_eq!(with_fields(fields).forwarded_for, Some(address.parse().unwrap()), "{fields}");
        }
    }

    #[test]
    fn a_last_entry_that_is_no_address_names_nobody_and_none_before_it_counts() {
        for list in ["", "unknown", "192.0.2.1,", "192.0.2.1, _a", "192.0.2.1:80", "[2001:db8::1]", "192.0.2", "\u{e9}"]
        {
            let fields = format!("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: {list}\r\n");
            assert_eq!(with_fields(&fields).forwarded_for, None, "{list}");
        }
        assert_eq!(with_fields("Forwarded: for=192.0.2.1\r\n").forwarded_for, None);
    }

    #[test]
    fn what_a_client_says_of_itself_is_taken_from_the_last_field_and_never_refused() {
        let said = |value: &str| {
            let fields = format!("User-Agent: a/1\r\nAccept: text/a\r\nUser-Agent: {value}\r\nAccept: {value}\r\n");
            let Request { user_agent, accept, .. } = with_fields(&fields);
            assert_eq!(user_agent, accept);
            accept
        };
        assert_eq!(said("\tb/2 (c; d) ").as_deref(), Some("b/2 (c; d)"));
        assert_eq!(said("").as_deref(), Some(""));
        assert_eq!(said("b/\u{e9}"), None);
        assert_eq!((with_fields("").user_agent, with_fields("").accept), (None, None));
    }

    #[test]
    fn a_list_may_be_in_several_fields_and_is_ascii() {
        let request = with_fields("Accept-Encoding: gzip;q=0\r\nX: a\r\nAccept-Encoding: br\r\n");
        assert_eq!(request.accepts, AcceptedEncodings { gzip: false, brotli: true });
        assert!(with_fields("Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n").upgrade.is_websocket);
        for name in ["accept-encoding", "transfer-encoding"] {
            assert_fields_refused(&format!("{name}: gzip\r\n{name}: \u{e9}\r\n"), Refusal::Value(name), 400);
        }
    }

    #[test]
    fn an_item_of_a_list_is_compared_as_a_whole_without_the_white_space_around_it() {
        for (value, keeps) in [
            ("a\t,\tclose\t, b", false),
            (",close,", false),
            ("not close", true),
            ("\"close\"", true),
            ("close;a=b", true),
            ("", true),
        ] {
            assert_eq!(with_fields(&format!("Connection: {value}\r\n")).keep_alive, keeps, "{value}");
        }
    }

    #[test]
    fn a_coding_is_judged_by_its_own_item_wherever_the_star_stands() {
        for (list, expected) in [
            ("*;q=0, gzip", true),
            ("*, gzip;q=0", false),
            ("gzip;q=0, gzip", false),
            ("identity, *;q=0.001", true),
            ("\tgzip ;q=0.001", true),
            ("xgzip, gzipx, g zip", false),
        ] {
            assert_eq!(with_fields(&format!("Accept-Encoding: {list}\r\n")).accepts.gzip, expected, "{list}");
        }
    }

    #[test]
    fn a_weight_that_is_no_number_above_zero_forbids() {
        for parameters in ["", " ", "q=1", " Q = 0.5", "q=0.001"] {
            assert!(weight(parameters) > 0.0, "{parameters}");
        }
        for parameters in ["q=0", "q=0.000", "q=-1", "q=NaN", "q=", "q=1;a=b", "a=1", "=1", "q==1"] {
            assert!(!accepts(&format!("br;{parameters}"), "br"), "{parameters}");
        }
    }

    #[test]
    fn a_client_of_the_old_version_may_expect_anything_and_send_a_body() {
        let old = |fields: &str| request(&format!("POST / HTTP/1.0\r\nHost: a\r\n{fields}\r\n"));
        let asked = old("Expect: a cup of tea\r\nContent-Length: 3\r\n");
        assert_eq!((asked.expects_continue, asked.body_length(3)), (false, Ok(3)));
        assert_fields_refused("Expect: 100-continue, a\r\n", Refusal::Expectation, 417);
        assert_fields_refused("Expect:\r\n", Refusal::Expectation, 417);
    }
}
