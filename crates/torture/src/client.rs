//! A client of a run: how it connects, receives and leaves. Its choices depend on the seed and on what it receives.
//! `workload.rs` decides what it sends. It must not judge what it receives.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::coordinator::{Audience, Coordinator, Marker, Phase};
use crate::court::Court;
use crate::hooks::Hooks;
use crate::open_rooms::OpenRooms;
use crate::owed::Owed;
use crate::purse::Purse;
use crate::reading::Reading;
use crate::receiver::Receiver;
use crate::record::{Connection, Line, ShownBy};
use crate::recorded_connection::{ConnectOptions, Endpoint, RecordedConnection};
use crate::rng::SeededRng;

/// Number of messages that each client sends at the end: to its current room, to its followers, to one user, to another
/// open room.
pub(crate) const MARKERS: usize = 4;
/// How long the client receives before it sends anything.
const TICK: Duration = Duration::from_millis(20);

/// The behaviour of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Never leaves, and waits up to 40 s for a server that is frozen.
    Steady,
    /// Connects and leaves repeatedly.
    Roamer,
    /// The same, but does not reconnect once its connection is lost.
    Sleeper,
    /// One of two clients with the same account. The first of them remains at the end.
    Rival { first: bool },
    /// Never leaves, and sometimes does not read for some time.
    Slow,
    /// Never leaves, and sometimes sends a burst of messages to the slow clients.
    Flooder,
    /// Never leaves its server, and sends all the time to a room of its own.
    Canary { server: usize },
    /// Owns the court, and never leaves.
    Judge,
    /// Moderates the court.
    Deputy,
    /// Talks in the court, and is moderated.
    Citizen,
}

impl Role {
    /// Whether it stays in its room.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Steady | Self::Slow | Self::Flooder | Self::Canary { .. } | Self::Judge)
    }

    /// Whether it is at home in the court.
    pub(crate) fn is_of_court(self) -> bool {
        matches!(self, Self::Judge | Self::Deputy | Self::Citizen)
    }
}

/// The identity of a client.
#[derive(Debug, Clone)]
pub(crate) struct ClientSpec {
    pub(crate) number: usize,
    /// Differs between rivals, unlike the user.
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) role: Role,
}

impl ClientSpec {
    /// Whether it is still connected at the end.
    pub(crate) fn remains(&self) -> bool {
        self.role != Role::Rival { first: false }
    }
}

/// State shared by all clients of a run.
pub(crate) struct RunContext {
    /// All users except the canaries.
    pub(crate) users: Vec<String>,
    /// The rooms that clients go to. The lobby comes first.
    pub(crate) rooms: Vec<String>,
    /// The room in which clients moderate, the user who helps its owner, and those whom they moderate.
    pub(crate) court: String,
    pub(crate) deputy: String,
    pub(crate) citizens: Vec<String>,
    /// Where outgoing hooks post, if the servers allow it.
    pub(crate) receiver: Option<Receiver>,
    /// Whether a suspension ends in time: not if the clock of a server jumps, by which it begins or ends.
    pub(crate) suspensions_end: bool,
    /// Suffix of the names of users and rooms of this round.
    pub(crate) tag: String,
    /// Whether the run creates the accounts, so that clients need not register.
    pub(crate) accounts_are_made: bool,
    pub(crate) doors: Vec<Endpoint>,
    /// How many of a hundred connections come by WebSocket.
    pub(crate) web_percent: u64,
    pub(crate) board: Coordinator,
    pub(crate) began: Instant,
}

impl RunContext {
    /// Whether the run started the servers, so that nobody minds what it leaves there.
    pub(crate) fn owns_servers(&self) -> bool {
        self.receiver.is_some()
    }

    /// The room that invitations open. Nobody is removed from it, and it is public.
    pub(crate) fn guest_room(&self) -> &str {
        self.rooms.last().map_or("lobby", String::as_str)
    }
}

/// A client of a run.
pub(crate) struct SimulatedClient {
    pub(crate) part: ClientSpec,
    pub(crate) context: Arc<RunContext>,
    pub(crate) rng: SeededRng,
    pub(crate) link: Option<RecordedConnection>,
    pub(crate) rooms: OpenRooms,
    /// Whether it opened the rooms again that are remembered for it, since its login.
    pub(crate) synced: bool,
    pub(crate) court: Court,
    pub(crate) hooks: Hooks,
    pub(crate) purse: Purse,
    /// What it said and was not answered.
    pub(crate) owed: Owed,
    /// The newest number that it knows of each conversation.
    pub(crate) newest: BTreeMap<String, u64>,
    pub(crate) reading: Reading,
    /// The users that it certainly follows, as far as this session knows.
    pub(crate) follows: BTreeSet<String>,
    /// Whether it received the list of the users that it follows since its login.
    pub(crate) knows_follows: bool,
    /// The users that it asked to follow in this session while the store was unreachable. The store may keep such a
    /// follow although no publication arrives.
    pub(crate) doubted: BTreeSet<String>,
    /// Number of texts that it sent.
    pub(crate) said: usize,
    /// Which of its messages at the end were accepted.
    pub(crate) marked: [bool; MARKERS],
    /// The rooms whose last list of members was right, and whether the last list of rooms was.
    pub(crate) seen: (BTreeSet<String>, bool),
    records: Vec<Connection>,
    pub(crate) has_account: bool,
    pub(crate) in_session: bool,
    /// The final messages of others that it received.
    pub(crate) heard: HashSet<String>,
    /// When it acts again.
    next: Instant,
    /// Until when it does not read.
    deaf: Instant,
    /// After this much silence, the client considers the server dead.
    patience: Duration,
}

impl SimulatedClient {
    pub(crate) fn new(part: ClientSpec, context: Arc<RunContext>, seed: u64) -> Self {
        let rng = SeededRng::new(seed, 1 + part.number as u64);
        let has_account = !part.remains() || context.accounts_are_made;
        Self {
            part,
            context,
            rng,
            link: None,
            rooms: OpenRooms::default(),
            synced: false,
            court: Court::default(),
            hooks: Hooks::default(),
            purse: Purse::default(),
            owed: Owed::default(),
            newest: BTreeMap::new(),
            reading: Reading::default(),
            follows: BTreeSet::new(),
            knows_follows: false,
            doubted: BTreeSet::new(),
            said: 0,
            marked: [false; MARKERS],
            seen: (BTreeSet::new(), false),
            records: Vec::new(),
            has_account,
            in_session: false,
            heard: HashSet::new(),
            next: Instant::now(),
            deaf: Instant::now(),
            patience: Duration::ZERO,
        }
    }

    /// Takes part until the end, and returns the records of its connections.
    pub(crate) fn play(mut self) -> Vec<Connection> {
        let mut before = Phase::SetUp;
        loop {
            let phase = self.context.board.phase();
            if phase == Phase::End {
                break;
            }
            if std::mem::replace(&mut before, phase) == Phase::Chaos && phase != Phase::Chaos {
                // The client asks again which follows are left after the faults.
                self.follows.clear();
                self.knows_follows = false;
                self.synced = false;
                if self.context.board.are_accounts_gone() {
                    self.purse = Purse::default();
                    self.go("its account is gone", false);
                }
            }
            self.live(phase);
            if self.reached(phase) {
                self.arrive(phase);
            }
        }
        self.records.extend(self.link.take().map(RecordedConnection::finish));
        self.records
    }

    fn arrive(&self, phase: Phase) {
        if phase == Phase::Gather && self.part.remains() {
            self.context.board.settle(&self.part.user, &self.rooms.open);
        }
        self.context.board.arrive(phase, &self.part.name);
    }

    fn live(&mut self, phase: Phase) {
        if phase > Phase::Chaos && !self.part.remains() {
            self.go("it makes room", false);
        }
        if phase == Phase::Chaos && Instant::now() < self.deaf {
            return thread::sleep(TICK);
        }
        let Some(link) = &mut self.link else { return self.come(phase) };
        let happened = link.listen(TICK);
        let (alive, waited) = (link.alive(), link.waited());
        if let Some(what) = happened {
            self.hear(what);
        }
        let idle = self.link.as_ref().is_some_and(|link| link.pending() < self.bound(phase));
        if !alive {
            self.go("it is lost", false);
        } else if waited > self.patience {
            let reset = self.rng.chance(50);
            self.go("no answer in time", reset);
        } else if idle && Instant::now() >= self.next {
            self.act(phase);
        }
    }

    /// Maximum number of lines without an answer before it sends more.
    fn bound(&self, phase: Phase) -> usize {
        if phase == Phase::Chaos && self.in_session { 12 } else { 1 }
    }

    /// Connects to a server, unless it has a reason not to.
    fn come(&mut self, phase: Phase) {
        let lost_it = !self.records.is_empty() && phase == Phase::Chaos;
        let stays_away = match self.part.role {
            Role::Sleeper => lost_it,
            Role::Rival { first: false } => phase != Phase::Chaos,
            _ => false,
        };
        if stays_away || Instant::now() < self.next {
            return thread::sleep(TICK);
        }
        let context = self.context.clone();
        let doors = &context.doors;
        let door = match (self.part.role, phase) {
            (Role::Canary { server }, _) => &doors[server],
            (_, Phase::SetUp) => &doors[self.part.number % doors.len()],
            _ => self.rng.pick(doors),
        };
        let canary = matches!(self.part.role, Role::Canary { .. });
        let web = self.rng.chance(self.context.web_percent);
        let cookie = if web && self.rng.chance(50) { self.ticket_to_show(phase) } else { None };
        let (weak, slow) = (!canary && self.rng.chance(25), self.part.role == Role::Slow);
        let way = ConnectOptions { web, weak, slow, cookie };
        self.link = RecordedConnection::open(door, &way, &self.part.user, self.context.began);
        self.patience = match self.part.role {
            Role::Steady => Duration::from_secs(40),
            Role::Canary { .. } => Duration::from_secs(15),
            _ => self.rng.millis(5_000, 14_000),
        };
        match self.link {
            // A valid cookie is answered before that, and another one is not answered.
            Some(_) if way.cookie.is_some() => self.send(vec![Line::Ping]),
            Some(_) => self.log_in(phase),
            None => self.rest(100, 500),
        }
    }

    /// Closes the connection.
    pub(crate) fn go(&mut self, why: &'static str, reset: bool) {
        self.records.extend(self.link.take().map(|link| link.close(why, reset)));
        self.in_session = false;
        self.owed.lose_answers();
        self.reading = Reading::default();
    }

    /// Disconnects for up to 1.5 s.
    pub(crate) fn go_away(&mut self) {
        let reset = self.rng.chance(50);
        self.go("as it likes", reset);
        self.rest(0, 1_500);
    }

    /// Does not read for a random time between `least` and `most`, in milliseconds. Then it reads for 0.5 s to 1.5 s
    /// before it acts again.
    pub(crate) fn stop_reading(&mut self, least: u64, most: u64) {
        self.deaf = Instant::now() + self.rng.millis(least, most);
        self.next = self.deaf + self.rng.millis(500, 1_500);
    }

    fn act(&mut self, phase: Phase) {
        if !self.in_session {
            return self.log_in(phase);
        }
        self.forget_lost_keys();
        match phase {
            _ if self.says_again(phase) => {}
            Phase::SetUp | Phase::Gather => self.settle_down(),
            Phase::Chaos => self.do_anything(),
            Phase::Mark => self.say_marker(),
            // A new question would leave it with an open one for ever, where an answer takes longer than a rest.
            Phase::Look if self.reached(phase) => self.rest(50, 50),
            Phase::Look => self.look(),
            Phase::Read => self.read_on(),
            Phase::End => {}
        }
    }

    fn log_in(&mut self, phase: Phase) {
        let line = match self.ticket_to_show(phase) {
            Some(ticket) => Line::Resume(ticket, ShownBy::Line),
            None if self.has_account => Line::Login,
            None => Line::Register,
        };
        self.send(vec![Line::Format, line]);
        self.rest(300, 300);
    }

    /// Nothing is sent again whose key the store has lost.
    fn forget_lost_keys(&mut self) {
        if let Some(moment) = self.context.board.again_from() {
            self.owed.forget_before(moment);
        } else {
            self.court.forget();
        }
    }

    pub(crate) fn send(&mut self, lines: Vec<Line>) {
        let Some(link) = &mut self.link else { return };
        let (mut is_moving, at) = (link.is_moving(), self.context.began.elapsed());
        // A plain line in the court is not sent again: if its sender was removed before it came, it is in the lobby.
        let current = Some(self.rooms.current.as_str()).filter(|room| *room != self.context.court);
        for line in &lines {
            self.owed.sent(line, current.filter(|_| !is_moving), at);
            is_moving |= line.moves();
        }
        link.send(lines);
    }

    /// Does nothing for a random time between `least` and `most`, in milliseconds.
    pub(crate) fn rest(&mut self, least: u64, most: u64) {
        self.next = Instant::now() + self.rng.millis(least, most);
    }

    /// Whether it has done what the phase requires.
    fn reached(&self, phase: Phase) -> bool {
        if !self.part.remains() {
            return self.link.is_none() || phase == Phase::SetUp;
        }
        let quiet = self.in_session && self.link.as_ref().is_some_and(|link| link.pending() == 0);
        quiet
            && match phase {
                Phase::SetUp | Phase::Gather => self.wants().is_none(),
                Phase::Mark => self.marked == [true; MARKERS] && self.owed.is_empty() && self.heard_all(),
                Phase::Look => self.seen.1 && self.rooms.open.is_subset(&self.seen.0),
                Phase::Read => self.reading.is_done(),
                Phase::Chaos | Phase::End => true,
            }
    }

    fn heard_all(&self) -> bool {
        let concerns = |marker: &Marker| match &marker.to {
            _ if marker.by == self.part.user => false,
            Audience::Room(room) => self.rooms.open.contains(room),
            Audience::Followers => self.follows.contains(&marker.by),
            Audience::User(user) => *user == self.part.user,
        };
        let all = self.context.board.all_markers(MARKERS);
        all.is_some_and(|all| all.iter().filter(|marker| concerns(marker)).all(|it| self.heard.contains(&it.text)))
    }
}
