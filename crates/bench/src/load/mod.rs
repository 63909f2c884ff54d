//! The load: clients by the thousand on one thread, and when they speak. It must not judge what comes back.

mod crowd;
mod pace;

pub(crate) use crowd::{Crowd, PATIENCE, refused};
pub(crate) use pace::{Pace, Pacer};
