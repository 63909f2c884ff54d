//! `/ws`: the handshake of WebSocket. It must not begin a session: the connection does that after the handshake.

use parlor_web::handshake::{UpgradeRefusal, check_upgrade};
use parlor_web::head::Source;
use parlor_web::response::Response;
use parlor_web::status::Status;

use super::reply::{Asked, Reply};
use super::session;

/// Answers a handshake. A page of another site is refused, and so is a cookie without a page: it would log in whoever
/// made a browser send it.
pub(super) fn answer(asked: &Asked<'_>) -> Reply {
    let request = asked.request;
    let accept = match check_upgrade(request) {
        Ok(accept) => accept,
        Err(refusal) => {
            let response = Response::to(request, refusal.status());
            let response = match refusal {
                UpgradeRefusal::NoUpgrade | UpgradeRefusal::Version => response.websocket_version(),
                UpgradeRefusal::Method | UpgradeRefusal::Key => response.and_close(),
            };
            return Reply::explained(response, refusal.status(), &refusal.to_string());
        }
    };
    match request.source() {
        Source::SameOrigin => Reply::Upgrade(accept, session::ticket_of(request)),
        Source::NoOrigin if !request.has_cookies() => Reply::Upgrade(accept, None),
        Source::NoOrigin | Source::OtherOrigin => {
            let status = Status::Forbidden;
            Reply::explained(Response::to(request, status).and_close(), status, session::WRONG_ORIGIN)
        }
    }
}
