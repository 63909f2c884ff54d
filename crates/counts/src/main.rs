//! `parlor-counts` counts the instructions of the paths that every message takes (`scripts/bench counts`). It must not measure
//! time; the benchmark beside it does.

mod counts;

use std::env;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => counts::check(),
        ["--renew"] => counts::renew(),
        [counts::REPEAT, path, times] => counts::repeat(path, times.parse()?),
        _ => bail!("usage: scripts/bench counts [--renew]"),
    }
}
