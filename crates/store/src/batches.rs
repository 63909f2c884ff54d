//! Counts the batches of a group commit, for the metrics: how large they are and how long they take. It must not know what
//! is in them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper limits of the size classes, in pieces of work.
const SIZES: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Upper limits of the time classes, in microseconds.
const MICROS: [u64; 12] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000];

/// Counters of all batches since the start.
#[derive(Debug)]
pub(crate) struct Batches {
    sizes: Classes,
    micros: Classes,
}

/// The batches so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStatistics {
    /// By their size in pieces of work, such as messages.
    pub sizes: Histogram,
    /// By the time that they took, in microseconds.
    pub micros: Histogram,
}

/// How many observations are in which class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// The upper limit of each class, and how many observations are in it alone. The last class has no limit.
    pub classes: Vec<(Option<u64>, u64)>,
    /// The sum of all observations.
    pub sum: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Self { sizes: Classes::below(&SIZES), micros: Classes::below(&MICROS) }
    }
}

impl Batches {
    /// Counts a batch.
    pub(crate) fn count(&self, size: usize, took: Duration) {
        self.sizes.observe(size as u64);
        self.micros.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> BatchStatistics {
        BatchStatistics { sizes: self.sizes.read(), micros: self.micros.read() }
    }
}

#[derive(Debug)]
struct Classes {
    limits: &'static [u64],
    /// One more than there are limits.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Classes {
    fn below(limits: &'static [u64]) -> Self {
        let counts = (0..=limits.len()).map(|_| AtomicU64::new(0)).collect();
        Self { limits, counts, sum: AtomicU64::new(0) }
    }

    fn observe(&self, value: u64) {
        let class = self.limits.partition_point(|limit| *limit < value);
        // There is a class for each limit, and one above.
        self.counts[class].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let limits = self.limits.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Histogram { classes: limits.zip(counts).collect(), sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_is_in_the_class_whose_limit_it_does_not_pass() {
        let batches = Batches::default();
        for (size, micros) in [(1, 100), (2, 101), (3, 2_500_000), (129, 2_500_001)] {
            batches.count(size, Duration::from_micros(micros));
        }
        let BatchStatistics { sizes, micros } = batches.read();
        let filled = |histogram: &Histogram| -> Vec<_> {
            histogram.classes.iter().filter(|(_, count)| *count > 0).copied().collect()
        };
        assert_eq!(filled(&sizes), [(Some(1), 1), (Some(2), 1), (Some(4), 1), (None, 1)]);
        assert_eq!(filled(&micros), [(Some(100), 1), (Some(250), 1), (Some(2_500_000), 1), (None, 1)]);
        assert_eq!((sizes.sum, micros.sum), (135, 5_000_202));
    }
}
