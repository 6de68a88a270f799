//! A hundred thousand open sessions: what they take, and how soon they are there.

use super::programs::{Goal, Running, in_file, number, place, release, remove};
use crate::{
    sh::{Sh, say},
    text::{count, row},
};
use anyhow::Result;
use core::time::Duration;
use std::fs;

const OPEN: u32 = 100_000;
const MOST_BYTES: f64 = 300.0;
const MOST_TIME: Duration = Duration::from_secs(2);

/// Bytes a session, and how long the server takes to be ready with all of them.
pub(super) struct Open {
    memory: f64,
    file: f64,
    disk: f64,
    after_end: Duration,
    after_kill: Duration,
}

pub(super) fn measure() -> Result<Open> {
    say(&format!("{} sessions", count(OPEN.into())));
    let store = |word: &str| Sh::new(release("store-alone")).arg(word);
    let memory = number(&store("memory").arg(OPEN.to_string()))?;
    let place = place()?;
    let (place, command) = (place.path(), in_file(place.path()));
    let nothing = Running::start(&command, &[])?.resident()?;
    remove(place, "sessions")?;
    store("fill").arg(place.join("sessions")).arg(OPEN.to_string()).read()?;
    let full = Running::start(&command, &[])?;
    let (after_end, resident) = (full.ready_after, full.resident()?);
    full.kill()?;
    let size = fs::metadata(place.join("sessions"))?.len();
    let after_kill = Running::start(&command, &[])?.ready_after;
    let each = |bytes: u64| u32::try_from(bytes).map(|bytes| f64::from(bytes) / f64::from(OPEN));
    Ok(Open { memory, file: each(resident.saturating_sub(nothing))?, disk: each(size)?, after_end, after_kill })
}

impl Open {
    pub(super) fn table(&self) -> Vec<String> {
        let bytes = |bytes: f64| format!("{bytes:.0} bytes a session");
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        vec![
            format!("| {} open sessions | |", count(OPEN.into())),
            "|---|--:|".to_owned(),
            row(&["memory, store in memory", &bytes(self.memory)]),
            row(&["memory, store in a file", &bytes(self.file)]),
            row(&["the file", &bytes(self.disk)]),
            row(&["from start to ready, after an end in order", &seconds(self.after_end)]),
            row(&["from start to ready, after SIGKILL", &seconds(self.after_kill)]),
        ]
    }

    pub(super) fn goals(&self) -> [Goal; 2] {
        let ready = self.after_end.max(self.after_kill);
        [
            Goal {
                what: "memory of an open session, in memory mode".to_owned(),
                wanted: format!("under {MOST_BYTES} bytes"),
                found: format!("{:.0}", self.memory),
                reached: self.memory < MOST_BYTES,
            },
            Goal {
                what: format!("ready with {} sessions", count(OPEN.into())),
                wanted: format!("within {} s", MOST_TIME.as_secs()),
                found: format!("{:.2} s", ready.as_secs_f64()),
                reached: ready <= MOST_TIME,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_start_counts() {
        let ms = Duration::from_millis;
        let open = Open { memory: 147.2, file: 165.0, disk: 186.0, after_end: ms(40), after_kill: ms(2500) };
        let lines: Vec<_> = open.goals().iter().map(Goal::line).collect();
        assert_eq!(lines[0], "| memory of an open session, in memory mode | under 300 bytes | 147 | reached |");
        assert_eq!(lines[1], "| ready with 100,000 sessions | within 2 s | 2.50 s | **not reached** |");
        assert_eq!(open.table()[5], "| from start to ready, after an end in order | 0.04 s |");
    }
}
