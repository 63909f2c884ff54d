//! Sends messages to all users directly, because all users are on this server.

use std::sync::Arc;

use parlor_core::ports::{Bus, Sink, StoreResult, UnloggedMessage};

/// Hands every message to the only server.
pub struct InProcessBus {
    sink: Arc<dyn Sink>,
}

impl InProcessBus {
    /// Everything goes to `sink`.
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self { sink }
    }
}

impl Bus for InProcessBus {
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()> {
        self.sink.notice(message).run();
        Ok(())
    }
}
