//! The other side of HTTP: a request that posts something, and the status of its answer. It must not connect, nor follow where an
//! answer points to.

use std::fmt;

/// Longest head of an answer, in bytes.
pub const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// Most header fields of an answer.
const MAX_FIELDS: usize = 100;

/// A request that posts JSON. No field may contain a line ending.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// Host, and port if it is not the usual one.
    pub authority: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The name of the program that posts.
    pub agent: &'a str,
    /// Proves who posts: `X-Parlor-Signature`.
    pub signature: &'a str,
    /// JSON.
    pub body: &'a str,
}

/// What came is no answer of HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("it does not answer as HTTP/1 does")
    }
}

impl std::error::Error for NoAnswer {}

impl Post<'_> {
    /// The bytes of the request. The connection ends behind its answer.
    pub fn bytes(&self) -> Vec<u8> {
        let Self { authority, target, agent, signature, body } = self;
        let length = body.len();
        format!(
            "POST {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {agent}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nX-Parlor-Signature: {signature}\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// The status of the answer at the beginning of `bytes`; none if its head is not complete. Interim answers are skipped.
///
/// # Errors
/// The bytes are not the beginning of an answer, or its head is longer than [`ANSWER_MAX_BYTES`].
pub fn status(mut bytes: &[u8]) -> Result<Option<u16>, NoAnswer> {
    let is_long = bytes.len() > ANSWER_MAX_BYTES;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => match answer.code {
                Some(100..=199) => bytes = &bytes[length..],
                code => return code.map(Some).ok_or(NoAnswer),
            },
            Ok(httparse::Status::Partial) if is_long => return Err(NoAnswer),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoAnswer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_one_request_of_http() {
        let post =
            Post { authority: "bot.example:81", target: "/a?b", agent: "parlor/1", signature: "sha256=0f", body: "{}" };
        let expected = "POST /a?b HTTP/1.1\r\nHost: bot.example:81\r\nUser-Agent: parlor/1\r\n\
                        Content-Type: application/json\r\nContent-Length: 2\r\nX-Parlor-Signature: sha256=0f\r\n\
                        Connection: close\r\n\r\n{}";
        assert_eq!(post.bytes(), expected.as_bytes());
    }

    #[test]
    fn the_status_is_that_of_the_last_answer() {
        let answer = b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
        assert_eq!(status(answer), Ok(Some(204)));
        for cut in 0..answer.len() {
            assert_eq!(status(&answer[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(status(b"HTTP/1.1 100 Continue\r\n\r\n"), Ok(None));
        assert_eq!(status(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), Ok(Some(302)));
    }

    #[test]
    fn whatever_else_is_no_answer() {
        assert_eq!(status(b"SSH-2.0-OpenSSH\r\n"), Err(NoAnswer));
        assert_eq!(status(b"\x15\x03\x01"), Err(NoAnswer));
        let endless = [b"HTTP/1.1 200 OK\r\nA: ".as_slice(), &[b'a'; ANSWER_MAX_BYTES]].concat();
        assert_eq!(status(&endless), Err(NoAnswer));
    }
}
