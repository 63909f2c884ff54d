//! How settings are written: the file of settings, and the kinds of values that are specific to Parlor. It must not
//! know which settings exist, nor open or contact anything that a setting names.

mod check;
pub mod command_line;
pub mod duration;
mod endpoint_rule;
pub mod file;
pub mod listen;
mod nearest;
mod network;
pub mod path;
mod server_name;
pub mod size;
pub mod variables;

pub use endpoint_rule::EndpointRule;
pub use network::Network;
pub use server_name::ServerName;
