//! WebSocket frames (RFC 6455) as a server reads and writes them: functions of bytes. It must not do I/O, and must not
//! know what a message says.

mod close_code;
mod decoder;
mod frame;
mod header;
mod utf8;

pub use close_code::CloseCode;
pub use decoder::{Closing, Decoder, Event};
pub use frame::{ControlFrame, FrameHeader, MAX_REASON_BYTES, Payload, close, ping, pong, text_header};
pub use header::Violation;
