//! The paths of the web door, and who answers each. It must not answer itself, but for paths and methods that there are
//! not.

use parlor_web::head::Method;
use parlor_web::response::Response;
use parlor_web::status::Status;

use super::reply::{Asked, Reply};
use super::site::Site;
use super::{certificate, files, health, session, socket};

/// Longest body of a request that makes a ticket, in bytes: a name, a password, and what JSON adds.
const MAX_SESSION_BYTES: usize = 4096;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// A file of the page.
    File,
    /// WebSocket.
    Socket,
    /// The ticket of the browser.
    Session,
    /// Whether the process lives.
    Health,
    /// The authority that signed the certificate.
    Certificate,
}

impl Route {
    /// The route of a path. What is none of the others may be a file.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/ws" => Self::Socket,
            "/session" => Self::Session,
            "/healthz" => Self::Health,
            "/ca.pem" => Self::Certificate,
            _ => Self::File,
        }
    }

    /// The longest body that a request of this method may have here, in bytes.
    pub(super) fn max_body_bytes(self, method: Method) -> usize {
        if (self, method) == (Self::Session, Method::Post) { MAX_SESSION_BYTES } else { 0 }
    }

    fn methods(self) -> &'static [Method] {
        match self {
            Self::Socket => &[Method::Get],
            Self::Session => &[Method::Get, Method::Head, Method::Post, Method::Delete],
            Self::File | Self::Health | Self::Certificate => &[Method::Get, Method::Head],
        }
    }
}

/// Answers a request.
pub(super) fn answer(site: &Site, route: Route, asked: &Asked<'_>) -> Reply {
    if route == Route::File && !files::exists(site, asked) {
        return Reply::plain(asked.request, Status::NotFound);
    }
    if !route.methods().contains(&asked.request.method) {
        let status = Status::MethodNotAllowed;
        return Reply::explained(Response::to(asked.request, status).allow(route.methods()), status, "");
    }
    match route {
        Route::File => files::answer(site, asked),
        Route::Socket => socket::answer(asked),
        Route::Session => session::answer(asked),
        Route::Health => health::answer(asked),
        Route::Certificate => certificate::answer(site, asked),
    }
}
