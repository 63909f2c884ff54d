//! The embedded database as the source and the target of archives. It must not know the lines of an archive.

mod changes;
mod moving;
mod source;
mod target;

pub use moving::SqliteMovingSource;
pub use source::SqliteSource;
pub use target::SqliteTarget;
