//! `/healthz`: says that the process lives. It must not ask the store: a server that waits for its store lives.

use parlor_web::response::{ContentType, Response};
use parlor_web::status::Status;

use super::reply::{Asked, Body, Reply};

/// Answers that the process lives.
pub(super) fn answer(asked: &Asked<'_>) -> Reply {
    let response = Response::to(asked.request, Status::Ok).content_type(ContentType::Text);
    Reply::Response(response, Body::Static(b"ok\n"))
}
