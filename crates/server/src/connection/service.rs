//! What all connections share. It must not hold anything of one of them.

use std::sync::Arc;
use std::time::Duration;

use parlor_core::Services;
use rustls::ServerConfig;

use super::thread_pool::ThreadPool;
use crate::logging::rate_limit::LogRateLimit;
use crate::workers::blocked_writer::BlockedWriter;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) services: Arc<Services>,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) blocked_writer: Arc<BlockedWriter>,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    /// Connections of balancers that came to nothing, since a wrong setting of a balancer makes all of them so.
    pub(crate) bad_proxy_headers: LogRateLimit,
}
