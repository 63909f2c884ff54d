//! The transitions of the world for each event. It must not decide what happens.

use crate::command::{Command, Reply};
use crate::connection::{Connection, Here, Step};
use crate::design::{Design, Scenario};
use crate::keyspace::{Id, LOBBY, Life};
use crate::leftover::Leftover;
use crate::state::World;

/// The result of a command that a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It runs and is answered.
    Answered,
    /// It runs, its answer is lost, and it is sent again.
    Unanswered,
    /// It is answered, and an earlier copy of it is still in flight.
    CopyLeft,
    /// It is lost, and its caller stops waiting.
    Lost,
    /// Its caller stops waiting; it is still in flight.
    Late,
}

/// The answer that a caller receives.
enum Heard {
    Reply(Reply),
    NothingYet,
    /// No answer will come.
    Nothing,
}

/// A world with its transition rules.
pub(crate) struct Mover<'a> {
    pub(crate) design: &'a Design,
    pub(crate) scenario: &'a Scenario,
    pub(crate) world: World,
}

impl<'a> Mover<'a> {
    fn here(&self, server: u8) -> Here<'a> {
        self.world.here(self.design, self.scenario, server)
    }

    /// Lets the thread of a connection take a step of its own.
    pub(crate) fn with(&mut self, number: u8, act: impl FnOnce(&mut Connection, Here<'a>)) {
        let here = self.here(self.world.connections[usize::from(number)].server);
        let connection = &mut self.world.connections[usize::from(number)];
        let before = connection.clone();
        act(connection, here);
        self.witness(&before, number);
        self.put_off(number);
        // No other thread can see when the connection enters the reverse index of its server, so that is one step with
        // its start.
        if before.step == Step::Outside && self.design.index_first {
            self.world.redis.index(here.id, number);
        }
    }

    /// Records the facts that the properties need.
    fn witness(&mut self, before: &Connection, number: u8) {
        let World { connections, redis, .. } = &mut self.world;
        let now = &connections[usize::from(number)];
        if let (Some(room), None) = (now.enters(), before.enters()) {
            redis.begins(room, now.generation);
        }
        if before.room.is_none() && now.room.is_some() {
            redis.answered = redis.answered.max(now.generation);
        }
        let ends_displaced = !before.departs && now.departs && now.told;
        redis.wrongs.displaced_the_last |= ends_displaced && now.generation == redis.last;
    }

    /// Hands the deferred cleanups of a connection to the server.
    fn put_off(&mut self, number: u8) {
        let connection = &mut self.world.connections[usize::from(number)];
        let leftovers = &mut self.world.servers[usize::from(connection.server)].leftovers;
        leftovers.append(&mut connection.put_off);
        let is_leaving = leftovers.iter().any(|left| left.is_membership_of(connection.generation));
        if connection.step == Step::Releasing && is_leaving && self.design.release_waits {
            connection.put_release_off();
            leftovers.append(&mut connection.put_off);
        }
        leftovers.sort();
    }

    /// Applies a result to the command that a connection waits for.
    pub(crate) fn run(&mut self, number: u8, how: How) {
        let connection = &self.world.connections[usize::from(number)];
        let server = connection.server;
        let Some(command) = connection.command(self.here(server)) else { return };
        let releases = matches!(command, Command::Release { .. });
        match self.carry_out(server, command, how) {
            Heard::Reply(reply) => {
                self.with(number, |connection, here| connection.answered(here, reply));
                if releases {
                    self.unindex(server, number);
                }
            }
            Heard::Nothing => self.with(number, Connection::timed_out),
            Heard::NothingYet => {}
        }
    }

    fn unindex(&mut self, server: u8, connection: u8) {
        let id = self.world.id(server);
        self.world.redis.unindex(self.design, id, connection);
    }

    fn carry_out(&mut self, server: u8, command: Command, how: How) -> Heard {
        let world = &mut self.world;
        match how {
            How::Answered => return Heard::Reply(world.redis.execute(self.design, &command)),
            How::Unanswered | How::CopyLeft => world.left.repeats -= 1,
            How::Lost | How::Late => world.left.timeouts -= 1,
        }
        match how {
            How::Lost => Heard::Nothing,
            How::Late => {
                world.fly(server, command);
                Heard::Nothing
            }
            How::CopyLeft => {
                let reply = world.redis.execute(self.design, &command);
                world.fly(server, command);
                Heard::Reply(reply)
            }
            How::Answered | How::Unanswered => {
                world.redis.execute(self.design, &command);
                Heard::NothingYet
            }
        }
    }

    /// A server retries a cleanup.
    pub(crate) fn undo(&mut self, server: u8, index: usize) {
        let leftovers = &mut self.world.servers[usize::from(server)].leftovers;
        let leftover = leftovers.remove(index);
        self.world.redis.execute(self.design, &leftover.command());
        match leftover {
            Leftover::Claim { connection, id } => self.world.redis.unindex(self.design, id, connection),
            Leftover::Session { connection, .. } => self.unindex(server, connection),
            Leftover::Membership { .. } => {}
        }
        let leftovers = &mut self.world.servers[usize::from(server)].leftovers;
        leftovers.extend(leftover.answered());
        leftovers.sort();
    }

    pub(crate) fn start_restoring(&mut self, number: u8) {
        let server = self.world.connections[usize::from(number)].server;
        let here = self.here(server);
        let connection = &mut self.world.connections[usize::from(number)];
        if connection.check {
            connection.check = false;
        } else {
            self.world.left.audits -= 1;
        }
        self.world.servers[usize::from(server)].restorer.start(here, connection);
        self.world.redis.index(here.id, number);
    }

    /// The command of a restorer runs and is answered.
    pub(crate) fn run_restorer(&mut self, server: u8) {
        let restorer = self.world.servers[usize::from(server)].restorer.clone();
        let (number, before) = (restorer.connection, restorer.enters());
        let Some(command) = restorer.command() else { return };
        let Heard::Reply(reply) = self.carry_out(server, command, How::Answered) else { return };
        let mut restorer = restorer.clone();
        let mut is_there = true;
        self.with(number, |connection, here| is_there = restorer.answered(here, connection, &reply));
        if let Some((room, generation)) = restorer.enters().filter(|enters| before != Some(*enters)) {
            self.world.redis.begins(room, generation);
        }
        self.world.servers[usize::from(server)].restorer = restorer;
        if !is_there {
            self.displaced(number);
        }
    }

    /// The server of a connection knows that it was displaced.
    fn displaced(&mut self, number: u8) {
        if self.world.connections[usize::from(number)].is_active() {
            self.with(number, |connection, _| connection.displaced());
        }
    }

    pub(crate) fn start_reaping(&mut self, server: u8, dead: Id) {
        let seen = self.world.redis.list(dead);
        let reaper = &mut self.world.servers[usize::from(server)].reaper;
        if !reaper.start(self.design, dead, seen) {
            self.world.redis.drop_life(dead);
        }
    }

    /// The command of a reaper runs and is answered.
    pub(crate) fn run_reaper(&mut self, server: u8) {
        let reaper = &self.world.servers[usize::from(server)].reaper;
        let dead = reaper.dead;
        let Some(command) = reaper.command(self.design) else { return };
        let Heard::Reply(reply) = self.carry_out(server, command, How::Answered) else { return };
        if !self.world.servers[usize::from(server)].reaper.answered(self.design, &reply) {
            self.world.redis.drop_life(dead);
        }
    }

    /// Runs a command that no caller waits for.
    pub(crate) fn arrive(&mut self, index: usize) {
        let command = self.world.land(index);
        self.world.redis.execute(self.design, &command);
    }

    /// Sends a message, without waiting for the answer.
    pub(crate) fn say(&mut self, number: u8) {
        let connection = &mut self.world.connections[usize::from(number)];
        let Some(room) = connection.room else { return };
        connection.spoke = true;
        let append = Command::Append { room, ticket: connection.draw(), connection: number };
        let server = connection.server;
        if self.world.left.repeats > 0 {
            // This sends it twice, whether that is needed or not.
            self.world.left.repeats -= 1;
            self.world.fly(server, append.clone());
        }
        self.world.fly(server, append);
    }

    pub(crate) fn lease_runs_out(&mut self, server: u8) {
        self.world.left.lapses -= 1;
        let id = self.world.id(server);
        if let Some(life) = self.world.redis.life(id) {
            life.leased = false;
        }
        self.world.servers[usize::from(server)].is_waiting = self.design.server_waits;
    }

    /// Redis comes back empty.
    pub(crate) fn lose_all(&mut self) {
        self.world.left.losses -= 1;
        self.world.redis.empty();
        for server in &mut self.world.servers {
            server.is_waiting = self.design.server_waits;
        }
    }

    /// A server that lost its lease registers again and checks its sessions.
    pub(crate) fn come_back(&mut self, server: u8) {
        self.world.servers[usize::from(server)].life += u8::from(self.design.stable_death);
        let id = self.world.id(server);
        match self.world.redis.life(id) {
            Some(life) => life.leased = true,
            None => self.world.redis.lives.push(Life { id, leased: true, index: 0 }),
        }
        self.world.redis.lives.sort_by_key(|life| life.id);
        self.check_all(server);
    }

    /// Requests a check of all sessions of the server.
    fn check_all(&mut self, server: u8) {
        for connection in self.world.connections.iter_mut().filter(|connection| connection.server == server) {
            connection.check |= connection.is_kept;
        }
    }

    /// The old connection receives the notice that it was displaced.
    pub(crate) fn tell(&mut self, number: u8) {
        self.world.redis.notices &= !(1 << number);
        self.displaced(number);
    }

    /// The notice is lost, because the channel was down. The server checks its sessions when it subscribes again.
    pub(crate) fn lose_notice(&mut self, number: u8) {
        self.world.left.lost_notices -= 1;
        self.world.redis.notices &= !(1 << number);
        if self.design.check_after_loss {
            self.check_all(self.world.connections[usize::from(number)].server);
        }
    }

    /// The fence of a room expires. All enters that it rejected are past their deadline by then.
    pub(crate) fn fence_runs_out(&mut self, room: u8) {
        let Some(fence) = self.world.redis.rooms[usize::from(room)].fence.take() else { return };
        if !self.design.enter_deadline {
            return;
        }
        self.world.drop_late_enters(room, fence);
        for connection in self.world.connections.iter_mut().filter(|_| self.design.deadline_first) {
            connection.late |= connection.enters() == Some(room) && connection.generation < fence;
        }
        let is_first_late = |it: &&mut Connection| room == LOBBY && it.generation < fence;
        if self.design.first_enter_in_time {
            self.world.connections.iter_mut().filter(is_first_late).for_each(|connection| connection.noted = 0);
        }
        for server in &mut self.world.servers {
            if server.restorer.enters().is_some_and(|(of, generation)| of == room && generation < fence) {
                server.restorer.be_late();
            }
        }
    }

    /// A complete login without faults.
    pub(crate) fn log_in(&mut self, number: u8) {
        self.with(number, Connection::start);
        while self.world.connections[usize::from(number)].step != Step::Idle {
            self.run(number, How::Answered);
        }
    }

    /// Drops state that cannot matter any more: connections that are gone receive nothing, and no command asks for
    /// them.
    pub(crate) fn settle(&mut self) {
        for server in (0..).take(self.world.servers.len()) {
            if self.world.has_looked_after_all(server) {
                self.world.servers[usize::from(server)].is_waiting = false;
            }
        }
        let World { connections, servers, redis, .. } = &mut self.world;
        for connection in connections.iter_mut().filter(|connection| !connection.is_active()) {
            redis.notices &= !(1 << connection.number);
            let restorer = &servers[usize::from(connection.server)].restorer;
            let is_looked_after = restorer.looks_after(connection.generation);
            if connection.step == Step::Gone && !is_looked_after {
                let fresh = Connection::new(connection.number, connection.server);
                *connection = Connection { step: Step::Gone, ..fresh };
            }
        }
    }
}
