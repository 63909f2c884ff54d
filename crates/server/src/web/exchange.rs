//! The exchange of requests and responses on one connection. It must not know what a path means.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parlor_core::ConnectionDriver;
use parlor_proto::{TicketCredentials, append_secret};
use parlor_web::head::{self, Progress, Refusal, Request};
use parlor_web::response::{CONTINUE, Response, switching_to_websocket};
use parlor_web::status::Status;
use zeroize::Zeroizing;

use super::reply::{Asked, Body, Reply};
use super::route::{self, Route};
use super::site::Site;
use crate::admission::{ConnectionPermit, origin_of};

/// The plain bytes of one connection.
pub(crate) trait ByteStream {
    /// Appends what the client says next to `plain`; its buffers are overwritten when it grows. Returns how many bytes; 0
    /// at the end. Blocks until `deadline` at most.
    ///
    /// # Errors
    /// The connection is broken, or the deadline passed.
    fn receive(&mut self, plain: &mut Vec<u8>, deadline: Instant) -> io::Result<usize>;

    /// Sends all of `bytes`. Blocks until `deadline` at most.
    ///
    /// # Errors
    /// As [`ByteStream::receive`].
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()>;
}

/// The client of one connection.
pub(crate) struct Client<'a> {
    /// The client itself.
    pub(crate) driver: &'a mut ConnectionDriver,
    /// Its place, if it is a proxy that forwards requests of others and names them.
    pub(crate) permit: Option<&'a mut ConnectionPermit>,
}

impl Client<'_> {
    /// Takes a request for that of the client whom a trusted proxy names. Returns `false` if too many connections come
    /// from there.
    fn take_name(&mut self, request: &Request) -> bool {
        let (Some(permit), Some(address)) = (&mut self.permit, request.forwarded_for) else { return true };
        let address = address.to_canonical();
        self.driver.set_origin(origin_of(address, false));
        permit.move_to(address)
    }
}

/// The end of HTTP on a connection, since it speaks WebSocket from now on.
#[derive(Debug)]
pub(crate) struct Upgrade {
    /// The ticket of the browser's cookie.
    pub(crate) ticket: Option<TicketCredentials>,
    /// What the client sent after its request.
    pub(crate) unread: Zeroizing<Vec<u8>>,
}

/// Answers requests until the client is done, breaks a rule, or asks for WebSocket. Each request must be complete, and
/// each response taken, within `patience`.
///
/// # Errors
/// The connection is broken, or the client is silent.
pub(crate) fn serve(
    site: &Site,
    client: &mut Client<'_>,
    stream: &mut impl ByteStream,
    patience: Duration,
) -> io::Result<Option<Upgrade>> {
    let mut exchange = Exchange { stream, input: Zeroizing::new(Vec::new()), patience };
    loop {
        let deadline = Instant::now() + patience;
        let Some((request, route)) = exchange.head(site, deadline)? else { return Ok(None) };
        if !client.take_name(&request) {
            let status = Status::TooManyRequests;
            let why = "too many connections come from this address";
            exchange.reject(site, Reply::explained(Response::to(&request, status).and_close(), status, why))?;
            return Ok(None);
        }
        client.driver.keep_pace();
        let Some(body) = exchange.body(site, &request, route, deadline)? else { return Ok(None) };
        let reply = route::answer(site, route, &Asked { request: &request, body: &body, client: client.driver });
        match reply {
            Reply::Upgrade(accept, ticket) => {
                exchange.send(&switching_to_websocket(&accept))?;
                return Ok(Some(Upgrade { ticket, unread: exchange.input }));
            }
            Reply::Response(response, body) => {
                exchange.respond(site, &response, &body)?;
                if response.closes() {
                    return Ok(None);
                }
            }
        }
    }
}

struct Exchange<'a, S> {
    stream: &'a mut S,
    /// What the client sent and is not understood yet. It may have a password.
    input: Zeroizing<Vec<u8>>,
    patience: Duration,
}

impl<S: ByteStream> Exchange<'_, S> {
    /// Reads the head of the next request. `None` if the connection ends here, with a response where one is due.
    fn head<'s>(&mut self, site: &'s Site, deadline: Instant) -> io::Result<Option<(Box<Request>, Route<'s>)>> {
        loop {
            match head::parse(&self.input) {
                Ok(Progress::Complete { request, consumed }) => {
                    self.consume(consumed);
                    return self.admit(site, request);
                }
                Ok(Progress::Incomplete) => {}
                Err(refusal) => return self.refuse(site, refusal).map(|()| None),
            }
            match self.stream.receive(&mut self.input, deadline) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return self.time_out(site).map(|()| None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Refuses a request for another host.
    fn admit<'s>(&mut self, site: &'s Site, request: Box<Request>) -> io::Result<Option<(Box<Request>, Route<'s>)>> {
        if site.is_host(&request.host.host) {
            let route = Route::of(site, &request.path);
            return Ok(Some((request, route)));
        }
        let status = Status::MisdirectedRequest;
        let why = "the certificate of this server has no such name; see --tls-name and --web-host";
        self.reject(site, Reply::explained(Response::to(&request, status).and_close(), status, why))?;
        Ok(None)
    }

    /// Reads the body of a request. `None` if the connection ends here.
    fn body(
        &mut self,
        site: &Site,
        request: &Request,
        route: Route<'_>,
        deadline: Instant,
    ) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let length = match request.body_length(route.max_body_bytes(request.method)) {
            Ok(length) => length,
            Err(refusal) => return self.refuse(site, refusal).map(|()| None),
        };
        if request.expects_continue && self.input.len() < length {
            self.stream.send(CONTINUE, deadline)?;
        }
        while self.input.len() < length {
            match self.stream.receive(&mut self.input, deadline) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return self.time_out(site).map(|()| None),
                Err(error) => return Err(error),
            }
        }
        let body = Zeroizing::new(self.input[..length].to_vec());
        self.consume(length);
        Ok(Some(body))
    }

    /// Removes what was understood, and overwrites it.
    fn consume(&mut self, count: usize) {
        let mut rest = Vec::new();
        append_secret(&mut rest, &self.input[count..]);
        self.input = Zeroizing::new(rest);
    }

    fn refuse(&mut self, site: &Site, refusal: Refusal) -> io::Result<()> {
        let why = refusal.to_string();
        self.reject(site, Reply::explained(Response::refusing(refusal), refusal.status(), &why))
    }

    /// The client did not finish its request. One that did not begin any is done.
    fn time_out(&mut self, site: &Site) -> io::Result<()> {
        if self.input.is_empty() {
            return Ok(());
        }
        let status = Status::RequestTimeout;
        self.reject(site, Reply::explained(Response::closing(status), status, "the request took too long"))
    }

    fn reject(&mut self, site: &Site, reply: Reply) -> io::Result<()> {
        match reply {
            Reply::Response(response, body) => self.respond(site, &response, &body),
            Reply::Upgrade(..) => Ok(()),
        }
    }

    fn respond(&mut self, site: &Site, response: &Response, body: &Body) -> io::Result<()> {
        let response = site.finish(response.clone().date(Timestamp::now()));
        let bytes = body.bytes();
        self.send(&response.head(bytes.len()))?;
        if response.sends_body() { self.send(bytes) } else { Ok(()) }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.send(bytes, Instant::now() + self.patience)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
