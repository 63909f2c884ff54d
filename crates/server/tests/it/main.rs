//! Tests of the built program, from outside and over real TLS. They must not use anything of the server but its
//! command line, its files and its protocol.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod audit;
mod cert;
mod check;
mod commands;
mod config;
mod example;
mod guessing;
mod harness;
mod help;
mod hostile;
mod kill;
mod limits;
mod load;
mod logins;
mod memory;
mod openssl;
mod proxy;
mod quiet;
mod races;
mod redis;
mod resets;
mod shutdown;
mod slow;
mod smoke;
mod store_faults;
mod strangers;
mod stuck;
mod supervisor;
mod terminal;
mod tls_faults;
mod torture;
mod transcripts;
