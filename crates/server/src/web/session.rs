//! `/session`: gives a browser a ticket for a password, says whose ticket it has, and takes it back. It must not begin a
//! session, nor show a secret to a script.

use std::time::Duration;

use parlor_proto::{Refusal, TicketCredentials, TicketSecret};
use parlor_web::cookie::{CookieValue, NAME};
use parlor_web::head::{Method, Request, Source};
use parlor_web::response::Response;
use parlor_web::status::Status;

use super::json::{self, LoginForm};
use super::reply::{Asked, Body, Reply};
use super::{browser, status};

/// Why a request of another page is refused.
pub(super) const WRONG_ORIGIN: &str = "the page that asks is not one of this server";

/// What separates the user from the secret in a cookie. No name has it.
const SEPARATOR: char = '.';

/// How long a browser keeps the cookie. The ticket decides; it may live longer by being used.
const COOKIE_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The ticket in the cookie of a request. Whether it is valid is another question.
pub(super) fn ticket_of(request: &Request) -> Option<TicketCredentials> {
    let (user, secret) = request.cookie(NAME)?.split_once(SEPARATOR)?;
    Some(TicketCredentials { user: user.parse().ok()?, secret: TicketSecret::given(secret) })
}

/// Answers a request for `/session`.
pub(super) fn answer(asked: &Asked<'_>) -> Reply {
    let changes = matches!(asked.request.method, Method::Post | Method::Delete);
    if changes && asked.request.source() != Source::SameOrigin {
        let response = Response::to(asked.request, Status::Forbidden);
        return json_reply(response, json::error("wrong-origin", WRONG_ORIGIN));
    }
    match asked.request.method {
        Method::Post => log_in(asked),
        Method::Delete => log_out(asked),
        _ => tell(asked),
    }
}

fn log_in(asked: &Asked<'_>) -> Reply {
    if !asked.request.is_json() {
        return Reply::plain(asked.request, Status::UnsupportedMediaType);
    }
    let form = match LoginForm::read(asked.body) {
        Ok(form) => form,
        Err(refusal) => return refused(asked, &refusal),
    };
    let (services, visitor) = asked.client.visit();
    let label = browser::label(asked.request.user_agent.as_deref());
    let issued = match form.register {
        true => services.register(&visitor, &form.credentials, form.invite.as_ref(), &label),
        false => services.log_in(&visitor, &form.credentials, &label),
    };
    let issued = match issued {
        Ok(issued) => issued,
        Err(refusal) => return refused(asked, &refusal),
    };
    let cookie = CookieValue::new(&format!("{}{SEPARATOR}{}", issued.user, issued.secret.expose()));
    match cookie {
        Some(cookie) => {
            let response = Response::to(asked.request, Status::Ok).set_cookie(&cookie, COOKIE_LIFETIME);
            json_reply(response, json::user(&issued.user))
        }
        // A name and a secret have only characters that a cookie may have.
        None => Reply::plain(asked.request, Status::InternalServerError),
    }
}

/// Revokes the ticket, which ends its session. The cookie is gone in any case but a failure of the store.
fn log_out(asked: &Asked<'_>) -> Reply {
    if let Some(ticket) = ticket_of(asked.request) {
        let (services, visitor) = asked.client.visit();
        if let Err(refusal @ (Refusal::StoreUnavailable | Refusal::StoreFull | Refusal::TooManyAttempts(_))) =
            services.revoke_ticket(&visitor, &ticket)
        {
            return refused(asked, &refusal);
        }
    }
    Reply::Response(Response::to(asked.request, Status::NoContent).clear_cookie(), Body::Static(b""))
}

fn tell(asked: &Asked<'_>) -> Reply {
    let Some(ticket) = ticket_of(asked.request) else {
        return refused(asked, &Refusal::LoginRequired);
    };
    let (services, visitor) = asked.client.visit();
    match services.verify_ticket(&visitor, &ticket) {
        Ok(user) => json_reply(Response::to(asked.request, Status::Ok), json::user(&user)),
        Err(refusal) => refused(asked, &refusal),
    }
}

/// The refusal of the protocol, as HTTP says it. A ticket that is not valid any more is forgotten by the browser, so that
/// it is not tried again.
fn refused(asked: &Asked<'_>, refusal: &Refusal) -> Reply {
    let status = status::of(refusal);
    let mut response = Response::to(asked.request, status);
    if let Refusal::TooManyAttempts(seconds) = refusal {
        response = response.retry_after(Duration::from_secs(*seconds));
    }
    if status == Status::Unauthorized && ticket_of(asked.request).is_some() && asked.request.method != Method::Post {
        response = response.clear_cookie();
    }
    json_reply(response, json::error(refusal.code().as_str(), &refusal.to_string()))
}

fn json_reply(response: Response, body: Vec<u8>) -> Reply {
    Reply::Response(response.content_type(parlor_web::response::ContentType::Json), Body::Owned(body))
}
