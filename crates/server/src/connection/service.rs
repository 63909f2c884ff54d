//! State that all connections share. It must not hold the state of a single connection.

use std::sync::Arc;
use std::time::Duration;

use parlor_core::Services;

use super::thread_pool::ThreadPool;
use crate::logging::rate_limit::LogRateLimit;
use crate::metrics::Counters;
use crate::tls::TlsConfigs;
use crate::web::Site;
use crate::workers::blocked_writer::BlockedWriter;

/// State that all clients share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) services: Arc<Services>,
    pub(crate) tls: TlsConfigs,
    /// The web door; `None` if it is closed.
    pub(crate) site: Option<Arc<Site>>,
    pub(crate) blocked_writer: Arc<BlockedWriter>,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    /// Rate limit for the log line about a bad PROXY header: if a balancer is set up wrongly, every connection has one.
    pub(crate) bad_proxy_headers: LogRateLimit,
}
