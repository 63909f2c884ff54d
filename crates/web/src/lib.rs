//! HTTP/1.1 and WebSocket for the web client: functions of bytes. It must not read, write, wait, or look at a clock: the
//! caller moves the bytes and knows the time.

pub mod cookie;
pub mod etag;
pub mod head;
pub mod origin;
pub mod response;
pub mod status;
pub mod websocket;
