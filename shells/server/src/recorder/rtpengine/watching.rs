//! Watching the recorder: whether it answers, and which instance of it does.

use core::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::bencode::Value;
use super::link::Link;
use super::options::{ASK_AGAIN_AFTER, AWAY_AFTER, LOOK_FOR_IT_EVERY, POLL_EVERY};
use super::uptime::{Instance, Uptime};
use crate::recorder::port::Condition;

/// Asks the recorder since when it runs, for ever, and publishes what that shows.
pub(super) async fn watch(link: &Link, name: &str, condition: &watch::Sender<Condition>) {
    let (mut uptime, mut log) = (Uptime::default(), Log { name, is_away: false });
    let mut last_answer = Instant::now();
    loop {
        let mut is_doubtful = false;
        let asked = Instant::now();
        match ask(link).await {
            Some((came, is)) => {
                last_answer = came;
                let seen = uptime.answered(asked, came, is);
                is_doubtful = seen == Instance::Doubtful;
                publish(condition, seen);
                log.answered(seen);
            }
            None if last_answer.elapsed() >= AWAY_AFTER => {
                away(condition);
                log.away();
            }
            None => {}
        }
        let every = match condition.borrow().answers {
            true if is_doubtful => asked.elapsed() + ASK_AGAIN_AFTER,
            true => POLL_EVERY,
            false => LOOK_FOR_IT_EVERY,
        };
        tokio::select! {
            () = sleep_until(asked + every) => {}
            // Also while it is away, since each question to a host without a recorder is refused.
            () = link.refused.notified() => {
                away(condition);
                log.away();
                sleep_until(asked + LOOK_FOR_IT_EVERY).await;
            }
        }
    }
}

/// When the answer came, and for how long the recorder has been running.
async fn ask(link: &Link) -> Option<(Instant, Duration)> {
    let question = Value::dictionary([("command", Value::text("statistics"))]);
    let answer = async {
        let heard = link.ask(&question, POLL_EVERY).await?;
        let seconds = uptime_of(&heard.body)?;
        Some((heard.at, Duration::from_secs(seconds)))
    };
    tokio::select! {
        answer = answer => answer,
        // A recorder that is started after this question is found by the next one.
        () = refused(link) => None,
    }
}

/// Ends when the recorder's host refuses, and leaves that to be seen again.
async fn refused(link: &Link) {
    link.refused.notified().await;
    link.refused.notify_one();
}

/// The seconds in a reply to `statistics`.
pub(super) fn uptime_of(body: &[u8]) -> Option<u64> {
    let reply = Value::decode(body)?;
    let statistics = reply.get("statistics").unwrap_or(&reply);
    let uptime = statistics.get("totalstatistics")?.get("uptime")?;
    u64::try_from(uptime.as_number()?).ok().filter(|seconds| *seconds < u64::from(u32::MAX))
}

fn publish(condition: &watch::Sender<Condition>, seen: Instance) {
    condition.send_if_modified(|condition| {
        let is_new = matches!(seen, Instance::First | Instance::New);
        if is_new {
            condition.instance += 1;
            condition.usable = None;
            condition.restarts += u64::from(seen == Instance::New);
        }
        let answered = core::mem::replace(&mut condition.answers, true);
        is_new || !answered
    });
}

fn away(condition: &watch::Sender<Condition>) {
    condition.send_if_modified(|condition| core::mem::replace(&mut condition.answers, false));
}

/// Logs each change once.
struct Log<'a> {
    name: &'a str,
    is_away: bool,
}

impl Log<'_> {
    fn answered(&mut self, seen: Instance) {
        let was_away = core::mem::replace(&mut self.is_away, false);
        let recorder = self.name;
        match seen {
            Instance::First => info!(target: "recording", recorder, "the recorder answers"),
            Instance::New => warn!(target: "recording", recorder, "the recorder was started again"),
            Instance::Same if was_away => info!(target: "recording", recorder, "the recorder answers again"),
            Instance::Same | Instance::Doubtful => {}
        }
    }

    fn away(&mut self) {
        if !core::mem::replace(&mut self.is_away, true) {
            warn!(target: "recording", recorder = self.name, "the recorder does not answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uptime_is_found_where_each_version_writes_it() {
        for (body, expected) in [
            (&b"d6:result2:ok15:totalstatisticsd6:uptime2:17ee"[..], Some(17)),
            (b"d15:totalstatisticsd6:uptimei17eee", Some(17)),
            (b"d10:statisticsd15:totalstatisticsd6:uptime1:0eee", Some(0)),
            (b"d15:totalstatisticsd6:uptime2:-1ee", None),
            (b"d15:totalstatisticsd6:uptime10:4294967295ee", None),
            (b"d15:totalstatisticsd6:uptime3:1.5ee", None),
            (b"d15:totalstatisticsdee", None),
            (b"d6:uptime2:17e", None),
            (b"d6:result5:errore", None),
            (b"x", None),
        ] {
            assert_eq!(uptime_of(body), expected, "{}", body.escape_ascii());
        }
    }
}
