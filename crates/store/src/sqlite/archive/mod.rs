//! The embedded database as the source and the target of archives. It must not know the lines of an archive.

mod source;
mod target;

pub use source::SqliteSource;
pub use target::{IMPORT_FILE_NAME, SqliteTarget};
