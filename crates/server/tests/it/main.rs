//! Tests of the built program, from outside and over real TLS. They must use only the server's command line, its files
//! and its protocol.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod audit;
mod banner;
mod brute_force;
mod cert;
mod certificates;
mod check;
mod client;
mod commands;
mod config;
mod connect_pipe;
mod connect_rights;
mod connect_rooms;
mod credentials;
mod damage;
mod example;
mod harness;
mod help;
mod idle;
mod invitations;
mod kill;
mod limits;
mod load;
mod log_output;
mod logins;
mod malicious_clients;
mod memory;
mod openssl;
mod proxy;
mod races;
mod redis;
mod resets;
mod room_admin;
mod service_manager;
mod setup;
mod shutdown;
mod slow_consumers;
mod smoke;
mod storage;
mod store_faults;
mod stuck;
mod terminal;
mod terminal_input;
mod tickets;
mod tls_faults;
mod torture;
mod transcripts;
mod unauthenticated;
mod upgrade;
mod web_clients;
mod web_door;
mod web_session;
