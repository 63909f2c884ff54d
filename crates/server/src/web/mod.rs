//! The web door: HTTP for browsers, on the thread of the client, until its connection speaks WebSocket. It must not know
//! of sockets or TLS, nor what a session does.
//!
//! `crates/web` has the protocol as functions of bytes; here is what Parlor answers. One file for each kind of path.

mod assets;
mod browser;
mod certificate;
mod exchange;
mod files;
mod health;
mod hook;
mod hook_pace;
mod hook_text;
mod json;
mod reply;
mod route;
mod session;
mod site;
mod socket;
mod status;

pub(crate) use exchange::{ByteStream, Client, serve};
pub(crate) use site::Site;
