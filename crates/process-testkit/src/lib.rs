//! Servers as processes, and a client that speaks lines over TLS: what tests and `parlor torture` start and drive. It must
//! not know the rules of Parlor, nor what its lines mean.

mod failure;
mod line_client;
mod server;

pub use failure::Failure;
pub use line_client::{LineClient, Polled, Trust};
pub use server::{Launch, PLANTED_BUG, Server};
