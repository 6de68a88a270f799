//! A server that takes long for a request is waited for, and that is shown.

use core::time::Duration;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

/// Calls `report` with how long nothing has come, each time that `every` is over without a word on what is returned. It ends
/// when that is dropped.
pub(super) fn watch(every: Duration, mut report: impl FnMut(Duration) + Send + 'static) -> Sender<()> {
    let (sender, words) = mpsc::channel();
    thread::spawn(move || {
        let mut last = Instant::now();
        loop {
            match words.recv_timeout(every) {
                Ok(()) => last = Instant::now(),
                Err(RecvTimeoutError::Timeout) => report(last.elapsed()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    sender
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_reported_again_and_again_to_its_end() {
        let every = Duration::from_millis(40);
        let (reports, heard) = mpsc::channel();
        let words = watch(every, move |past| {
            let _ = reports.send(past);
        });
        let first: Vec<_> = heard.iter().take(3).collect();
        assert!(first[0] >= every && first.is_sorted(), "{first:?}");
        // A word ends it: the next one is counted from there.
        words.send(()).expect("it listens");
        let after = heard.iter().find(|past| *past < first[2]);
        assert!(after.is_some(), "{first:?}");
        drop(words);
        // Its end, which closes the channel of the reports.
        assert!(heard.iter().count() < 1000);
    }
}
