//! Which instance of the recorder answers, by how long it says it has been running.

use core::time::Duration;

use tokio::time::Instant;

/// By how much an uptime may be off: it is rounded down to seconds, and both clocks drift.
const OFF_BY: f64 = 2.0;

/// What an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    First,
    Same,
    /// Perhaps another one: ask again soon. A daemon that stood still takes its first steps by a clock that did.
    Doubtful,
    /// Another one than the one that answered before.
    New,
}

/// The latest answer.
#[derive(Debug, Clone, Copy)]
struct Answer {
    asked: Instant,
    came: Instant,
    uptime: Duration,
}

/// Follows a recorder's uptime.
#[derive(Debug, Default)]
pub(super) struct Uptime {
    /// Of the instance that is known.
    latest: Option<Answer>,
    is_doubtful: bool,
}

impl Uptime {
    /// An answer came. The same instance runs on as fast as this host's clock does.
    ///
    /// A smaller uptime is a restart. A greater one is another instance as well: a stand-by that has taken over the address, or
    /// the recorder's clock was set. That a set clock is taken for a new instance does no harm: orders are sent again, and the
    /// self-test is done again.
    pub(super) fn answered(&mut self, asked: Instant, came: Instant, uptime: Duration) -> Instance {
        let answer = Some(Answer { asked, came, uptime });
        let Some(before) = self.latest else {
            self.latest = answer;
            return Instance::First;
        };
        let least = before.uptime + asked.saturating_duration_since(before.came);
        let most = before.uptime + came.saturating_duration_since(before.asked);
        let is = uptime.as_secs_f64();
        let is_another = is + OFF_BY < least.as_secs_f64() || is > most.as_secs_f64() + OFF_BY;
        if is_another && !core::mem::replace(&mut self.is_doubtful, true) {
            return Instance::Doubtful;
        }
        (self.latest, self.is_doubtful) = (answer, false);
        if is_another { Instance::New } else { Instance::Same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as seconds of asking, of the reply, and of uptime.
    fn instances(answers: &[(f64, f64, u64)]) -> Vec<Instance> {
        let (mut uptime, origin) = (Uptime::default(), Instant::now());
        let at = |seconds: f64| origin + Duration::from_secs_f64(seconds);
        let seen =
            answers.iter().map(|&(asked, came, is)| uptime.answered(at(asked), at(came), Duration::from_secs(is)));
        seen.collect()
    }

    use Instance::{Doubtful, First, New, Same};

    #[test]
    fn an_instance_that_runs_on_is_the_same_at_any_phase_of_its_seconds() {
        for phase in 0..10 {
            let began = f64::from(phase) / 10.0;
            let answers: Vec<_> =
                (0..200).map(|n| f64::from(n) * 0.97).map(|at| (at, at + 0.9, (at + 0.5 + began) as u64)).collect();
            let seen = instances(&answers);
            assert!(seen[0] == First && seen[1..].iter().all(|instance| *instance == Same), "{seen:?}");
        }
    }

    #[test]
    fn a_restart_is_seen_however_long_it_was_away() {
        for (before, away, after) in
            [(3, 1.0, 0), (4, 1.0, 1), (100, 1.0, 0), (1, 5.0, 0), (50, 3600.0, 3599), (0, 4.0, 1)]
        {
            let answers = [(0.0, 0.0, before), (away, away, after), (away + 0.1, away + 0.1, after)];
            assert_eq!(instances(&answers), [First, Doubtful, New], "{before} {away} {after}");
        }
        // A recorder that was frozen, or could not be reached, is the same.
        assert_eq!(instances(&[(0.0, 0.0, 50), (0.5, 3600.0, 3650), (3601.0, 3601.0, 3651)]), [First, Same, Same]);
        assert_eq!(instances(&[(0.0, 0.0, 50), (3600.0, 3600.0, 3650)]), [First, Same]);
        // One that was frozen may answer by the clock of then, once. Each time it is one.
        let frozen = [(0.0, 0.0, 50), (5.0, 9.0, 50), (9.1, 9.1, 59), (14.0, 19.0, 59), (19.1, 19.1, 69)];
        assert_eq!(instances(&frozen), [First, Doubtful, Same, Doubtful, Same]);
    }

    #[test]
    fn another_instance_may_have_run_for_longer() {
        let answers = [(0.0, 0.0, 5), (1.0, 1.0, 4000), (1.1, 1.1, 4000), (2.0, 2.0, 4001)];
        assert_eq!(instances(&answers), [First, Doubtful, New, Same]);
    }
}
