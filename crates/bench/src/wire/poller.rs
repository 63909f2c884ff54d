//! Waits for many sockets at once. It must not read or write them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Maximum number of sockets per turn. It is small, so that speakers get their turn in time.
const AT_ONCE: usize = 256;

/// An epoll instance. The caller chooses a number for each socket.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(AT_ONCE) })
    }

    /// Watches a socket for data to read, until it is closed.
    pub(crate) fn add(&self, socket: impl AsFd, number: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(number as u64), EventFlags::IN)?)
    }

    /// Starts or stops watching a socket for room to write, in addition to reading.
    pub(crate) fn watch_writable(&self, socket: impl AsFd, number: usize, is_full: bool) -> io::Result<()> {
        let flags = if is_full { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, socket, EventData::new_u64(number as u64), flags)?)
    }

    /// The numbers of the sockets that are ready, after at most `timeout`. Empty after the timeout.
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
