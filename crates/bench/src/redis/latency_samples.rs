//! Many measured values and their statistics. It must not measure.

use std::time::Duration;

/// Several durations of the same operation.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds more samples.
    pub(crate) fn extend(&mut self, more: Vec<Duration>) {
        self.0.extend(more);
        self.0.sort_unstable();
    }

    /// The value in microseconds that `percent` of all values lie below.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(f64::NAN, |value| value.as_secs_f64() * 1e6)
    }

    /// Number of samples.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The median.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let mut samples = Samples::default();
        samples.extend((1..=100).rev().map(Duration::from_micros).collect());
        assert_eq!(samples.len(), 100);
        assert!((samples.percentile(50) - 51.0).abs() < 1e-6);
        assert!((samples.percentile(99) - 100.0).abs() < 1e-6);
        assert!(Samples::default().percentile(50).is_nan());
    }

    #[test]
    fn the_median_needs_no_order() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
