//! `/hooks/SECRET`: what a program posts is said in a room by its bot. It must not judge who may speak; the store does.

use std::time::{Duration, Instant};

use parlor_core::HookError;
use parlor_proto::{HookSecret, RoomName};
use parlor_web::response::Response;
use parlor_web::status::Status;

use super::hook_text::{self, TextError};
use super::reply::{Asked, Body, Reply};
use super::site::Site;

/// How the path of each hook begins.
pub(super) const PATH: &str = "/hooks/";

/// What separates the room from the secret. No name has it.
const SEPARATOR: char = '.';

/// What a program reads that said something. Programs that post to Slack expect it.
const SAID: &[u8] = b"ok";

/// Answers a report.
pub(super) fn answer(site: &Site, asked: &Asked<'_>) -> Reply {
    let path = asked.request.path.strip_prefix(PATH).unwrap_or_default();
    let Some((room, secret)) = path.split_once(SEPARATOR) else { return unknown(asked) };
    let Ok(room) = room.parse::<RoomName>() else { return unknown(asked) };
    let (services, _) = asked.client.visit();
    let texts = match hook_text::read(asked.body, services.policy.max_line_bytes) {
        Ok(texts) => texts,
        Err(error) => return wrong(asked, &error),
    };
    let lines = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    if let Err(wait) = site.hook_paces().take(path, lines, Instant::now()) {
        return late(asked, wait);
    }
    match services.report(&room, &HookSecret::given(secret), &texts) {
        Ok(()) => Reply::Response(Response::to(asked.request, Status::Ok), Body::Static(SAID)),
        Err(HookError::Unknown) => unknown(asked),
        Err(HookError::Failed(refusal)) => {
            let status = Status::ServiceUnavailable;
            Reply::explained(Response::to(asked.request, status), status, &refusal.to_string())
        }
    }
}

fn unknown(asked: &Asked<'_>) -> Reply {
    let status = Status::NotFound;
    Reply::explained(Response::to(asked.request, status), status, "there is no such hook, or not any more")
}

fn wrong(asked: &Asked<'_>, error: &TextError) -> Reply {
    let status = match error {
        TextError::TooLong(_) | TextError::TooMany(_) => Status::ContentTooLarge,
        TextError::NoText => Status::BadRequest,
    };
    Reply::explained(Response::to(asked.request, status), status, &error.to_string())
}

fn late(asked: &Asked<'_>, wait: Duration) -> Reply {
    let status = Status::TooManyRequests;
    let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    let why = format!("wait {} s; a hook says a line a second in the long run", wait.as_secs());
    Reply::explained(Response::to(asked.request, status).retry_after(wait), status, &why)
}
