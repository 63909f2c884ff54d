//! The effect of attacks, stuck readers and long runs on clients that only chat. Each measurement is a file that starts
//! its own server and observes the other clients from outside. It must not judge a server by anything except what they
//! see.

pub(crate) mod abuse;
mod chat;
pub(crate) mod comeback;
mod flooder;
pub(crate) mod resource_samples;
pub(crate) mod rolling;
pub(crate) mod soak;
pub(crate) mod stuck;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::measure::machine::said_by;

/// The output of `parlor --version`.
fn version(parlor: &Path) -> Result<String> {
    let program = parlor.to_string_lossy();
    said_by(&program, &["--version"]).with_context(|| format!("{program} does not run"))
}

/// Writes the results and replaces the content of the file. Does nothing without a file.
fn write(file: Option<&Path>, results: &impl Serialize) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    let text = serde_json::to_string_pretty(results)?;
    fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}
