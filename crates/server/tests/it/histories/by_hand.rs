//! Seeds that somebody asks for, with the faults that they want. It must not be part of the usual tests.

use std::env;
use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::harness::heavy;

use super::plan::{Kind, Plan};
use super::run::{Keeper, verdict};

#[test]
#[ignore = "for seeds by hand: PARLOR_SEEDS=1..20 PARLOR_FAULTS=kill,hole PARLOR_LENGTH=30"]
fn seeds_by_hand() {
    let _heavy = heavy();
    let seeds = seeds(&variable("PARLOR_SEEDS", "1..4".to_owned()));
    let kinds = kinds(&variable("PARLOR_FAULTS", "mixed".to_owned()));
    let length = Duration::from_secs(variable("PARLOR_LENGTH", 20));
    let servers = variable("PARLOR_SERVERS", 3);
    let keeper = if variable("PARLOR_REDIS", true) { Keeper::Redis } else { Keeper::Itself };
    let mut broken = Vec::new();
    for seed in seeds {
        let began = Instant::now();
        match verdict(&Plan::of(seed, servers, &kinds, length), keeper) {
            Ok(summary) => println!("seed {seed} in {:.0?}: {summary}", began.elapsed()),
            Err(report) => {
                println!("{report}");
                broken.push(seed);
            }
        }
    }
    assert_eq!(broken, Vec::<u64>::new(), "seeds with broken promises");
}

fn variable<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} cannot be read")),
        Err(_) => default,
    }
}

/// One seed, or a range without its end.
fn seeds(text: &str) -> Range<u64> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no seed: {text}"));
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(text)..number(text) + 1,
    }
}

fn kinds(text: &str) -> Vec<Kind> {
    match text {
        "mixed" => Kind::MIXED.to_vec(),
        "none" => Vec::new(),
        names => names.split(',').map(|name| name.parse().unwrap_or_else(|error| panic!("{error}"))).collect(),
    }
}

#[test]
fn seeds_and_faults_are_read_as_people_write_them() {
    assert_eq!((seeds("7"), seeds("3..9")), (7..8, 3..9));
    assert_eq!(kinds("kill,redis-pause"), [Kind::Kill, Kind::RedisPause]);
    assert_eq!(kinds("none"), []);
}
