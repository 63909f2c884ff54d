//! The load: thousands of clients on one thread, and the times at which they send. It must not judge the answers.

mod clients;
mod pace;

pub(crate) use clients::{ClientPool, PATIENCE};
pub(crate) use pace::{Pace, Pacer};
