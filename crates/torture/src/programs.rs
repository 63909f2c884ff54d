//! Programs, which say things in the court by hooks, also by hooks that are ended. Each request is recorded as a connection of its
//! own. It must not judge whether they are heard.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parlor_process_testkit::{LineClient, Polled};

use crate::client::RunContext;
use crate::record::{Connection, Event, Line, Reply, What};
use crate::recorded_connection::{Counted, Endpoint};
use crate::rng::SeededRng;
use crate::ticket::Ticket;

/// Pause between two requests, in milliseconds.
const PAUSE: (u64, u64) = (50, 350);
/// Maximum time for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Programs use so many of the newest hooks.
const HOOKS: usize = 4;

/// Has programs speak until `stop` is set. Returns the records of their requests.
pub(crate) fn report(context: &RunContext, seed: u64, stop: &AtomicBool) -> Vec<Connection> {
    let mut rng = SeededRng::new(seed, 30_000);
    let mut records: Vec<Connection> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let hooks = context.board.hooks();
        let newest = &hooks[hooks.len().saturating_sub(HOOKS)..];
        if !newest.is_empty() {
            let (label, hook) = rng.pick(newest);
            let text = format!("{label}-{}", records.len());
            let line = Line::Report { room: context.court.clone(), id: hook.id.to_string(), text };
            records.push(request(rng.pick(&context.doors), label, hook, line, context.began));
        }
        thread::sleep(rng.millis(PAUSE.0, PAUSE.1));
    }
    records
}

/// Posts one line, and notes the answer if it comes in time.
fn request(door: &Endpoint, label: &str, hook: &Ticket, line: Line, began: Instant) -> Connection {
    let body = line.text().unwrap_or_default().to_owned();
    let mut record = Connection {
        user: label.to_owned(),
        server: door.server,
        weak: false,
        slow: false,
        events: vec![Event { at: began.elapsed(), what: What::Sent { number: 1, line } }],
        final_one: false,
    };
    if let Some(reply) = post(door, hook, &body) {
        record.events.push(Event { at: began.elapsed(), what: What::Answered { number: 1, reply } });
    }
    record
}

/// Sends a request of HTTP, and returns what its status means.
fn post(door: &Endpoint, hook: &Ticket, body: &str) -> Option<Reply> {
    let _counted = Counted::at(door);
    // An address begins with the name by which others know the server.
    let path = hook.secret().split_once("/hooks/").map(|(_, path)| path)?;
    let (host, length) = (format!("localhost:{}", door.address.port()), body.len());
    let head = format!("POST /hooks/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close");
    let mut wire = LineClient::open(door.address, &door.web_trust).ok()?;
    // The first write shakes hands, for which it reads, too.
    wire.socket().set_read_timeout(Some(PATIENCE)).ok()?;
    wire.socket().set_write_timeout(Some(PATIENCE)).ok()?;
    wire.send(format!("{head}\r\n\r\n{body}").as_bytes()).ok()?;
    let Polled::Line(status) = wire.poll(PATIENCE) else { return None };
    let code = match status.split(' ').nth(1)? {
        "200" => return Some(Reply::Done),
        // The first lines may be said.
        "503" => "store-unavailable",
        other => other,
    };
    Some(Reply::Refused { code: code.to_owned() })
}
