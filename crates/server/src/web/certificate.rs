//! `/ca.pem`: the private authority of this server, for browsers and systems that shall trust it. It must not give out
//! anything of a certificate that others signed.

use parlor_web::response::{ContentType, Response};
use parlor_web::status::Status;

use super::reply::{Asked, Body, Reply};
use super::site::Site;

/// Answers with the file of the authority. It is read each time, since it may be made anew.
pub(super) fn answer(site: &Site, asked: &Asked<'_>) -> Reply {
    let Some(path) = site.authority() else {
        return Reply::plain(asked.request, Status::NotFound);
    };
    match std::fs::read(path) {
        Ok(pem) => {
            let response = Response::to(asked.request, Status::Ok).content_type(ContentType::CaCertificate);
            Reply::Response(response, Body::Owned(pem))
        }
        Err(error) => {
            tracing::error!(path = %path.display(), "cannot read the authority for a browser: {error}");
            Reply::plain(asked.request, Status::InternalServerError)
        }
    }
}
