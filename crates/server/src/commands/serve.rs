//! `parlor serve`: runs a server until a signal ends it, and prints to standard output how to connect. It must
//! not do the server's work itself.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use crossbeam_channel::unbounded;

use crate::server::Server;
use crate::settings::Settings;
use crate::workers::signals::{self, Request, SignalThread};
use crate::{logging, service_manager, system_limits};

/// Bcrypt costs below this cause a warning.
const LOW_BCRYPT_COST: u32 = 10;

/// Serves until SIGTERM or SIGINT. If the server cannot run, one line says why.
///
/// # Errors
/// The log cannot be started.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let log = logging::init(&settings.log, settings.log_format)?;
    log_panics();
    let served = serve(settings);
    if let Err(error) = &served {
        // The caller would block on a standard error that nobody reads.
        log.print(&format!("parlor: {error:#}"));
    }
    Ok(if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(settings: &Settings) -> anyhow::Result<()> {
    for shortfall in system_limits::prepare(settings.max_connections) {
        tracing::warn!("{shortfall}");
    }
    if settings.bcrypt_cost < LOW_BCRYPT_COST {
        tracing::warn!(cost = settings.bcrypt_cost, "password hashes of this cost are guessed quickly if stolen");
    }
    signals::ignore_sigxfsz().context("cannot watch signals")?;
    let (requests, inbox) = unbounded();
    let deliver = move |request| {
        // Requests after the shutdown request are ignored.
        let _ = requests.send(request);
    };
    let _signals = SignalThread::start(deliver).context("cannot watch signals")?;
    let Some(process) = Server::start(settings, &inbox)? else { return Ok(()) };
    announce(banner(&process));
    service_manager::ready();
    while let Ok(Request::Reload) = inbox.recv() {
        process.resolver.reload();
    }
    service_manager::stopping();
    tracing::info!("saying goodbye to everybody");
    process.stop();
    Ok(())
}

/// Logs each panic as one line. A panic ends one client only.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        tracing::error!(thread = thread.name(), "a defect of parlor: {panic}");
    }));
}

/// Prints the banner on a thread of its own: if nobody reads it, the server still serves.
fn announce(banner: String) {
    let print = move || {
        if let Err(error) = io::stdout().write_all(banner.as_bytes()) {
            tracing::warn!("cannot write to standard output: {error}");
        }
    };
    if let Err(error) = thread::Builder::new().name("banner".to_owned()).spawn(print) {
        tracing::warn!("cannot start a thread for the banner: {error}");
    }
}

/// Where the server listens and how to connect to it.
fn banner(process: &Server) -> String {
    let mut lines: String = process.addresses.iter().map(|it| format!("parlor listening on {it}\n")).collect();
    if let Some(first) = process.addresses.first() {
        let (ours, openssl) = commands(reachable(*first), process);
        lines.push_str("\nTo connect from this machine, in another terminal:\n");
        lines.push_str(&format!("  {ours}\n  {openssl}\n"));
        lines.push_str("Then log in by LOGIN <user> <password>, or make an account by REGISTER <user> <password>.\n");
    }
    lines
}

fn commands(address: SocketAddr, process: &Server) -> (String, String) {
    let program = std::env::args().next().unwrap_or_else(|| "parlor".to_owned());
    let Some(ca) = &process.ca_path else {
        return (
            format!("{} connect {address}", quoted(&program)),
            format!("openssl s_client -quiet -verify_return_error -connect {address}"),
        );
    };
    let ca = quoted(&ca.display().to_string());
    (
        format!("{} connect {address} --ca {ca}", quoted(&program)),
        format!("openssl s_client -quiet -verify_return_error -CAfile {ca} -connect {address}"),
    )
}

/// Returns the address at which a client on this machine reaches a listener.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Quotes a word for a shell, if necessary.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("/a/b-c.pem"), "/a/b-c.pem");
        assert_eq!(quoted("/my data/it's"), r"'/my data/it'\''s'");
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
        assert_eq!(reachable("192.0.2.1:1".parse().unwrap()).to_string(), "192.0.2.1:1");
    }
}
