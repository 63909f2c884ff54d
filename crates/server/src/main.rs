//! The program `parlor`.

#[allow(dead_code)]
mod settings;
#[allow(dead_code)]
mod tls;
fn main() {}
