//! A proxy that can block incoming data on subscribed connections, and only on those. It must not understand more of
//! Redis than that.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct Connection {
    has_news: AtomicBool,
    is_deaf: AtomicBool,
}

pub(crate) struct DeafProxy {
    pub(crate) url: String,
    connections: Arc<Mutex<Vec<Arc<Connection>>>>,
}

impl DeafProxy {
    pub(crate) fn start(redis: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("redis://{}/", listener.local_addr().unwrap());
        let connections: Arc<Mutex<Vec<Arc<Connection>>>> = Arc::default();
        let opened = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect((Ipv4Addr::LOCALHOST, redis)).unwrap());
                let connection = Arc::new(Connection::default());
                opened.lock().unwrap().push(connection.clone());
                let (requests, replies) = (pair(&client, &server), pair(&server, &client));
                let same = connection.clone();
                thread::spawn(move || pass(requests, |bytes| look_at(bytes, &same)));
                thread::spawn(move || pass(replies, |_| !connection.is_deaf.load(Ordering::SeqCst)));
            }
        });
        Self { url, connections }
    }

    /// From now on no data arrives on the connections that have subscribed to a channel, and no error is reported.
    /// Returns the number of these connections.
    pub(crate) fn deafen(&self) -> usize {
        let connections = self.connections.lock().unwrap();
        let with_news = connections.iter().filter(|connection| connection.has_news.load(Ordering::SeqCst));
        with_news.map(|connection| connection.is_deaf.store(true, Ordering::SeqCst)).count()
    }
}

fn pair(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().unwrap(), to.try_clone().unwrap())
}

fn look_at(request: &[u8], connection: &Connection) -> bool {
    if request.windows(9).any(|bytes| bytes == b"SUBSCRIBE") {
        connection.has_news.store(true, Ordering::SeqCst);
    }
    true
}

/// Forwards the wanted data, until either side is closed.
fn pass((mut from, mut to): (TcpStream, TcpStream), is_wanted: impl Fn(&[u8]) -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if is_wanted(&buffer[..count]) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // One of them may be closed already.
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
