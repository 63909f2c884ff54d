//! How settings are written: the file of settings, and the kinds of values that are specific to Parlor. It must not
//! know which settings exist, nor open or contact anything that a setting names.

pub mod duration;
pub mod file;
mod network;
mod server_name;
pub mod size;

pub use network::Network;
pub use server_name::ServerName;
