//! What the tests of the built program share: a server that is started and killed, and a client that speaks
//! lines over TLS.

mod client;
mod program;
mod server;

pub(crate) use client::Client;
pub(crate) use program::{command, feed, outcome, parlor, parlor_with_input};
pub(crate) use server::{Options, Server};
