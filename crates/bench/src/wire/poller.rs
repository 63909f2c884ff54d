//! Waits for many sockets at once. It must not read or write them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Sockets that are served in one turn: few, so that whoever speaks has its turn in time.
const AT_ONCE: usize = 256;

/// An epoll instance. Sockets are told apart by numbers of the caller's choice.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(AT_ONCE) })
    }

    /// Watches a socket for something to read, until it is closed.
    pub(crate) fn add(&self, socket: impl AsFd, number: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(number as u64), EventFlags::IN)?)
    }

    /// Watches it for room to write, too, or no longer.
    pub(crate) fn watch_writable(&self, socket: impl AsFd, number: usize, is_full: bool) -> io::Result<()> {
        let flags = if is_full { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, socket, EventData::new_u64(number as u64), flags)?)
    }

    /// The numbers of sockets that are ready, after `timeout` at most; none if it is over.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        let timeout = timeout.map(|time| Timespec::try_from(time).map_err(io::Error::other)).transpose()?;
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Err(error) if error == rustix::io::Errno::INTR => return Ok(()),
            outcome => outcome?,
        };
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }
}
