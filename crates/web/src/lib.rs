//! HTTP/1.1 for the web client, up to the handshake of WebSocket, and for what hooks post: functions of bytes. It must not read, write, wait, or
//! look at a clock: the caller moves the bytes and knows the time.

pub mod cookie;
pub mod etag;
pub mod handshake;
pub mod head;
pub mod origin;
pub mod post;
pub mod response;
pub mod status;
