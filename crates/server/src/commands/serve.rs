//! `parlor serve`: runs a server until a signal ends it, and prints to standard output how to connect. It must
//! not do the server's work itself.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{Receiver, unbounded};

use crate::banner::Banner;
use crate::control::{ControlSocket, Controls, Entrance};
use crate::handover::{self, Afterwards, Handover};
use crate::logging::LogLevel;
use crate::server::Server;
use crate::settings::{CertificateFiles, Settings};
use crate::tls::Authority;
use crate::workers::signals::{self, Request, SignalThread};
use crate::{logging, service_manager, system_limits};

/// Bcrypt costs below this cause a warning.
const LOW_BCRYPT_COST: u32 = 10;

/// Serves until SIGTERM or SIGINT. If the server cannot run, one line says why. Logs the `warnings` about its start.
///
/// # Errors
/// The log cannot be started.
pub(crate) fn run(settings: &Settings, warnings: &[String]) -> anyhow::Result<ExitCode> {
    let (log, log_level) = logging::init(&settings.log, settings.log_format)?;
    log_panics();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let mut served = serve(settings, log_level);
    if let Ok(Afterwards::Anew(variables)) = served {
        // What is not written yet would be lost.
        log.flush();
        served = Err(handover::begin_anew(variables));
    }
    if let Err(error) = &served {
        // The caller would block on a standard error that nobody reads.
        log.print(&format!("parlor: {error:#}"));
    }
    Ok(if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(settings: &Settings, log_level: LogLevel) -> anyhow::Result<Afterwards> {
    for shortfall in system_limits::prepare(settings.max_connections) {
        tracing::warn!("{shortfall}");
    }
    if settings.bcrypt_cost < LOW_BCRYPT_COST {
        tracing::warn!(cost = settings.bcrypt_cost, "password hashes of this cost are guessed quickly if stolen");
    }
    for warning in without_ipv4(&settings.listen) {
        tracing::warn!("{warning}");
    }
    signals::ignore_sigxfsz().context("cannot watch signals")?;
    let (requests, inbox) = unbounded();
    let sender = requests.clone();
    let deliver = move |request| {
        // Requests after the shutdown request are ignored.
        let _ = sender.send(request);
    };
    let _signals = SignalThread::start(deliver).context("cannot watch signals")?;
    let Some(process) = Server::start(settings, &inbox, &requests)? else { return Ok(Afterwards::End) };
    let (handovers, commands) = unbounded();
    let (sessions, entrance) = (process.sessions.clone(), entrance(&process, settings)?);
    let controls = Controls { sessions, entrance, log_level, requests, handovers };
    let control = ControlSocket::open(&settings.data, controls)
        .inspect_err(|error| tracing::warn!("there is no control socket in {}: {error}", settings.data.display()));
    // Whoever reads the banner finds everything open.
    announce(banner(&process, settings));
    service_manager::ready();
    match until_the_end(&process, &inbox, &commands) {
        End::Shutdown(over) => end(process, over, &inbox),
        End::Handover(command) => {
            tracing::info!("everything moves to another store: sending everybody away");
            let lock = process.send_away();
            // Who asks from now on asks the next run.
            drop(control);
            return Ok(command.wait(lock, &inbox));
        }
        End::Departure => {
            tracing::info!("everything in Redis moves to another store: sending everybody away");
            process.send_away();
            drop(control);
            return Ok(Afterwards::anew_or_end(Vec::new(), &inbox));
        }
    }
    Ok(Afterwards::End)
}

/// Why a server does not go on.
enum End {
    /// It was asked to end; over this time, if the clients are to be sent away first.
    Shutdown(Option<Duration>),
    /// A command moves everything from the database to another store.
    Handover(Handover),
    /// Everything in Redis moves to another store.
    Departure,
}

fn end(process: Server, over: Option<Duration>, inbox: &Receiver<Request>) {
    service_manager::stopping();
    if let Some(over) = over {
        tracing::info!("sending everybody away over {} s", over.as_secs());
        process.drain(over, inbox);
    }
    tracing::info!("saying goodbye to everybody");
    process.stop();
}

/// Serves until a request ends it.
fn until_the_end(process: &Server, inbox: &Receiver<Request>, commands: &Receiver<Handover>) -> End {
    loop {
        match inbox.recv() {
            Ok(Request::Reload) => process.reload(),
            Ok(Request::Drain(over)) => return End::Shutdown(Some(over)),
            Ok(Request::Shutdown) | Err(_) => return End::Shutdown(None),
            Ok(Request::Depart) => return End::Departure,
            Ok(Request::HandOver) => match commands.try_recv() {
                Ok(command) if process.has_database() => return End::Handover(command),
                Ok(command) => command.refuse("this server keeps everything in a Redis"),
                // The next request has it.
                Err(_) => {}
            },
        }
    }
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

/// How people reach the server, for commands that run in another directory.
fn entrance(process: &Server, settings: &Settings) -> io::Result<Entrance> {
    let certificate = match settings.certificate() {
        CertificateFiles::Own { chain, .. } => chain,
        CertificateFiles::Made { dir } => Authority::in_dir(&dir).certificate_path(),
    };
    Ok(Entrance {
        listen: process.addresses.clone(),
        tls_names: settings.tls_name.clone(),
        certificate: std::path::absolute(certificate)?,
        has_web: settings.has_web(),
        web_hosts: settings.web_host.clone(),
    })
}

fn banner(process: &Server, settings: &Settings) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "parlor".to_owned());
    let Server { addresses, web_addresses, ca_path, certificate, .. } = process;
    Banner { program: &program, addresses, web_addresses, ca: ca_path.as_deref(), certificate, settings }.to_string()
}

/// Returns a warning for each address of all IPv6 that leaves IPv4 out.
fn without_ipv4(addresses: &[SocketAddr]) -> Vec<String> {
    let is_for_all = |ip: IpAddr| ip.is_unspecified() && ip.is_ipv6();
    let has_ipv4 = addresses.iter().any(SocketAddr::is_ipv4);
    let ipv6 = addresses.iter().filter(|address| is_for_all(address.ip()) && !has_ipv4);
    ipv6.map(|it| format!("{it} accepts IPv6 only; for IPv4 too, add --listen 0.0.0.0:{}", it.port())).collect()
}
