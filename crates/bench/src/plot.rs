//! Draws results. It must not measure.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::record::Record;

/// Options of `parlor-bench plot`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Results to draw
    files: Vec<PathBuf>,
}

/// Draws them.
pub(crate) fn run(options: &Options) -> Result<()> {
    for file in &options.files {
        Record::read(file)?;
    }
    Ok(())
}
