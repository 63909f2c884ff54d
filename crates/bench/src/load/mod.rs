//! The load: clients by the thousand on one thread, and when they speak. It must not judge what comes back.

mod clients;
mod pace;

pub(crate) use clients::{ClientPool, PATIENCE, refused};
pub(crate) use pace::{Pace, Pacer};
