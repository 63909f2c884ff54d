//! What a request is answered with. It must not send it.

use parlor_core::ConnectionDriver;
use parlor_proto::TicketCredentials;
use parlor_web::handshake::Accept;
use parlor_web::head::Request;
use parlor_web::response::{ContentType, Response};
use parlor_web::status::Status;

/// What a request is answered with.
pub(super) enum Reply {
    /// A response and its body.
    Response(Response, Body),
    /// The connection speaks WebSocket after this.
    Upgrade(Accept, Option<TicketCredentials>),
}

/// The body of a response. It is sent where the method and the status allow one.
pub(super) enum Body {
    /// A part of the program.
    Static(&'static [u8]),
    /// Made for this response.
    Owned(Vec<u8>),
}

impl Body {
    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Reply {
    /// The status in words, for people who look at it.
    pub(super) fn plain(request: &Request, status: Status) -> Self {
        Self::explained(Response::to(request, status), status, "")
    }

    /// The status in words, with an explanation.
    pub(super) fn explained(response: Response, status: Status, explanation: &str) -> Self {
        let colon = if explanation.is_empty() { "" } else { ": " };
        let text = format!("{} {}{colon}{explanation}\n", status.code(), status.reason());
        let response = response.content_type(ContentType::Text);
        Self::Response(response, Body::Owned(text.into_bytes()))
    }
}

/// One request with its body, and whose it is.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) body: &'a [u8],
    pub(super) client: &'a ConnectionDriver,
}
