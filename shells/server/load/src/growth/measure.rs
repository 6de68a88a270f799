//! How times are taken and compared.

use core::error::Error;
use core::time::Duration;

use rustix::time::{ClockId, clock_gettime};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the process has worked, all threads together: it does not go on while others have the processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu(Duration);

impl Cpu {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Self(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Something that there can be many of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thing {
    /// What is timed, of one of them.
    pub(crate) one: &'static str,
    /// How many there usually are.
    pub(crate) usual: usize,
    /// Whether all of them are timed together, so that each has its part of it; else it is one step among so many.
    pub(crate) each: bool,
    /// The time with so many.
    pub(crate) time: fn(usize) -> Outcome<Duration>,
}

/// How many times as much one may cost where there are ten times as many. What looks at all the others comes to 10; what a
/// cache no longer holds, to 2 to 5.
const MOST: f64 = 6.0;

/// A busy machine may spoil some measurements; what grows spoils all of them.
const TRIES: usize = 4;

/// How many runs of which the shortest counts.
const RUNS: usize = 5;

/// What one costs at several numbers of them, each ten times the one before.
#[derive(Debug, Clone)]
pub(crate) struct Grown {
    pub(crate) thing: Thing,
    /// Seconds.
    pub(crate) costs: Vec<f64>,
}

impl Grown {
    pub(crate) fn of(thing: Thing, steps: u32) -> Outcome<Self> {
        let mut costs = Vec::new();
        for step in 0..steps {
            costs.push(cost(thing, 10_usize.pow(step))?);
        }
        let mut grown = Self { thing, costs };
        for _ in 1..TRIES {
            if grown.is_bounded() {
                break;
            }
            // What is measured again is what may have been spoiled: either side of a step.
            for (step, seconds) in (0..).zip(&mut grown.costs) {
                *seconds = seconds.min(cost(thing, 10_usize.pow(step))?);
            }
        }
        Ok(grown)
    }

    /// How many times as much one costs as where there are a tenth as many.
    pub(crate) fn factors(&self) -> impl Iterator<Item = f64> {
        self.costs.windows(2).map(|pair| match pair {
            [few, many] => many / few,
            _ => 1.0,
        })
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.factors().all(|factor| factor <= MOST)
    }
}

fn cost(thing: Thing, times: usize) -> Outcome<f64> {
    let number = thing.usual * times;
    let seconds = (thing.time)(number)?.as_secs_f64();
    Ok(if thing.each { seconds / number as f64 } else { seconds })
}

/// The shortest of some runs: what others do on the machine only makes runs longer.
pub(crate) fn shortest(mut work: impl FnMut()) -> Duration {
    timed(|| {
        let began = Cpu::now();
        work();
        began.elapsed()
    })
}

/// The same, of work that takes its own time.
pub(crate) fn timed(work: impl FnMut() -> Duration) -> Duration {
    core::iter::repeat_with(work).take(RUNS).min().unwrap_or_default()
}

/// The same, of work that may fail.
pub(crate) fn tried(mut work: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let mut least = work()?;
    for _ in 1..RUNS {
        least = least.min(work()?);
    }
    Ok(least)
}
