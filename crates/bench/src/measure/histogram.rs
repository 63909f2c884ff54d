//! Latencies of very many deliveries in little memory: counts in classes that are 1.6 % wide. It must not keep single
//! values.

/// Number of classes per power of two, as a number of bits.
const BITS: u32 = 6;
const CLASSES: usize = ((64 - BITS as usize) + 1) << BITS;

/// Number of occurrences of each time, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; CLASSES].into(), total: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.counts[class(nanoseconds)] += 1;
        self.total += 1;
    }

    /// The value in milliseconds that `percent` of all values lie below. `None` if nothing was recorded.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let rank = (self.total as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        let class = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(lower_end(class) as f64 / 1e6)
    }
}

fn class(value: u64) -> usize {
    let shift = (64 - BITS).saturating_sub(value.leading_zeros()).saturating_sub(1);
    ((shift as usize) << BITS) + (value >> shift) as usize
}

fn lower_end(class: usize) -> u64 {
    if class < 2 << BITS {
        return class as u64;
    }
    let shift = (class >> BITS) - 1;
    (((class & ((1 << BITS) - 1)) | (1 << BITS)) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_lies_in_its_class() {
        for value in (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) - 1, (1_u64 << bit) / 2 * 3]) {
            let low = lower_end(class(value));
            assert!(low <= value && value - low <= value >> BITS, "{value} is counted as {low}");
        }
        assert!(class(u64::MAX) < CLASSES);
    }

    #[test]
    fn percentiles_are_found() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50.0), None);
        (1..=100).for_each(|value| histogram.record(value * 1_000_000));
        let near = |percent, expected: f64| (histogram.percentile(percent).unwrap() / expected - 1.0).abs() < 0.02;
        assert!(near(50.0, 50.0) && near(99.0, 99.0) && near(100.0, 100.0));
    }
}
