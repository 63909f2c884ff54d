//! Random numbers that depend on the seed only. They must not be used for secrets.

use std::time::Duration;

/// A generator (splitmix64): the same seed and stream give the same numbers on every machine.
#[derive(Debug, Clone)]
pub(crate) struct SeededRng(u64);

impl SeededRng {
    /// The generator of one of the streams of a seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ stream.wrapping_mul(0x2545_f491_4f6c_dd1d));
        rng.roll();
        rng
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`. `bound` must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Returns true in `percent` out of 100 cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A time from `least` up to `most`, in milliseconds.
    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least + 1))
    }
}

#[test]
fn a_seed_gives_the_same_numbers_for_ever() {
    let mut rng = SeededRng::new(7, 1);
    let first: Vec<u64> = (0..4).map(|_| rng.below(1000)).collect();
    let mut again = SeededRng::new(7, 1);
    assert_eq!(first, (0..4).map(|_| again.below(1000)).collect::<Vec<_>>());
    let mut other = SeededRng::new(7, 2);
    assert_ne!(first, (0..4).map(|_| other.below(1000)).collect::<Vec<_>>());
}
