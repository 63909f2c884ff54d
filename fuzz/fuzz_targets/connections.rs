//! Several clients send any data, in any pieces, while the store fails, time passes and others do not read. The server
//! does not panic, each line has exactly one reply in order, no client receives anything that is not for it, queues are
//! bounded, and a closed connection leaves nothing behind. The first byte of the input chooses the settings, the rest
//! are steps.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::oracle::ClientOracle;
use parlor_fuzz::steps::{Action, CLIENTS, Step, steps};
use parlor_testkit::{World, login_line};

const USERS: [&str; CLIENTS] = ["ann", "bob", "cyd", "dan"];

/// Addresses of other machines, so that the limits apply to these clients.
const STRANGERS: [Option<&str>; CLIENTS] = [None, None, Some("192.0.2.1"), Some("192.0.2.2")];

const MAX_LINE_BYTES: usize = 128;
const MAX_QUEUED_BYTES: usize = 512;

/// Maximum number of bytes that a client sends while it does not read. With too many replies, a thread waits for the
/// reader, and it does not use the clock of the world.
const MAX_UNREAD_BYTES: usize = 64;

/// How often [`Action::Repeat`] sends, and how many bytes at most.
const REPEATS: usize = 8;
const MAX_REPEATED_BYTES: usize = 64;

struct Stage {
    world: World,
    clients: [Option<ClientOracle>; CLIENTS],
    /// Bytes that each client sent since it stopped reading.
    unread: [usize; CLIENTS],
}

fn world(settings: u8) -> World {
    let mut builder = World::builder()
        .max_line_bytes(MAX_LINE_BYTES)
        .max_queued_bytes(MAX_QUEUED_BYTES)
        .max_rooms(3)
        .max_subscriptions(2)
        .max_takeovers(2)
        .presence_limit(3)
        .line_rate(10, 10)
        .history(8);
    if settings & 1 != 0 {
        builder = builder.reject_duplicates();
    }
    if settings & 2 != 0 {
        builder = builder.registration_closed();
    }
    if settings & 4 != 0 {
        builder = builder.queued_flush_workers();
    }
    let world = builder.build();
    world.operator(USERS[0]);
    USERS[1..].iter().for_each(|user| world.account(user));
    world
}

impl Stage {
    fn new(settings: u8) -> Self {
        Self { world: world(settings), clients: [const { None }; CLIENTS], unread: [0; CLIENTS] }
    }

    /// The client. Connects it again if it is not connected.
    fn client(&mut self, number: usize) -> &mut ClientOracle {
        let world = &self.world;
        let slot = &mut self.clients[number];
        if !slot.as_ref().is_some_and(|client| client.link().is_open()) {
            self.unread[number] = 0;
            *slot = None;
        }
        slot.get_or_insert_with(|| {
            let link = STRANGERS[number].map_or_else(|| world.connect(), |address| world.from_address(address));
            ClientOracle::new(link, MAX_LINE_BYTES)
        })
    }

    /// Carries a step out. Returns `false` if the oracle cannot check anything after it.
    fn play(&mut self, Step { client: number, deed, bytes }: Step<'_>) -> bool {
        match deed {
            Action::Send => self.send(number, bytes),
            Action::Trickle => bytes.chunks(1).for_each(|byte| self.send(number, byte)),
            Action::Repeat => self.send(number, &bytes[..bytes.len().min(MAX_REPEATED_BYTES)].repeat(REPEATS)),
            Action::LogIn => {
                let line = login_line(USERS[number]);
                self.send(number, &[line.as_bytes(), b"\n", bytes].concat());
            }
            Action::SendInVain => return self.send_in_vain(number, bytes),
            Action::Stick => {
                self.client(number).stick(true, MAX_QUEUED_BYTES);
                self.send(number, bytes);
            }
            Action::Unstick => {
                self.read_on(number);
                self.send(number, bytes);
            }
            Action::Vanish => self.vanish(number),
            Action::Expire => {
                self.world.advance(bytes.len() as u64);
                self.expire(number);
            }
            Action::Wait => self.world.advance(bytes.len() as u64),
        }
        true
    }

    fn send(&mut self, number: usize, bytes: &[u8]) {
        if self.client(number).is_stuck() {
            self.unread[number] += bytes.len();
            if self.unread[number] > MAX_UNREAD_BYTES {
                self.read_on(number);
            }
        }
        self.client(number).send(bytes, false);
    }

    fn read_on(&mut self, number: usize) {
        self.unread[number] = 0;
        self.client(number).stick(false, MAX_QUEUED_BYTES);
    }

    /// A client that leaves while the store fails may stay a member in the store. A store of one process does not
    /// repair that.
    fn send_in_vain(&mut self, number: usize, bytes: &[u8]) -> bool {
        self.read_on(number);
        self.client(number);
        let open = self.open();
        self.world.fail_store(true);
        self.client(number).send(bytes, true);
        self.world.fail_store(false);
        self.open() == open
    }

    fn open(&self) -> usize {
        self.clients.iter().flatten().filter(|client| client.link().is_open()).count()
    }

    fn expire(&mut self, number: usize) {
        let link = self.client(number).link();
        if link.is_logged_in() { link.idle_out() } else { link.time_out() }
    }

    fn vanish(&mut self, number: usize) {
        if let Some(client) = &mut self.clients[number] {
            client.link().disconnect();
        }
        self.clients[number] = None;
    }

    fn hear(&mut self) {
        self.world.run_flush_workers();
        self.clients.iter_mut().flatten().for_each(ClientOracle::hear);
    }

    fn clear(&mut self) {
        (0..CLIENTS).for_each(|number| self.vanish(number));
        self.world.run_flush_workers();
        assert_eq!((self.world.connections(), self.world.topics()), (0, 0), "connections or topics are left");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&settings, story)) = data.split_first() else { return };
    let mut stage = Stage::new(settings);
    for step in steps(story) {
        let goes_on = stage.play(step);
        stage.hear();
        if !goes_on {
            break;
        }
    }
    stage.clear();
});
