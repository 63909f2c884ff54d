//! Servers as processes, and a client that speaks lines over TLS or in WebSocket messages, for tests and `parlor torture`. It must not know the
//! rules of Parlor, nor the meaning of its lines.

mod failure;
mod line_client;
mod server;
mod web_framing;

pub use failure::Failure;
pub use line_client::{LineClient, Polled, Trust};
pub use server::{Launch, PLANTED_BUG, Server};
