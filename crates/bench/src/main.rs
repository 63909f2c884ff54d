//! `parlor-bench`: measures Parlor. This file reads the command line; it must not measure.

mod cases;
mod commands;
mod compare;
mod door;
mod load;
mod measure;
mod plot;
mod progress;
mod record;
mod redis;
mod scenario;
mod servers;
mod stress;
mod table;
mod wire;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
