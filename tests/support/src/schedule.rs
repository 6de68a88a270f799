//! Every order in which the steps of several can fall: enumerated, not sampled.
//!
//! A test runs what it checks again and again, asks [`Schedule::choose`] wherever several things can happen next, and
//! ends when [`Schedule::advance`] has no other order. Choices must be the only thing that differs between two runs.

use core::future::{Future, poll_fn};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Poll, Waker};
use std::sync::Arc;
use std::task::Wake;

/// Which of the possible steps is taken each time: what was chosen, and how many there were.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    choices: Vec<(usize, usize)>,
    at: usize,
}

impl Schedule {
    /// Chooses one of `possible` steps, from 0: as this schedule says, or the first where it says nothing yet.
    pub fn choose(&mut self, possible: usize) -> usize {
        if self.at == self.choices.len() {
            self.choices.push((0, possible));
        }
        self.at += 1;
        let (choice, before) = self.choices[self.at - 1];
        assert_eq!(before, possible, "two runs with the same choices differ");
        choice
    }

    /// Turns to the next schedule; false if there is none.
    pub fn advance(&mut self) -> bool {
        // What a run did not get to belongs to no schedule.
        self.choices.truncate(self.at);
        self.at = 0;
        while let Some((choice, possible)) = self.choices.pop() {
            if choice + 1 < possible {
                self.choices.push((choice + 1, possible));
                return true;
            }
        }
        false
    }

    /// What was chosen so far in this run.
    pub fn chosen(&self) -> impl Iterator<Item = usize> {
        self.choices[..self.at].iter().map(|&(choice, _)| choice)
    }
}

/// Whether a task can take a step: it cannot while it waits for another one.
#[derive(Clone, Debug)]
pub struct CanGo(Arc<Flag>);

#[derive(Debug)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Default for CanGo {
    /// That of a task that has not begun.
    fn default() -> Self {
        Self(Arc::new(Flag(AtomicBool::new(true))))
    }
}

impl CanGo {
    pub fn get(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Takes the permission for one step. The waker gives it again.
    pub fn take(&self) -> Waker {
        self.0.0.store(false, Ordering::Relaxed);
        Waker::from(Arc::clone(&self.0))
    }
}

/// Lets others go first, or not: as the schedule says.
pub fn wait() -> impl Future<Output = ()> + Send {
    let mut waited = false;
    poll_fn(move |context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

#[cfg(test)]
mod tests {
    use core::pin::pin;
    use core::task::Context;

    use super::*;

    /// All runs of a test that stops where `ends` says so.
    fn runs(arity: impl Fn(&[usize]) -> usize) -> Vec<Vec<usize>> {
        let (mut schedule, mut all) = (Schedule::default(), Vec::new());
        loop {
            let mut run = Vec::new();
            loop {
                match arity(&run) {
                    0 => break,
                    possible => run.push(schedule.choose(possible)),
                }
            }
            assert!(schedule.chosen().eq(run.iter().copied()));
            all.push(run);
            if !schedule.advance() {
                return all;
            }
        }
    }

    #[test]
    fn every_order_is_taken_once() {
        let all = runs(|run| if run.len() < 3 { run.len() + 1 } else { 0 });
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 2]]);
    }

    #[test]
    fn what_is_possible_may_depend_on_what_was_chosen() {
        let all = runs(|run| match *run {
            [] => 3,
            [1] => 2,
            [1, 1] => 1,
            _ => 0,
        });
        assert_eq!(all, [vec![0], vec![1, 0], vec![1, 1, 0], vec![2]]);
    }

    #[test]
    fn without_a_choice_there_is_one_run() {
        assert_eq!(runs(|_| 0), [Vec::<usize>::new()]);
    }

    #[test]
    #[should_panic = "two runs with the same choices differ"]
    fn a_run_that_does_not_repeat_is_noticed() {
        let mut schedule = Schedule::default();
        let _ = (schedule.choose(2), schedule.choose(2));
        assert!(schedule.advance());
        schedule.choose(3);
    }

    #[test]
    fn a_task_that_waits_can_go_again_at_once() {
        let (can_go, mut task) = (CanGo::default(), pin!(wait()));
        assert!(can_go.get());
        let waker = can_go.take();
        assert!(!can_go.get());
        assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(can_go.get());
        assert!(task.poll(&mut Context::from_waker(&can_go.take())).is_ready());
        assert!(!can_go.get());
    }
}
