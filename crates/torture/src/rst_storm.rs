//! A storm of connections that are reset at every stage: after a bare connect, in the middle of the handshake, before
//! the login and in a session. It must not judge the results.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::client::RunContext;
use crate::record::{Connection, Line};
use crate::recorded_connection::{ConnectOptions, Counted, Endpoint, RecordedConnection};
use crate::rng::SeededRng;

/// Pause between two connections, in milliseconds.
const PAUSE: (u64, u64) = (5, 40);
/// The beginning of a TLS record that never ends.
const HALF_A_HANDSHAKE: [u8; 9] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];

/// Connects to the server and resets the connections until `stop` is set. Returns the records of the sessions.
pub(crate) fn rage(door: &Endpoint, context: &RunContext, seed: u64, stop: &AtomicBool) -> Vec<Connection> {
    let mut rng = SeededRng::new(seed, 10_000 + door.server as u64);
    let user = format!("gus{}{}", door.server, context.tag);
    let mut records = Vec::new();
    let (mut said, mut known) = (0, context.accounts_are_made);
    // A round may have several storms, and no text may be sent twice.
    let storm = context.began.elapsed().as_millis();
    while !stop.load(Ordering::Relaxed) {
        match rng.below(10) {
            0..3 => bare(door, &[]),
            3..6 => bare(door, &HALF_A_HANDSHAKE),
            6..8 => drop(
                RecordedConnection::open(door, &ConnectOptions::default(), &user, context.began)
                    .map(|link| link.close("storm", true)),
            ),
            _ => {
                let text = format!("{user}-{storm}-{said}");
                let record = connection(door, &user, known, text, context.began);
                said += 1;
                known |= record.as_ref().is_some_and(|record| record.login().is_some());
                records.extend(record);
            }
        }
        thread::sleep(rng.millis(PAUSE.0, PAUSE.1));
    }
    records
}

/// Makes a TCP connection and resets it before the TLS handshake is complete. A server that is down is part of the
/// storm.
fn bare(door: &Endpoint, bytes: &[u8]) {
    let _counted = Counted::at(door);
    let Ok(mut socket) = TcpStream::connect_timeout(&door.address, Duration::from_secs(1)) else { return };
    let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    let _ = socket.write_all(bytes);
}

/// Logs in, sends a message, and disconnects before the answer.
fn connection(door: &Endpoint, user: &str, known: bool, text: String, began: Instant) -> Option<Connection> {
    let mut link = RecordedConnection::open(door, &ConnectOptions::default(), user, began)?;
    link.send(vec![Line::Format, if known { Line::Login } else { Line::Register }]);
    let deadline = Instant::now() + Duration::from_secs(3);
    while link.pending() > 0 && link.alive() && Instant::now() < deadline {
        link.listen(Duration::from_millis(100));
    }
    link.send(vec![Line::Say(text)]);
    Some(link.close("storm", true))
}
