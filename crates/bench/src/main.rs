//! `parlor-bench`: measures Parlor. This file reads the command line; it must not measure.

mod cases;
mod commands;
mod compare;
mod load;
mod measure;
mod plot;
mod progress;
mod record;
mod redis;
mod scenario;
mod servers;
mod table;
mod wire;

use anyhow::Result;
use clap::Parser;

fn main() -> Result<()> {
    commands::Cli::parse().run()
}
