//! Paths in settings. It must not look at the file system.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// Parser of a path. It refuses `~`, which only a shell replaces, and only outside quotes.
pub fn parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let first = path.components().next().map(|it| it.as_os_str().to_owned());
        let is_home = first.as_deref().and_then(OsStr::to_str).is_some_and(|first| first.starts_with('~'));
        if is_home {
            return Err("~ stands for a home directory only in a shell, outside quotes; write the whole path");
        }
        Ok(path)
    })
}
