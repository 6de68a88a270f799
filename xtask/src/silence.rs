//! No command is silent for long: when nothing was written for a while, what goes on is reported.

use core::time::Duration;
use std::{
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

/// A silence of ten seconds is too long, and it takes a moment until it is seen.
const SILENCE: Duration = Duration::from_secs(9);
const LOOK: Duration = Duration::from_millis(500);

/// Of this program.
pub(crate) static WATCH: LazyLock<Watch> = LazyLock::new(Watch::new);

/// What goes on, and when something was written last.
pub(crate) struct Watch(Mutex<State>);

struct State {
    written: Instant,
    /// By number: they end in any order.
    running: Vec<Running>,
    count: u64,
}

struct Running {
    number: u64,
    began: Instant,
    /// `None` for what speaks for itself.
    what: Option<String>,
}

/// Something that goes on until this is dropped.
pub(crate) struct Going<'w> {
    watch: &'w Watch,
    number: u64,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.watch.state().running.retain(|one| one.number != self.number);
    }
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { written: Instant::now(), running: Vec::new(), count: 0 }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was written that people see.
    pub(crate) fn wrote(&self) {
        self.state().written = Instant::now();
    }

    /// Something begins.
    pub(crate) fn begin(&self, what: String) -> Going<'_> {
        self.add(Some(what))
    }

    /// Something begins that reports by itself, or waits for a person: until its end nothing is reported here.
    pub(crate) fn hush(&self) -> Going<'_> {
        self.add(None)
    }

    fn add(&self, what: Option<String>) -> Going<'_> {
        let mut state = self.state();
        state.count += 1;
        let number = state.count;
        state.running.push(Running { number, began: Instant::now(), what });
        Going { watch: self, number }
    }

    /// What is to be reported now, if nothing was written for `silence`: the last thing that began.
    pub(crate) fn due(&self, silence: Duration) -> Option<String> {
        let mut state = self.state();
        if state.written.elapsed() < silence {
            return None;
        }
        state.written = Instant::now();
        let last = state.running.last()?;
        let what = last.what.as_ref()?;
        Some(format!("{} s in: {what}", last.began.elapsed().as_secs()))
    }
}

/// Watches over this program, whose command is `what`, to its end.
pub(crate) fn start(what: String) {
    core::mem::forget(WATCH.begin(what));
    thread::spawn(|| {
        loop {
            thread::sleep(LOOK);
            if let Some(line) = WATCH.due(SILENCE) {
                crate::sh::say(&line);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);

    #[test]
    fn the_last_thing_that_began_is_reported_and_only_in_a_silence() {
        let watch = Watch::new();
        assert_eq!(watch.due(Duration::ZERO), None, "nothing goes on");
        let _whole = watch.begin("all of it".to_owned());
        let one = watch.begin("one".to_owned());
        let two = watch.begin("two".to_owned());
        assert_eq!(watch.due(Duration::ZERO).as_deref(), Some("0 s in: two"));
        // In any order.
        drop(one);
        assert_eq!(watch.due(Duration::ZERO).as_deref(), Some("0 s in: two"));
        drop(two);
        assert_eq!(watch.due(Duration::ZERO).as_deref(), Some("0 s in: all of it"));
        assert_eq!(watch.due(NEVER), None, "something was written");
        let quiet = watch.hush();
        assert_eq!(watch.due(Duration::ZERO), None);
        drop(quiet);
        assert!(watch.due(Duration::ZERO).is_some());
    }

    #[test]
    fn a_report_is_something_that_was_written() {
        let (watch, silence) = (Watch::new(), Duration::from_millis(200));
        let _one = watch.begin("one".to_owned());
        thread::sleep(silence);
        assert!(watch.due(silence).is_some());
        assert_eq!(watch.due(NEVER), None);
        thread::sleep(silence);
        assert!(watch.due(silence).is_some(), "and then it is silent again");
        thread::sleep(silence);
        watch.wrote();
        assert_eq!(watch.due(NEVER), None);
    }
}
