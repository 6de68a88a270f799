//! A histogram of atomics: observing takes no lock, as it does with the one of `prometheus-client`.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

/// Upper bounds of the times, in nanoseconds: what is looked up in memory takes microseconds, what waits for a disk
/// milliseconds, and beyond seconds no detail is needed.
const TIMES: [u64; BUCKETS] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// Upper bounds of numbers of things.
const SIZES: [u64; BUCKETS] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 4096];

const BUCKETS: usize = 18;

/// A lock-free histogram with fixed buckets.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64; BUCKETS],
    /// What one unit of the values is in the unit that is reported.
    unit: f64,
    counts: [AtomicU64; BUCKETS],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl Histogram {
    const fn new(bounds: &'static [u64; BUCKETS], unit: f64) -> Self {
        let counts = [const { AtomicU64::new(0) }; BUCKETS];
        Self { bounds, unit, counts, beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// A histogram of times, told in seconds.
    #[must_use]
    pub const fn of_times() -> Self {
        Self::new(&TIMES, 1e-9)
    }

    /// A histogram of numbers of things.
    #[must_use]
    pub const fn of_sizes() -> Self {
        Self::new(&SIZES, 1.0)
    }

    /// Counts a time.
    pub fn time(&self, time: Duration) {
        self.value(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a number of things.
    pub fn size(&self, size: usize) {
        self.value(size as u64);
    }

    fn value(&self, value: u64) {
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        self.counts.get(bucket).unwrap_or(&self.beyond).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was observed so far: upper bounds and how often, none counted twice, and the sum of the values.
    #[must_use]
    pub fn read(&self) -> (Vec<(f64, u64)>, f64) {
        let bounds = self.bounds.iter().map(|&bound| bound as f64 * self.unit).chain([f64::INFINITY]);
        let counts = self.counts.iter().chain([&self.beyond]).map(|count| count.load(Ordering::Relaxed));
        (bounds.zip(counts).collect(), self.sum.load(Ordering::Relaxed) as f64 * self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket_of(histogram: &Histogram) -> Vec<usize> {
        let (buckets, _) = histogram.read();
        (0..buckets.len()).filter(|&at| buckets.get(at).is_some_and(|bucket| bucket.1 > 0)).collect()
    }

    /// Every bound, and one to each side of it.
    #[test]
    fn a_value_is_in_the_first_bucket_that_holds_it() {
        for (bounds, new) in
            [(TIMES, Histogram::of_times as fn() -> Histogram), (SIZES, Histogram::of_sizes as fn() -> Histogram)]
        {
            assert!(bounds.is_sorted_by(|one, next| one < next));
            for (at, &bound) in bounds.iter().enumerate() {
                for value in [bound - 1, bound, bound + 1] {
                    let histogram = new();
                    histogram.value(value);
                    let expected = bounds.iter().take_while(|&&bound| value > bound).count();
                    assert_eq!(bucket_of(&histogram), [expected], "{value} at {at}");
                }
            }
            let histogram = new();
            histogram.value(u64::MAX);
            assert_eq!(bucket_of(&histogram), [BUCKETS]);
        }
    }

    #[test]
    fn times_are_told_in_seconds() {
        let histogram = Histogram::of_times();
        histogram.time(Duration::from_millis(1500));
        histogram.time(Duration::from_micros(40));
        let (buckets, sum) = histogram.read();
        assert!((sum - 1.50004).abs() < 1e-9, "{sum}");
        let filled: Vec<_> = buckets.into_iter().filter(|bucket| bucket.1 > 0).collect();
        assert_eq!(filled.len(), 2);
        assert!(filled.iter().zip([50e-6, 10.0]).all(|(bucket, bound)| (bucket.0 - bound).abs() < 1e-12), "{filled:?}");
    }
}
