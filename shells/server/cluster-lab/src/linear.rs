//! Whether there is an order of a session's requests that explains every reply.
//!
//! A request takes effect at one moment between its sending and its reply. The search goes through the sendings and replies in
//! the order of time, and keeps every situation that can be: how the session is, and which of the open requests have taken
//! effect. At a reply, requests take effect in every order that there is, until the one that is answered has. If no situation is
//! left, no order explains that reply. This is exact, not a sample (the algorithm is that of Wing and Gong, in Lowe's form).
//!
//! With the chain of the session's changes an order must also make exactly these changes, each by a request of the client that
//! the history names.

use crate::chain::{Cause, Change};
use crate::model::{Held, Op, Outcome, Request, after, fits, is_mere_look};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, HashSet};

/// The most situations that are looked at for one session.
const MOST: usize = 3_000_000;

/// One situation.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Situation {
    held: Held,
    /// How many changes of the chain are made.
    made: usize,
    /// Which of the open requests have taken effect: a bit for each place.
    done: u64,
    /// Requests without a reply that may still take effect, with how many of each kind. Which of two equal ones does makes no
    /// difference.
    lost: BTreeMap<Request, usize>,
}

/// What happens to a request, in the order in which it counts at one moment: a later sending comes after a reply, so that
/// requests that only touch are taken as overlapping.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Sent,
    Answered,
    /// It can take effect no more.
    Over,
    /// It has no reply, and may take effect at any later time.
    Lost,
}

struct Search<'a> {
    ops: &'a [Op],
    chain: Option<&'a [Change]>,
    /// Which request is at which place.
    open: [Option<usize>; 64],
    looked_at: usize,
}

/// Finds an order of the requests of one session. Gives how many situations were looked at.
///
/// # Errors
///
/// If there is none: the reply that no order explains, or the change that no request explains.
pub(crate) fn check(session: usize, ops: &[Op], chain: Option<&[Change]>) -> Result<usize> {
    let mut events: Vec<(u64, Kind, usize)> = Vec::new();
    for (index, op) in ops.iter().enumerate() {
        let end = match (op.outcome, op.until) {
            (Outcome::NotDone, _) => continue,
            (Outcome::Answered(_), _) => (op.to, Kind::Answered),
            (Outcome::Unknown, Some(until)) => (until.max(op.from), Kind::Over),
            (Outcome::Unknown, None) => (op.to, Kind::Lost),
        };
        events.push((op.from, Kind::Sent, index));
        events.push((end.0, end.1, index));
    }
    events.sort_unstable();
    let mut search = Search { ops, chain, open: [None; 64], looked_at: 0 };
    let start = Situation { held: Held::Absent(None), made: 0, done: 0, lost: BTreeMap::new() };
    let mut now = HashSet::from([start]);
    for (_, kind, index) in events {
        let Some(place) = search.open.iter().position(|&one| one == (kind != Kind::Sent).then_some(index)) else {
            bail!("session {session}: more than 64 requests at once");
        };
        let bit = 1 << place;
        match kind {
            Kind::Sent => search.open[place] = Some(index),
            Kind::Answered => {
                let before = now.clone();
                now = search.until(now, |situation| situation.done & bit != 0)?;
                if now.is_empty() {
                    let mut held: Vec<_> = before.iter().map(|one| format!("{:?}", (one.held, one.made))).collect();
                    held.sort();
                    held.truncate(5);
                    bail!(
                        "session {session}: no order explains {:?}; before it there can be {}",
                        ops[index],
                        held.join(", ")
                    );
                }
                search.open[place] = None;
                now = now.into_iter().map(|one| Situation { done: one.done & !bit, ..one }).collect();
            }
            Kind::Over | Kind::Lost => {
                // Situations in which it took effect earlier are among those that are reached from here.
                now = search.with_effect(&now, index, place)?;
                search.open[place] = None;
                let forget = |mut one: Situation| {
                    if kind == Kind::Lost && one.done & bit == 0 && ops[index].request != Request::Read {
                        *one.lost.entry(ops[index].request).or_default() += 1;
                    }
                    Situation { done: one.done & !bit, ..one }
                };
                now = now.into_iter().map(forget).collect();
            }
        }
    }
    if let Some(chain) = chain {
        let most = now.iter().map(|one| one.made).max().unwrap_or_default();
        if search.until(now, |situation| situation.made == chain.len())?.is_empty() {
            bail!("session {session}: no request explains one of the changes from {:?} on", chain.get(most));
        }
    }
    Ok(search.looked_at)
}

impl Search<'_> {
    /// The situations in which this holds, reached from these by requests that take effect; no further than needed.
    fn until(&mut self, from: HashSet<Situation>, holds: impl Fn(&Situation) -> bool) -> Result<HashSet<Situation>> {
        let (mut found, mut seen) = (HashSet::new(), from.clone());
        let mut queue: Vec<_> = from.into_iter().collect();
        while let Some(situation) = queue.pop() {
            self.looked_at += 1;
            if self.looked_at > MOST {
                bail!("undecided: more than {MOST} situations for one session");
            }
            if holds(&situation) {
                found.insert(situation);
                continue;
            }
            for next in self.nexts(&situation) {
                if seen.insert(next.clone()) {
                    queue.push(next);
                }
            }
        }
        Ok(found)
    }

    /// These situations, and those in which the request, whose outcome is unknown, has taken effect now.
    fn with_effect(&mut self, now: &HashSet<Situation>, index: usize, place: usize) -> Result<HashSet<Situation>> {
        let mut all = now.clone();
        if self.ops[index].until.is_some() && self.ops[index].request != Request::Read {
            all.extend(self.until(now.clone(), |situation| situation.done & (1 << place) != 0)?);
        }
        Ok(all)
    }

    /// Every situation after one more request.
    fn nexts(&self, situation: &Situation) -> Vec<Situation> {
        let mut all = Vec::new();
        for (place, op) in self.open.iter().enumerate() {
            let Some(op) = op.map(|index| &self.ops[index]) else { continue };
            let bit = 1 << place;
            if situation.done & bit != 0 {
                continue;
            }
            let next = match op.outcome {
                Outcome::Answered(reply) if fits(op.request, situation.held, reply) => {
                    let next = self.effect(situation, op.request, Some(op.client), true);
                    let next = next.map(|next| Situation { done: next.done | bit, ..next });
                    if is_mere_look(op.request, reply) {
                        // It changes nothing, so that it can be no mistake to have it take effect as soon as it can.
                        return next.into_iter().collect();
                    }
                    next
                }
                Outcome::Answered(_) | Outcome::NotDone => None,
                Outcome::Unknown => {
                    let next = self.effect(situation, op.request, Some(op.client), false);
                    next.map(|next| Situation { done: next.done | bit, ..next })
                }
            };
            all.extend(next);
        }
        for (&request, &count) in &situation.lost {
            if let Some(mut next) = self.effect(situation, request, None, false) {
                if count == 1 {
                    next.lost.remove(&request);
                } else {
                    next.lost.insert(request, count - 1);
                }
                all.push(next);
            }
        }
        all
    }

    /// The request takes effect. `None` if the chain has another change next, or if nothing changes and that does not count.
    fn effect(
        &self,
        situation: &Situation,
        request: Request,
        by: Option<usize>,
        may_be_none: bool,
    ) -> Option<Situation> {
        let held = after(request, situation.held);
        if held.state() == situation.held.state() {
            return may_be_none.then(|| situation.clone());
        }
        if let Some(chain) = self.chain {
            let change = chain.get(situation.made)?;
            let cause = match request {
                Request::Begin(_) => Cause::Begin,
                Request::End => Cause::End,
                Request::Set(action) => Cause::Set(action),
                Request::Read => return None,
            };
            let is_other = change.by.is_some() && by.is_some() && change.by != by;
            if cause != change.cause || held.state() != change.after || is_other {
                return None;
            }
        }
        Some(Situation { held, made: situation.made + 1, ..situation.clone() })
    }
}
