//! Watches the files of the certificate, and its end. It must not read the files; the resolver does.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::resolver::Resolver;

/// Time between two warnings of the same end.
const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// What tells a file from the one that was there before: when it was changed, its size and its number.
type Stamp = Option<(SystemTime, u64, u64)>;

/// The certificate of a server, for its thread for periodic tasks.
#[derive(Debug)]
pub(crate) struct CertificateWatch {
    resolver: Arc<Resolver>,
    /// The files that the server has, or tried to have.
    loaded: [Stamp; 2],
    /// The files at the last look.
    seen: [Stamp; 2],
    warned: Instant,
}

impl CertificateWatch {
    /// Begins with the files as they are now, which the server has just read.
    pub(crate) fn new(resolver: Arc<Resolver>) -> Self {
        let now = stamps(&resolver);
        Self { resolver, loaded: now, seen: now, warned: Instant::now() }
    }

    /// Has the files read again if they changed, once they have stayed the same for two looks: a certificate and its key are two
    /// files, and are not written at the same time. Warns once a day of a certificate that ends soon.
    pub(crate) fn look(&mut self, now: Instant) {
        let stamps = stamps(&self.resolver);
        let is_settled = stamps == self.seen;
        self.seen = stamps;
        if is_settled && stamps != self.loaded {
            self.loaded = stamps;
            self.resolver.reload();
        }
        if now.duration_since(self.warned) >= WARNING_INTERVAL {
            self.warned = now;
            self.resolver.warn_of_end();
        }
    }
}

fn stamps(resolver: &Resolver) -> [Stamp; 2] {
    resolver.files().map(stamp)
}

/// Links are followed: some programs change only the link.
fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}
