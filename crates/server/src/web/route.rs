//! The paths of the web door, and who answers each. It must not answer itself, but for paths and methods that there are
//! not.

use parlor_web::head::Method;
use parlor_web::response::Response;
use parlor_web::status::Status;

use super::assets::Asset;
use super::reply::{Asked, Reply};
use super::site::Site;
use super::{certificate, files, health, hook, session, socket};

/// Longest body of a request that makes a ticket, in bytes: a name, a password, and what JSON adds.
const MAX_SESSION_BYTES: usize = 4096;

/// Longest body of a report, in bytes: Alertmanager sends many alerts at once.
const MAX_HOOK_BYTES: usize = 256 * 1024;

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Route<'a> {
    /// A file of the page.
    File(&'a Asset),
    /// WebSocket.
    Socket,
    /// The ticket of the browser.
    Session,
    /// What a program says in a room.
    Hook,
    /// Whether the process lives.
    Health,
    /// The authority that signed the certificate.
    Certificate,
    /// There is no such path.
    Nowhere,
}

impl<'a> Route<'a> {
    /// The route of a path.
    pub(super) fn of(site: &'a Site, path: &str) -> Self {
        match path {
            "/ws" => Self::Socket,
            "/session" => Self::Session,
            "/healthz" => Self::Health,
            "/ca.pem" => Self::Certificate,
            _ if path.starts_with(hook::PATH) => Self::Hook,
            _ => site.assets().find(path).map_or(Self::Nowhere, Self::File),
        }
    }

    /// The longest body that a request of this method may have here, in bytes.
    pub(super) fn max_body_bytes(self, method: Method) -> usize {
        match (self, method) {
            (Self::Session, Method::Post) => MAX_SESSION_BYTES,
            (Self::Hook, Method::Post) => MAX_HOOK_BYTES,
            _ => 0,
        }
    }

    /// The methods of the path; of one that there is not, all have the same answer.
    fn methods(self) -> Option<&'static [Method]> {
        Some(match self {
            Self::Socket => &[Method::Get],
            Self::Hook => &[Method::Post],
            Self::Session => &[Method::Get, Method::Head, Method::Post, Method::Delete],
            Self::File(_) | Self::Health | Self::Certificate => &[Method::Get, Method::Head],
            Self::Nowhere => return None,
        })
    }
}

/// Answers a request.
pub(super) fn answer(site: &Site, route: Route<'_>, asked: &Asked<'_>) -> Reply {
    if let Some(methods) = route.methods().filter(|methods| !methods.contains(&asked.request.method)) {
        let status = Status::MethodNotAllowed;
        return Reply::explained(Response::to(asked.request, status).allow(methods), status, "");
    }
    match route {
        Route::File(asset) => files::answer(asset, asked),
        Route::Socket => socket::answer(asked),
        Route::Session => session::answer(asked),
        Route::Hook => hook::answer(site, asked),
        Route::Health => health::answer(asked),
        Route::Certificate => certificate::answer(site, asked),
        Route::Nowhere => Reply::plain(asked.request, Status::NotFound),
    }
}
