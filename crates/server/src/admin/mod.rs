//! The admin listener: metrics, and whether the server lives and serves, for monitoring and load balancers. It must not
//! change anything, and tells no names.

mod exchange;
mod listener;
mod readiness;

use std::sync::Arc;

pub(crate) use listener::{AdminAddress, AdminListener};
pub(crate) use readiness::Readiness;

use crate::metrics::Sources;

/// What the admin listener answers from.
pub(crate) struct Admin {
    pub(crate) sources: Sources,
    pub(crate) readiness: Arc<Readiness>,
}
