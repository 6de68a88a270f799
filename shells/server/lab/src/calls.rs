//! The call's side and the agents: calls one after the other, each paused and resumed until there were enough pauses.

use crate::{
    clock,
    drive::{AGENTS, Action, Answer, Driver},
    media::Media,
    ng::Ng,
    spool::Spool,
    verdict::{Counts, Kind, Timeline},
};
use anyhow::{Result, bail};
use core::{
    net::SocketAddr,
    ops::Range,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use fastrand::Rng;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Calls at the same time.
    pub calls: usize,
    /// Packets a second and side.
    pub rate: u32,
    /// How many pauses there must be in all.
    pub pauses: usize,
    /// How long it takes at least: the disturbances need their time.
    pub shortest: Duration,
    /// How long it may take.
    pub longest: Duration,
    /// Milliseconds that are recorded between a Start and a Pause.
    pub recorded: Range<u64>,
    /// Milliseconds of silence.
    pub silent: Range<u64>,
    /// Whether a call that its recorder has lost is sometimes offered again under the same name, with these keys, as a
    /// re-INVITE does it; else it is always over.
    pub again: Option<Value>,
    /// Makes the same choices in each run.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            calls: 16,
            rate: 100,
            pauses: 200,
            shortest: Duration::ZERO,
            longest: Duration::from_secs(60),
            recorded: 60..160,
            silent: 20..120,
            again: None,
            seed: 1,
        }
    }
}

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    pauses: AtomicUsize,
    starts: AtomicUsize,
    restarts: AtomicUsize,
    is_over: AtomicBool,
    replies: Mutex<Replies>,
}

#[derive(Debug, Default)]
struct Replies {
    not_done: BTreeMap<String, usize>,
    /// How long each Pause took that was answered with success at once.
    pause_times: Vec<u64>,
    calls: usize,
    offered_again: usize,
}

impl Progress {
    /// Whether it is time to end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How many Starts were sent.
    #[must_use]
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    /// The recorder was started again, and has lost all calls.
    pub fn recorder_restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits, or until it is time to end.
    pub fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_over() && Instant::now() < end {
            thread::sleep(Duration::from_millis(2).min(end.saturating_duration_since(Instant::now())));
        }
    }

    fn replies(&self, note: impl FnOnce(&mut Replies)) {
        note(&mut self.replies.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A run that is over.
#[derive(Debug)]
pub struct Run {
    media: Media,
    calls: Vec<Call>,
    progress: Progress,
    took: Duration,
}

/// What a run found.
#[derive(Debug)]
pub struct Found {
    /// Packets by class.
    pub counts: Counts,
    /// What the recorder wrote.
    pub spool: Spool,
    /// Calls that there were.
    pub calls: usize,
    /// Calls that were offered to a new instance of their recorder.
    pub offered_again: usize,
    /// Replies without success, by their text.
    pub not_done: BTreeMap<String, usize>,
    /// The median of the times that a Pause took, in milliseconds.
    pub pause_p50: f64,
    /// How long it took.
    pub took: Duration,
}

#[derive(Debug)]
struct Call {
    id: String,
    streams: [u32; 2],
    ports: [u16; 2],
    /// How often the recorder had been started again when it was offered.
    restarts: usize,
    timeline: Timeline,
}

/// An id that is a GUID, as correlation ids are.
#[must_use]
pub fn new_id() -> String {
    let bytes = format!("{:032x}", fastrand::u128(..));
    [&bytes[..8], &bytes[8..12], &bytes[12..16], &bytes[16..20], &bytes[20..]].join("-")
}

struct Side<'a> {
    plan: &'a Plan,
    driver: &'a dyn Driver,
    ng: SocketAddr,
    media: &'a Media,
    progress: &'a Progress,
}

/// Runs calls until there were enough pauses. `disturb` runs at the same time; it has to leave when it is time to end, with all
/// programs working.
///
/// # Errors
///
/// If the recorder takes no call, or a disturbance fails.
pub fn run(
    plan: &Plan,
    driver: &dyn Driver,
    ng: SocketAddr,
    disturb: impl FnOnce(&Progress) -> Result<()> + Send,
) -> Result<Run> {
    let (media, progress, began) = (Media::start(plan.rate), Progress::default(), Instant::now());
    let side = Side { plan, driver, ng, media: &media, progress: &progress };
    let calls = thread::scope(|scope| -> Result<Vec<Call>> {
        let workers: Vec<_> = (0..plan.calls)
            .map(|number| {
                let (side, mut random) = (&side, Rng::with_seed(plan.seed + number as u64));
                scope.spawn(move || side.work(&mut random))
            })
            .collect();
        let disturbing = scope.spawn(|| disturb(&progress));
        while !enough(plan, &progress, began) {
            if workers.iter().any(thread::ScopedJoinHandle::is_finished) || disturbing.is_finished() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        progress.is_over.store(true, Ordering::Relaxed);
        let panicked = |_| anyhow::anyhow!("a thread panicked");
        // The calls end while everything works again.
        disturbing.join().map_err(panicked)??;
        let mut calls = Vec::new();
        for worker in workers {
            calls.extend(worker.join().map_err(panicked)??);
        }
        Ok(calls)
    })?;
    Ok(Run { media, calls, progress, took: began.elapsed() })
}

fn enough(plan: &Plan, progress: &Progress, began: Instant) -> bool {
    let took = began.elapsed();
    took > plan.longest || (took > plan.shortest && progress.pauses.load(Ordering::Relaxed) >= plan.pauses)
}

impl Run {
    /// Reads the recorder's files, which it must have finished, and judges each packet.
    ///
    /// # Errors
    ///
    /// If a file cannot be understood.
    pub fn judge(self, recording_dir: &Path) -> Result<Found> {
        let spool = Spool::read(recording_dir, self.media.run())?;
        let sent = self.media.end()?;
        let mut counts = Counts::default();
        for call in &self.calls {
            counts.judge(&call.timeline, &call.streams, &sent, &spool);
        }
        let mut replies = self.progress.replies.into_inner().unwrap_or_else(PoisonError::into_inner);
        replies.pause_times.sort_unstable();
        let median = replies.pause_times.get(replies.pause_times.len() / 2).copied().unwrap_or_default();
        Ok(Found {
            counts,
            spool,
            calls: replies.calls,
            offered_again: replies.offered_again,
            not_done: replies.not_done,
            pause_p50: clock::milliseconds(median),
            took: self.took,
        })
    }
}

impl Side<'_> {
    fn work(&self, random: &mut Rng) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        while !self.progress.is_over() {
            let Some(mut call) = self.begin()? else { break };
            self.cycles(&mut call, random);
            self.finish(&mut call)?;
            calls.push(call);
        }
        Ok(calls)
    }

    /// A call that is there, for its recorder and for who drives it; `None` if it is time to end before.
    fn begin(&self) -> Result<Option<Call>> {
        let ((caller, caller_port), (agent, agent_port)) = (self.media.add()?, self.media.add()?);
        let id = new_id();
        let mut call = Call {
            id,
            streams: [caller, agent],
            ports: [caller_port, agent_port],
            restarts: 0,
            timeline: Timeline::default(),
        };
        let began = Instant::now();
        while !self.progress.is_over() {
            let offered = self.offer(&mut call, &json!({}));
            match offered.and_then(|()| self.driver.begin(&call.id)) {
                Ok(()) => {
                    self.progress.replies(|replies| replies.calls += 1);
                    return Ok(Some(call));
                }
                Err(error) if began.elapsed() > Duration::from_secs(30) => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
        Ok(None)
    }

    fn offer(&self, call: &mut Call, more: &Value) -> Result<()> {
        call.restarts = self.progress.restarts.load(Ordering::Relaxed);
        let ports = Ng::new(self.ng)?.call(&call.id, call.ports[0], call.ports[1], more)?;
        self.media.point(call.streams[0], ports.caller);
        self.media.point(call.streams[1], ports.agent);
        Ok(())
    }

    /// What is done about a call that its recorder does not know: it is offered again, or it is over.
    fn again(&self, call: &mut Call, random: &mut Rng) -> bool {
        let Some(more) = &self.plan.again else { return false };
        if self.progress.is_over() || random.bool() || self.offer(call, more).is_err() {
            return false;
        }
        self.progress.replies(|replies| replies.offered_again += 1);
        true
    }

    /// People speak for a while. If the recorder has lost the call meanwhile, that may be found without an order.
    fn wait(&self, call: &mut Call, range: &Range<u64>, random: &mut Rng) {
        let time = Duration::from_millis(random.u64(range.clone()));
        thread::sleep(time);
        if call.restarts != self.progress.restarts.load(Ordering::Relaxed) && self.again(call, random) {
            thread::sleep(time);
        }
    }

    fn cycles(&self, call: &mut Call, random: &mut Rng) {
        // Calls end, paused ones too, and others begin.
        for _ in 0..random.u8(6..20) {
            if self.progress.is_over() {
                return;
            }
            call.timeline.close(clock::now());
            self.progress.starts.fetch_add(1, Ordering::Relaxed);
            match self.set(call, 0, Action::Start) {
                Answer::Done => call.timeline.open(Kind::Wanted, clock::now()),
                Answer::NotDone(_) => {}
                Answer::NoSuchCall if self.again(call, random) => continue,
                Answer::NoSuchCall => return,
            }
            self.wait(call, &self.plan.recorded, random);
            let action = if random.u8(0..8) == 0 { Action::Stop } else { Action::Pause };
            match self.silence(call, action, random) {
                Silenced::Yes => {
                    self.progress.pauses.fetch_add(1, Ordering::Relaxed);
                    self.wait(call, &self.plan.silent, random);
                    if action == Action::Pause && random.u8(0..4) == 0 {
                        // Another agent asks for what is so already. Whatever it is answered, silence was promised.
                        self.set(call, 1, Action::Pause);
                        self.wait(call, &self.plan.silent, random);
                    }
                }
                Silenced::No => {}
                Silenced::Lost => return,
            }
        }
    }

    /// Asks for silence until it is there.
    fn silence(&self, call: &mut Call, action: Action, random: &mut Rng) -> Silenced {
        call.timeline.close(clock::now());
        for _ in 0..500 {
            let began = clock::now();
            match self.set(call, 0, action) {
                Answer::Done => {
                    let now = clock::now();
                    call.timeline.open(Kind::Silent, now);
                    self.progress.replies(|replies| replies.pause_times.push(now - began));
                    return Silenced::Yes;
                }
                // Silent already, but not paused, or nothing to be paused.
                Answer::NotDone(text) if text.contains("not allowed") => return Silenced::No,
                Answer::NotDone(_) if self.progress.is_over() => return Silenced::No,
                Answer::NotDone(_) => thread::sleep(Duration::from_millis(20)),
                Answer::NoSuchCall if self.again(call, random) => {}
                Answer::NoSuchCall => return Silenced::Lost,
            }
        }
        Silenced::No
    }

    fn set(&self, call: &Call, agent: usize, action: Action) -> Answer {
        let answer = self.driver.set(&call.id, AGENTS[agent], action);
        let text = match &answer {
            Answer::Done => return answer,
            Answer::NotDone(text) => text.clone(),
            Answer::NoSuchCall => "no such call".to_owned(),
        };
        self.progress.replies(|replies| *replies.not_done.entry(text).or_default() += 1);
        answer
    }

    /// Ends a call: first for who drives it, then for its recorder. People go on to speak until then.
    fn finish(&self, call: &mut Call) -> Result<()> {
        let began = Instant::now();
        while let Err(error) = self.driver.end(&call.id) {
            if began.elapsed() > Duration::from_secs(30) {
                bail!(error);
            }
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(30));
        call.timeline.close(clock::now());
        for stream in call.streams {
            self.media.silence(stream);
        }
        // A daemon that was started again may not know it.
        let _ = Ng::new(self.ng)?.delete(&call.id);
        Ok(())
    }
}

enum Silenced {
    Yes,
    No,
    Lost,
}
