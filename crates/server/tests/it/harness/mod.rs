//! Helpers of the tests of the built program: they start and kill a server, and speak lines over TLS.

mod admin;
mod client;
mod database_lock;
mod http;
mod json;
mod load;
mod machine;
mod program;
mod receiver;
mod server;
mod small_disk;
mod terminal;

pub(crate) use admin::Admin;
pub(crate) use client::Client;
pub(crate) use database_lock::DatabaseLock;
pub(crate) use http::Http;
pub(crate) use json::{Known, number};
pub(crate) use load::{eventually, heavy};
pub(crate) use machine::{Machine, blocks, headings_with_commands, section};
pub(crate) use parlor_process_testkit::{Polled, Trust};
pub(crate) use program::{
    command, copy_program, copy_to_run, ends, feed, install, installation, outcome, parlor, parlor_with_input,
    without_notice,
};
pub(crate) use receiver::Receiver;
pub(crate) use server::{Options, Server};
pub(crate) use small_disk::SmallDisk;
pub(crate) use terminal::Terminal;
