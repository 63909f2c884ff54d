//! The command line: what to measure, and how often. It must not measure.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cases::{self, Case};
use crate::compare::{self, Plan};
use crate::door;
use crate::load::Pace;
use crate::plot;
use crate::redis;
use crate::scenario::churn::Churn;
use crate::scenario::fanout::{Fanout, Way};
use crate::scenario::idle::Idle;
use crate::scenario::{Scenario, Times};
use crate::servers::dialect::{self, Dialect};
use crate::servers::{Running, ServerKind, baseline};
use crate::stress::{abuse, comeback, rolling, soak, stuck};

const EXAMPLES: &str = "Examples (scripts/bench builds what is measured, and passes everything on):
  scripts/bench suite --json results.json         everything, in most of an hour
  scripts/bench suite --only idle                 what has that in its name
  scripts/bench fanout --members 1000 --window 64 --publishers 10
  scripts/bench fanout --rate 10 --beside bare --rounds 5
  scripts/bench churn --server 127.0.0.1:7878 --ca ca.pem --pid 1234 --data /var/lib/parlor
  scripts/bench fanout --door web --alone         clients of the web door, or --format json
  scripts/bench door                              the web door beside JSON lines
  scripts/bench plot                              draws docs/performance/*.svg
  scripts/bench counts                            instructions of single paths
  scripts/bench redis                             two servers on one Redis beside bare Redis
  scripts/bench abuse                             a flood and a storm of logins: the latency of others
  scripts/bench comeback                          a restart: all clients log in again, by password and by ticket
  scripts/bench rolling                           two servers restarted one after the other, with all clients on them
  scripts/bench stuck                             stuck readers in a busy room
  scripts/bench soak --minutes 30                 steady load: memory, threads, descriptors

It fails if a message was lost, doubled or reordered.";

/// Measures Parlor
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    what: What,
    /// The program `parlor`; by default the one beside this program
    #[arg(long, global = true, value_name = "FILE")]
    parlor: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One room: what a delivery costs, how long it takes
    Fanout {
        /// Members, those who speak included
        #[arg(long, default_value_t = 100)]
        members: usize,
        #[command(flatten)]
        speech: Speech,
        #[command(flatten)]
        spoken: dialect::Options,
        #[command(flatten)]
        how: How,
    },
    /// Many rooms
    Rooms {
        /// How many
        #[arg(long, default_value_t = 100)]
        rooms: usize,
        /// Members of each, those who speak included
        #[arg(long, default_value_t = 10)]
        members: usize,
        #[command(flatten)]
        speech: Speech,
        #[command(flatten)]
        how: How,
    },
    /// Publications to followers
    Publications {
        /// Followers of each who publishes
        #[arg(long, default_value_t = 100)]
        followers: usize,
        #[command(flatten)]
        speech: Speech,
        #[command(flatten)]
        how: How,
    },
    /// Clients that keep quiet: memory, threads, descriptors
    Idle {
        /// How many
        #[arg(long, default_value_t = 1000)]
        clients: usize,
        /// Members of each room
        #[arg(long, default_value_t = 500)]
        members: usize,
        #[command(flatten)]
        spoken: dialect::Options,
        #[command(flatten)]
        how: How,
    },
    /// Clients that come, log in, enter a room and leave
    Churn {
        /// How many at the same time
        #[arg(long, default_value_t = 16)]
        clients: usize,
        #[command(flatten)]
        how: How,
    },
    /// All of these, with the sizes that docs/performance.md speaks of
    Suite {
        /// Only what has this in its name
        #[arg(long, default_value = "")]
        only: String,
        /// Small and short: shows that it works, not how fast
        #[arg(long)]
        smoke: bool,
        #[command(flatten)]
        how: How,
    },
    /// Deliveries through the web door beside JSON lines, in pairs
    Door(door::Options),
    /// Draws results as SVG
    Plot(plot::Options),
    /// Two servers on one Redis, beside bare Redis
    Redis(redis::Options),
    /// A flood of one client and a storm of logins: what they do to the latency of others
    Abuse(abuse::Options),
    /// Clients that come back after a restart, by password and by ticket
    Comeback(comeback::Options),
    /// Two servers that are drained and restarted one after the other, under all their clients
    Rolling(rolling::Options),
    /// Readers that are stuck in a busy room: memory over time, and the latency of others
    Stuck(stuck::Options),
    /// A steady load with people who come and go, for a long time: whether anything is lost or grows
    Soak(soak::Options),
    /// What `--beside` starts
    #[command(hide = true)]
    Bare(baseline::Options),
}

/// Who speaks, and when.
#[derive(Debug, Args)]
struct Speech {
    /// Those who speak, in each room
    #[arg(long, default_value_t = 1)]
    publishers: usize,
    /// Messages a second in each room
    #[arg(long, default_value_t = 10.0, conflicts_with = "window")]
    rate: f64,
    /// In place of a rate: as many as are heard, with so many of each speaker on the way
    #[arg(long)]
    window: Option<usize>,
    /// Bytes of each text, 40 at least
    #[arg(long, default_value_t = 128)]
    payload: usize,
}

/// How it is measured.
#[derive(Debug, Args)]
struct How {
    /// How often; what is told are medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Seconds before that; less than 4 measure that clients come to rest, too
    #[arg(long, default_value_t = 5.0)]
    warmup: f64,
    /// What else is measured, in turns with Parlor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bare,bare-coalesced")]
    beside: Vec<ServerKind>,
    /// Measures nothing beside Parlor
    #[arg(long, conflicts_with = "beside")]
    alone: bool,
    /// Writes every single result to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    running: Running,
}

impl Speech {
    fn talk(&self, way: Way, rooms: usize, members: usize) -> Scenario {
        let &Self { publishers, rate, window, payload } = self;
        let pace = window.map_or(Pace::Rate(rate), Pace::Window);
        Scenario::Fanout(Fanout { way, rooms, members, publishers, pace, payload })
    }
}

impl How {
    fn run(self, cases: &[Case], dialect: Dialect, parlor: &Path) -> Result<()> {
        let Self { rounds, seconds, warmup, beside, alone, json, running } = self;
        let beside = if alone { vec![] } else { beside };
        let times = Times { warmup: Duration::from_secs_f64(warmup), time: Duration::from_secs_f64(seconds) };
        compare::run(cases, &Plan { rounds, times, beside, json, running, dialect, parlor: parlor.to_owned() })
    }
}

impl Cli {
    /// Executes the command.
    pub(crate) fn run(self) -> Result<()> {
        allow_descriptors()?;
        let parlor = self.parlor.map_or_else(neighbour, Ok)?;
        let single = |scenario: Scenario, dialect: Dialect, how: How| {
            how.run(&[Case::single(scenario).spoken(dialect)], dialect, &parlor)
        };
        let text = Dialect::Text;
        match self.what {
            What::Fanout { members, speech, spoken, how } => {
                single(speech.talk(Way::Room, 1, members), spoken.dialect()?, how)
            }
            What::Rooms { rooms, members, speech, how } => single(speech.talk(Way::Room, rooms, members), text, how),
            What::Publications { followers, speech, how } => {
                single(speech.talk(Way::Publication, 1, followers), text, how)
            }
            What::Idle { clients, members, spoken, how } => {
                single(Scenario::Idle(Idle { clients, members }), spoken.dialect()?, how)
            }
            What::Churn { clients, how } => single(Scenario::Churn(Churn { clients }), text, how),
            What::Suite { only, smoke, how } => {
                let mut cases = if smoke { cases::smoke() } else { cases::suite() };
                cases.retain(|case| case.name.contains(&only));
                how.run(&cases, text, &parlor)
            }
            What::Door(options) => door::run(&options, &parlor),
            What::Plot(options) => plot::run(&options),
            What::Redis(options) => redis::run(&options, &parlor),
            What::Abuse(options) => abuse::run(&options, &parlor),
            What::Comeback(options) => comeback::run(&options, &parlor),
            What::Rolling(options) => rolling::run(&options, &parlor),
            What::Stuck(options) => stuck::run(&options, &parlor),
            What::Soak(options) => soak::run(&options, &parlor),
            What::Bare(options) => baseline::run(&options),
        }
    }
}

/// The program `parlor` that was built together with this program.
fn neighbour() -> Result<PathBuf> {
    Ok(env::current_exe().context("where this program is")?.with_file_name("parlor"))
}

/// Each client needs a descriptor here and one in the server. The server is started with the same limits.
fn allow_descriptors() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("cannot raise the limit of descriptors")
}
