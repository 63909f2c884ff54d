//! One request to the admin listener and its response. It must not read more than a head.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use parlor_web::head::{self, Method, Progress, Request};
use parlor_web::response::{ContentType, Response};
use parlor_web::status::Status;

use super::Admin;
use crate::metrics::Exposition;

/// Methods of all paths.
const METHODS: [Method; 2] = [Method::Get, Method::Head];

/// Answers one request. The connection ends after it.
///
/// # Errors
/// The connection is broken, or the client is too slow.
pub(super) fn serve(admin: &Admin, stream: &mut (impl Read + Write)) -> io::Result<()> {
    let Some((response, body)) = response(admin, stream)? else { return Ok(()) };
    stream.write_all(&response.and_close().date(Timestamp::now()).with_body(&body))?;
    stream.flush()
}

/// Reads a head, and answers it. `None` if the client closes before.
fn response(admin: &Admin, stream: &mut impl Read) -> io::Result<Option<(Response, Vec<u8>)>> {
    let (mut input, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match head::parse(&input) {
            Ok(Progress::Complete { request, .. }) => return Ok(Some(answer(admin, &request))),
            Ok(Progress::Incomplete) => {}
            Err(refusal) => return Ok(Some((Response::refusing(refusal), format!("{refusal}\n").into_bytes()))),
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => input.extend_from_slice(&buffer[..count]),
        }
    }
}

fn answer(admin: &Admin, request: &Request) -> (Response, Vec<u8>) {
    let to = |status| Response::to(request, status).content_type(ContentType::Text);
    if !METHODS.contains(&request.method) {
        return (to(Status::MethodNotAllowed).allow(&METHODS), b"GET and HEAD only\n".to_vec());
    }
    match request.path.as_str() {
        "/healthz" => (to(Status::Ok), b"ok\n".to_vec()),
        "/readyz" => match admin.readiness.check() {
            Ok(()) => (to(Status::Ok), b"ready\n".to_vec()),
            Err(why) => (to(Status::ServiceUnavailable), format!("not ready: {why}\n").into_bytes()),
        },
        "/metrics" => {
            let format = Exposition::accepted(request.accept.as_deref().unwrap_or_default());
            let response = Response::to(request, Status::Ok).content_type(format.content_type());
            (response, admin.sources.page(format).into_bytes())
        }
        _ => (to(Status::NotFound), b"/metrics, /healthz and /readyz are here\n".to_vec()),
    }
}
