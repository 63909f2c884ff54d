//! The settings for whoever watches over a server. It must not open what they name.

use std::path::PathBuf;

use clap::Args;
use parlor_settings::path;

use crate::admin::AdminAddress;

/// Where a server shows itself to its operators.
#[derive(Debug, Clone, Args)]
pub(crate) struct OperationsArgs {
    /// Address and port, or path of a Unix socket, on which /metrics, /healthz and /readyz are answered: in the clear on
    /// loopback addresses and sockets, over TLS elsewhere; repeatable
    #[arg(long, env = "PARLOR_ADMIN_LISTEN", value_name = "ADDR:PORT|PATH", value_delimiter = ',')]
    pub(crate) admin_listen: Vec<AdminAddress>,

    /// File of the audit trail: logins, failures, moderation and what operators do, as JSON lines without texts; SIGHUP
    /// opens it by its name again [default: none]
    #[arg(long, env = "PARLOR_AUDIT_LOG", value_name = "FILE", value_parser = path::parser())]
    pub(crate) audit_log: Option<PathBuf>,
}
