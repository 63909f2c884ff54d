//! WebSocket (RFC 6455), the server's side: the handshake, frames of a client, frames for a client. It must not read or
//! write: frames are functions of bytes. There are no extensions, so also no compression, and no binary messages.

mod close_code;
mod decoder;
mod frame;
mod handshake;
mod header;
mod utf8;

pub use close_code::CloseCode;
pub use decoder::{Closing, Decoder, Event};
pub use frame::{ControlFrame, FrameHeader, MAX_REASON_BYTES, Payload, close, ping, pong, text_header};
pub use handshake::{Accept, UpgradeRefusal, VERSION, accept_key, check_upgrade};
pub use header::Violation;
