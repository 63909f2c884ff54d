//! Asks whether Redis takes messages just now, for a health check. It must not store anything.

use std::sync::Arc;

use ::redis::{Connection, RedisError};
use parlor_core::ports::StoreResult;

use super::connection::command::{self, Command};
use super::connection::dial::Dialer;
use super::connection::router::Router;
use super::connection::script;
use super::connection::url::Address;
use super::{Config, NoEvents, OpenError};

/// Whether Redis takes messages.
#[derive(Debug, Clone)]
pub enum Probe {
    /// Each node does.
    Takes,
    /// A node refuses them, for this reason.
    Refuses(String),
    /// A node could not be asked, and no other one refuses them.
    Unknown(OpenError),
}

/// Asks each node that holds logs. Blocks for some seconds at most.
pub fn probe(config: &Config) -> Probe {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let nodes = match nodes(&dialer) {
        Ok(nodes) => nodes,
        Err(error) => return Probe::Unknown(error),
    };
    let mut unknown = None;
    for node in nodes {
        match ask(&dialer, &node) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Probe::Refuses(format!("{node}: {why}")),
            Err(error) => unknown = Some(error),
        }
    }
    unknown.map_or(Probe::Takes, Probe::Unknown)
}

/// The node of the URL, or all nodes of its Cluster.
fn nodes(dialer: &Arc<Dialer>) -> Result<Vec<Address>, OpenError> {
    dialer.check()?;
    let node = dialer.locate()?;
    let (_, greeting) = dialer.connect(&node)?;
    if !greeting.is_cluster {
        return Ok(vec![node]);
    }
    let router = Router::start(dialer.clone(), Arc::new(NoEvents), true, 0)?;
    Ok(router.nodes().into_iter().flatten().collect())
}

/// Asks a node to run a script that it treats like an append. The inner error is the reason for which it refuses that.
fn ask(dialer: &Dialer, node: &Address) -> Result<StoreResult<()>, OpenError> {
    let (mut connection, _) = dialer.connect(node)?;
    let failed = |error: RedisError| OpenError::Unreachable(format!("{node}: {error}"));
    let probe = script::probe();
    ::redis::cmd("SCRIPT").arg("LOAD").arg(probe.source()).exec(&mut connection).map_err(failed)?;
    run(&mut connection, &Command::script::<&str>(probe, &[], &[])).map_err(failed)
}

fn run(connection: &mut Connection, command: &Command) -> Result<StoreResult<()>, RedisError> {
    connection.send_packed_command(&command.packed)?;
    let reply = connection.recv_response()?;
    Ok(command::read::<i64>(Ok(reply)).map(drop))
}
