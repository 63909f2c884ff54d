//! Tests of the built program, from outside and over real TLS. They must not use anything of the server but its
//! command line, its files and its protocol.

mod cert;
mod commands;
mod config;
mod example;
mod harness;
mod help;
mod openssl;
mod smoke;
mod transcripts;
