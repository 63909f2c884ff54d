//! Many TLS connections driven by one thread: the sockets, the encryption and the waiting. It must not know the content
//! of the lines.

pub(crate) mod frames;
mod lines;
mod link;
mod poller;

pub(crate) use frames::Frames;
pub(crate) use lines::Lines;
pub(crate) use link::{Heard, Link};
pub(crate) use poller::Poller;

/// Size of one read: several full TLS records.
pub(crate) const BUFFER_BYTES: usize = 128 * 1024;
