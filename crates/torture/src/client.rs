//! A client of a run: how it connects, receives and leaves. Its choices depend on the seed and on what it receives.
//! `workload.rs` decides what it sends. It must not judge what it receives.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::coordinator::{Audience, Coordinator, Marker, Phase};
use crate::record::{Connection, Heard, Line, Reply, What};
use crate::recorded_connection::{ConnectOptions, Endpoint, RecordedConnection};
use crate::rng::SeededRng;

/// Number of messages that each client sends at the end: to its room, to its followers, to one user.
pub(crate) const MARKERS: usize = 3;
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
}

impl Role {
    /// Whether it stays in its room.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Steady | Self::Slow | Self::Flooder | Self::Canary { .. })
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
    /// Suffix of the names of users and rooms of this round.
    pub(crate) tag: String,
    /// Whether the run creates the accounts, so that clients need not register.
    pub(crate) accounts_are_made: bool,
    pub(crate) doors: Vec<Endpoint>,
    pub(crate) board: Coordinator,
    pub(crate) began: Instant,
}

/// A client of a run.
pub(crate) struct SimulatedClient {
    pub(crate) part: ClientSpec,
    pub(crate) context: Arc<RunContext>,
    pub(crate) rng: SeededRng,
    pub(crate) link: Option<RecordedConnection>,
    pub(crate) room: String,
    /// The users that it certainly follows, as far as this session knows.
    pub(crate) follows: BTreeSet<String>,
    /// Whether it received the list of the users that it follows since its login.
    pub(crate) knows_follows: bool,
    /// The users that it asked to follow in this session while the store was unreachable. The store may keep such a
    /// follow although no publication arrives.
    doubted: BTreeSet<String>,
    /// Number of texts that it sent.
    pub(crate) said: usize,
    /// Which of its messages at the end were accepted.
    pub(crate) marked: [bool; MARKERS],
    /// Whether its last request for the members of its room, and for all rooms, returned the right lists.
    pub(crate) seen: [bool; 2],
    records: Vec<Connection>,
    has_account: bool,
    in_session: bool,
    /// The final messages of others that it received.
    heard: HashSet<String>,
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
            room: String::new(),
            follows: BTreeSet::new(),
            knows_follows: false,
            doubted: BTreeSet::new(),
            said: 0,
            marked: [false; MARKERS],
            seen: [false; 2],
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
                if self.context.board.are_accounts_gone() {
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
            self.context.board.settle(&self.part.user, &self.room);
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
        let doors = &self.context.doors;
        let door = match (self.part.role, phase) {
            (Role::Canary { server }, _) => &doors[server],
            (_, Phase::SetUp) => &doors[self.part.number % doors.len()],
            _ => self.rng.pick(doors),
        };
        let canary = matches!(self.part.role, Role::Canary { .. });
        let way = ConnectOptions { weak: !canary && self.rng.chance(25), slow: self.part.role == Role::Slow };
        self.link = RecordedConnection::open(door, way, &self.part.user, self.context.began);
        self.patience = match self.part.role {
            Role::Steady => Duration::from_secs(40),
            Role::Canary { .. } => Duration::from_secs(15),
            _ => self.rng.millis(5_000, 14_000),
        };
        match self.link {
            Some(_) => self.log_in(),
            None => self.rest(100, 500),
        }
    }

    /// Closes the connection.
    fn go(&mut self, why: &'static str, reset: bool) {
        self.records.extend(self.link.take().map(|link| link.close(why, reset)));
        self.in_session = false;
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
            return self.log_in();
        }
        match phase {
            Phase::SetUp | Phase::Gather => self.settle_down(),
            Phase::Chaos => self.do_anything(),
            Phase::Mark => self.say_marker(),
            Phase::Look => self.look(),
            Phase::End => {}
        }
    }

    fn log_in(&mut self) {
        let line = if self.has_account { Line::Login } else { Line::Register };
        self.send(vec![Line::Format, line]);
        self.rest(300, 300);
    }

    pub(crate) fn send(&mut self, lines: Vec<Line>) {
        if let Some(link) = &mut self.link {
            link.send(lines);
        }
    }

    /// Does nothing for a random time between `least` and `most`, in milliseconds.
    pub(crate) fn rest(&mut self, least: u64, most: u64) {
        self.next = Instant::now() + self.rng.millis(least, most);
    }

    fn hear(&mut self, what: What) {
        match what {
            What::Answered { number, reply } => {
                let line = self.link.as_ref().and_then(|link| link.line(number));
                line.into_iter().for_each(|line| self.answered(&line, &reply));
            }
            What::Heard(Heard::Message { entry, .. } | Heard::Publication(entry)) => self.remember(entry.text),
            What::Heard(Heard::Direct { text, .. }) => self.remember(text),
            What::Bye { code } if code == "logged-in-elsewhere" => self.rest(300, 2_500),
            _ => {}
        }
    }

    fn remember(&mut self, text: String) {
        if text.starts_with("marker ") {
            self.heard.insert(text);
        }
    }

    fn answered(&mut self, line: &Line, reply: &Reply) {
        match (line, reply) {
            (_, Reply::Entered { room, .. }) => {
                self.room.clone_from(room);
                if matches!(line, Line::Login | Line::Register) {
                    (self.in_session, self.has_account) = (true, true);
                    // The client asks for its follows and does not follow again: publications of users that it followed
                    // before must arrive.
                    (self.knows_follows, self.doubted) = (false, BTreeSet::new());
                    self.follows.clear();
                    self.send(vec![Line::Subscriptions]);
                }
            }
            (Line::Login | Line::Register, Reply::Refused { code }) => self.turned_away(code),
            (Line::Subscribe(user), Reply::Done) => {
                self.follows.insert(user.clone());
            }
            (Line::Subscribe(user), Reply::Refused { code }) if code == "already-subscribed" => {
                self.follows.insert(user.clone());
            }
            // The store may have kept the follow, but no publication arrives. The client must send the command again.
            (Line::Subscribe(user), Reply::Refused { code }) if code == "store-unavailable" => {
                self.follows.remove(user);
                self.doubted.insert(user.clone());
            }
            (Line::Unsubscribe(user), _) => {
                self.follows.remove(user);
            }
            (_, Reply::Follows(users)) => {
                self.follows = users.iter().filter(|user| !self.doubted.contains(*user)).cloned().collect();
                self.knows_follows = true;
            }
            (_, Reply::Stored { .. } | Reply::Done) => self.accepted(line),
            (_, Reply::Users { room, users }) => self.seen[0] = *users == self.context.board.members(room),
            (_, Reply::Rooms(rooms)) => self.seen[1] = *rooms == self.context.board.rooms(),
            _ => {}
        }
    }

    fn turned_away(&mut self, code: &str) {
        match code {
            "name-taken" => self.has_account = true,
            "bad-credentials" => self.has_account = false,
            "store-unavailable" => {}
            _ => {
                self.go("turned away", false);
                self.rest(300, 2_000);
            }
        }
    }

    /// Posts on the board the messages that others must receive from now on.
    fn accepted(&mut self, line: &Line) {
        let (kind, to) = match line {
            Line::Say(_) => (0, Audience::Room(self.room.clone())),
            Line::Publish(_) => (1, Audience::Followers),
            Line::Direct { to, .. } => (2, Audience::User(to.clone())),
            _ => return,
        };
        let Some(text) = line.text().filter(|text| text.starts_with("marker ")) else { return };
        self.marked[kind] = true;
        self.context.board.post(Marker { by: self.part.user.clone(), to, text: text.to_owned() });
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
                Phase::Mark => self.marked == [true; MARKERS] && self.heard_all(),
                Phase::Look => self.seen == [true; 2],
                Phase::Chaos | Phase::End => true,
            }
    }

    fn heard_all(&self) -> bool {
        let concerns = |marker: &Marker| match &marker.to {
            _ if marker.by == self.part.user => false,
            Audience::Room(room) => *room == self.room,
            Audience::Followers => self.follows.contains(&marker.by),
            Audience::User(user) => *user == self.part.user,
        };
        let all = self.context.board.all_markers(MARKERS);
        all.is_some_and(|all| all.iter().filter(|marker| concerns(marker)).all(|it| self.heard.contains(&it.text)))
    }
}
