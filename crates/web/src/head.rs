//! The head of an HTTP request. It must not read: the parser is a function of the bytes so far. It knows no paths, and
//! decodes none.
//!
//! The parser is stricter than HTTP asks for: whatever two parsers could understand in two ways is refused, since a
//! balancer in front may be the other one (*request smuggling*). After a refusal the connection must end, because
//! nobody knows where the next request would begin.

mod fields;
mod lines;
mod request;

use thiserror::Error;

pub use request::{AcceptedEncodings, Method, Request, Source, Upgrade, Version};

use crate::status::Status;

/// Longest head, in bytes, with the empty line at its end.
pub const MAX_BYTES: usize = 16 * 1024;

/// Most fields of a head.
pub const MAX_FIELDS: usize = 64;

/// The result of parsing the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// The head is complete. The bytes after it are the body, or the next request.
    Complete {
        /// What the head says.
        request: Box<Request>,
        /// Length of the head in bytes.
        consumed: usize,
    },
}

/// Why a request is refused. The connection must end after the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A CR without LF, or an LF without CR.
    #[error("a line of the head does not end with CR LF")]
    LineEnding,
    /// A line of the head begins with white space.
    #[error("a field of the head continues on a second line")]
    Folded,
    /// Not a method, a target and a version with one space between them.
    #[error("the request line is malformed")]
    RequestLine,
    /// Not a path in visible ASCII characters.
    #[error("the target is not a path")]
    Target,
    /// Not `name: value`.
    #[error("a field of the head is malformed")]
    Field,
    /// The value of this field means nothing.
    #[error("the field {0} has a bad value")]
    Value(&'static str),
    /// This field is there twice.
    #[error("the field {0} is repeated")]
    Repeated(&'static str),
    /// No `Host`.
    #[error("the field host is missing")]
    NoHost,
    /// `Transfer-Encoding` in HTTP/1.0, or together with `Content-Length`.
    #[error("the length of the body is ambiguous")]
    AmbiguousLength,
    /// A chunked body: no request of ours needs one.
    #[error("the body has no length")]
    Chunked,
    /// A transfer coding other than chunked.
    #[error("the transfer coding is not known")]
    TransferCoding,
    /// The body is longer than what its path takes.
    #[error("the body is too long")]
    BodyTooLong,
    /// An `Expect` other than `100-continue`.
    #[error("the expectation is not known")]
    Expectation,
    /// More than [`MAX_BYTES`] or [`MAX_FIELDS`].
    #[error("the head is too long")]
    HeadTooLong,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    #[error("the version of HTTP is not known")]
    Version,
}

impl Refusal {
    /// The status of the response.
    pub fn status(self) -> Status {
        match self {
            Self::Chunked => Status::LengthRequired,
            Self::BodyTooLong => Status::ContentTooLarge,
            Self::Expectation => Status::ExpectationFailed,
            Self::HeadTooLong => Status::RequestHeaderFieldsTooLarge,
            Self::TransferCoding => Status::NotImplemented,
            Self::Version => Status::HttpVersionNotSupported,
            Self::LineEnding
            | Self::Folded
            | Self::RequestLine
            | Self::Target
            | Self::Field
            | Self::Value(_)
            | Self::Repeated(_)
            | Self::NoHost
            | Self::AmbiguousLength => Status::BadRequest,
        }
    }
}

/// Parses the head at the beginning of `bytes`. Ignores the bytes after it. One empty line before it is skipped.
///
/// Each call looks at all bytes again: [`MAX_BYTES`] bound the work.
///
/// # Errors
/// The bytes are not the beginning of an accepted head, whatever may follow.
pub fn parse(bytes: &[u8]) -> Result<Progress, Refusal> {
    let Some(end) = lines::find_end(bytes)? else {
        return Ok(Progress::Incomplete);
    };
    let head = &bytes[..end];
    let (method, target, version) = lines::request_line(lines::skip_empty_line(head))?;
    let path = path(target)?;
    let mut headers = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == end => {}
        // Two parsers that do not agree on the end of a head.
        Ok(_) => return Err(Refusal::LineEnding),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLong),
        Err(httparse::Error::Token) => return Err(Refusal::RequestLine),
        Err(_) => return Err(Refusal::Field),
    }
    let request = fields::collect(parsed.headers)?.into_request(method, path, version)?;
    Ok(Progress::Complete { request: Box::new(request), consumed: end })
}

/// The path of a target, without the query. A target with a scheme, an authority or a fragment is none.
fn path(target: &[u8]) -> Result<String, Refusal> {
    let is_path = target.starts_with(b"/") && target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
    let path = target.split(|byte| *byte == b'?').next().filter(|_| is_path).ok_or(Refusal::Target)?;
    String::from_utf8(path.to_vec()).map_err(|_| Refusal::Target)
}

#[cfg(test)]
mod tests;
