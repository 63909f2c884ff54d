//! The complete state: Redis, the servers, the connections, and the commands in flight between them. It must not decide
//! what happens next, nor how; `transitions.rs` does the latter.

use crate::command::{Command, Slot};
use crate::connection::{Connection, Here, Step};
use crate::design::{Design, Faults, Scenario};
use crate::keyspace::{Id, LOBBY, Life, Redis, bits};
use crate::leftover::Leftover;
use crate::reaper::{self, Reaper};
use crate::recovery::{self, Restorer};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) life: u8,
    /// It knows that it has no lease, or has not checked all its sessions since it took one.
    pub(crate) is_waiting: bool,
    pub(crate) reaper: Reaper,
    pub(crate) restorer: Restorer,
    pub(crate) leftovers: Vec<Leftover>,
}

/// A command in flight that no caller waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Flying {
    pub(crate) server: u8,
    pub(crate) command: Command,
}

impl Flying {
    fn lane(&self) -> (u8, Slot) {
        (self.server, self.command.slot())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) redis: Redis,
    pub(crate) servers: Vec<Server>,
    pub(crate) connections: Vec<Connection>,
    /// Commands of one server for one slot are in the order in which they were sent.
    air: Vec<Flying>,
    pub(crate) left: Faults,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let life = |server| Life { id: Id { server, life: 0 }, leased: true, index: 0 };
        let guests = scenario.guests.iter().zip(0..);
        Self {
            redis: Redis { lives: (0..scenario.servers).map(life).collect(), ..Redis::default() },
            servers: (0..scenario.servers).map(|_| Server::default()).collect(),
            connections: guests.map(|(guest, number)| Connection::new(number, guest.server)).collect(),
            air: Vec::new(),
            left: scenario.faults,
        }
    }

    pub(crate) fn id(&self, server: u8) -> Id {
        Id { server, life: self.server(server).life }
    }

    pub(crate) fn server(&self, server: u8) -> &Server {
        &self.servers[usize::from(server)]
    }

    /// A server without its lease is dead, or frozen, or about to come back.
    pub(crate) fn is_leased(&self, server: u8) -> bool {
        self.redis.is_leased(self.id(server))
    }

    pub(crate) fn here<'a>(&self, design: &'a Design, scenario: &Scenario, server: u8) -> Here<'a> {
        Here { design, id: self.id(server), may_begin: !self.server(server).is_waiting, rejects: scenario.rejects }
    }

    pub(crate) fn connections_on(&self, server: u8) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(move |connection| connection.server == server)
    }

    /// Connections whose clients are logged in, on servers that live.
    pub(crate) fn guests(&self) -> impl Iterator<Item = &Connection> {
        let idle = |connection: &&Connection| connection.step == Step::Idle && self.is_leased(connection.server);
        self.connections.iter().filter(idle)
    }

    /// Commands in flight that may run next.
    pub(crate) fn arrivals(&self, design: &Design) -> impl Iterator<Item = usize> {
        let is_next = move |&index: &usize| match index.checked_sub(1) {
            Some(before) if design.late_cut_off => self.air[before].lane() != self.air[index].lane(),
            Some(before) => self.air[before] != self.air[index],
            None => true,
        };
        (0..self.air.len()).filter(is_next)
    }

    /// Whether a command of a server waits behind another one that is in flight.
    pub(crate) fn is_behind(&self, design: &Design, server: u8, command: &Command) -> bool {
        design.late_cut_off && self.air.iter().any(|flying| flying.lane() == (server, command.slot()))
    }

    pub(crate) fn fly(&mut self, server: u8, command: Command) {
        self.air.push(Flying { server, command });
        self.air.sort_by_key(Flying::lane);
    }

    pub(crate) fn land(&mut self, index: usize) -> Command {
        self.air.remove(index).command
    }

    /// Drops enters of that room by sessions before `fence`, because they are past their deadline.
    pub(crate) fn drop_late_enters(&mut self, room: u8, fence: u8) {
        self.air.retain(|flying| !flying.command.is_fenced_off(room, fence));
    }

    /// Whether the fence of a room rejects an enter that has begun.
    pub(crate) fn is_fence_of_use(&self, room: u8) -> bool {
        let Some(fence) = self.redis.rooms[usize::from(room)].fence else { return false };
        let entering = |enters: Option<u8>, generation: u8| enters == Some(room) && generation < fence;
        self.air.iter().any(|flying| flying.command.is_fenced_off(room, fence))
            || self.connections.iter().any(|one| entering(one.enters(), one.generation) && !one.late)
            || self.connections.iter().any(|one| entering((one.noted > 0).then_some(LOBBY), one.generation))
            || self
                .servers
                .iter()
                .filter_map(|server| server.restorer.enters())
                .any(|(of, generation)| entering(Some(of), generation))
    }

    /// Whether nothing is in progress any more: servers have nothing to do, or are dead and reaped.
    pub(crate) fn is_quiet(&self) -> bool {
        let numbers = || (0..).take(self.servers.len());
        self.air.is_empty()
            && bits(self.redis.notices).all(|number| !self.is_leased(self.connections[usize::from(number)].server))
            && self.redis.lives.iter().all(|life| life.leased)
            && numbers().any(|server| self.is_leased(server))
            && numbers().all(|server| !self.is_leased(server) || self.has_nothing_to_do(server))
    }

    fn has_nothing_to_do(&self, server: u8) -> bool {
        self.is_at_rest(server) && self.connections_on(server).all(|connection| !connection.check && !connection.told)
    }

    /// Whether no thread of the server waits for anything or has anything left to do.
    fn is_at_rest(&self, server: u8) -> bool {
        let Server { reaper, restorer, leftovers, .. } = self.server(server);
        let rests = |connection: &Connection| matches!(connection.step, Step::Outside | Step::Idle | Step::Gone);
        reaper.step == reaper::Step::Idle
            && restorer.step == recovery::Step::Idle
            && leftovers.is_empty()
            && self.connections_on(server).all(rests)
    }

    /// Whether a server has its lease, and all its sessions have its current id.
    pub(crate) fn has_looked_after_all(&self, server: u8) -> bool {
        self.is_leased(server)
            && self.server(server).restorer.step == recovery::Step::Idle
            && self.connections_on(server).all(|connection| !connection.check)
    }

    /// Whether no command is in flight. A displacement may still be unknown to its connection.
    pub(crate) fn are_all_at_rest(&self) -> bool {
        self.air.is_empty() && (0..).take(self.servers.len()).all(|server| self.is_at_rest(server))
    }
}
