//! How settings are written: the file that holds them, and the kinds of values that are Parlor's own. It must not know
//! which settings there are, nor open or contact anything that one names.

pub mod duration;
pub mod file;
mod network;
mod server_name;
pub mod size;

pub use network::Network;
pub use server_name::ServerName;
