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

    /// The status of an answer of which all bytes came, also if they came in two pieces.
    #[track_caller]
    fn whole(answer: &[u8]) -> Result<Option<u16>, NoAnswer> {
        let outcome = status(answer);
        for cut in 0..answer.len() {
            let begun = status(&answer[..cut]);
            assert!(begun == Ok(None) || begun == outcome, "{cut} bytes give {begun:?}, all of them {outcome:?}");
        }
        outcome
    }

    #[test]
    fn a_post_is_understood_by_a_server_and_its_length_is_in_bytes() {
        let body = "{\"text\":\"\u{e4}\u{1f389}\"}";
        let post = Post { authority: "[::1]:81", target: "/a?b", agent: "parlor/1", signature: "sha256=0f", body };
        let bytes = post.bytes();
        let Ok(crate::head::Progress::Complete { request, consumed }) = crate::head::parse(&bytes) else {
            panic!("{}", bytes.escape_ascii());
        };
        assert_eq!((request.method, request.path.as_str()), (crate::head::Method::Post, "/a"));
        assert_eq!((request.host.port, request.is_json(), request.keep_alive), (81, true, false));
        assert_eq!(request.body_length(body.len()), Ok(bytes.len() - consumed));
        assert_eq!(&bytes[consumed..], body.as_bytes());
    }

    #[test]
    fn interim_answers_are_skipped_however_many_come() {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 X\r\n\r\n";
        let answer = format!("{}HTTP/1.1 200 OK\r\n\r\n", interim.repeat(20));
        assert_eq!(whole(answer.as_bytes()), Ok(Some(200)));
        assert_eq!(whole(interim.as_bytes()), Ok(None));
        assert_eq!(whole(b"HTTP/1.1 100 Continue\r\n\r\nSSH-2.0"), Err(NoAnswer));
    }

    #[test]
    fn a_status_needs_no_words_and_no_new_version_but_three_digits() {
        for (answer, code) in [
            ("HTTP/1.0 500 No\r\n\r\n", 500),
            ("HTTP/1.1 410\r\n\r\n", 410),
            ("HTTP/1.1 299 \r\n\r\nHTTP/1.1 500 No\r\n\r\n", 299),
        ] {
            assert_eq!(whole(answer.as_bytes()), Ok(Some(code)), "{answer}");
        }
        for answer in
            ["HTTP/2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n"]
        {
            assert_eq!(whole(answer.as_bytes()), Err(NoAnswer), "{answer}");
        }
    }

    #[test]
    fn only_a_head_is_bounded_and_a_body_is_not() {
        let unfinished = |bytes: usize| format!("{:a<bytes$}", "HTTP/1.1 200 OK\r\nA: ").into_bytes();
        assert_eq!(status(&unfinished(ANSWER_MAX_BYTES)), Ok(None));
        assert_eq!(status(&unfinished(ANSWER_MAX_BYTES + 1)), Err(NoAnswer));
        let with_body = [b"HTTP/1.1 202 Accepted\r\n\r\n".as_slice(), &[b'a'; 2 * ANSWER_MAX_BYTES]].concat();
        assert_eq!(status(&with_body), Ok(Some(202)));
    }

    #[test]
    fn an_answer_has_a_hundred_fields_at_most() {
        let answer = |fields: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(fields));
        assert_eq!(status(answer(MAX_FIELDS).as_bytes()), Ok(Some(200)));
        assert_eq!(status(answer(MAX_FIELDS + 1).as_bytes()), Err(NoAnswer));
    }
}
