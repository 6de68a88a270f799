//! What each packet is: forbidden in the files, wanted there, or neither.

use crate::{media::Sent, spool::Spool};
use core::ops::AddAssign;

/// What a payment system may rely on for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the reply to a Pause or Stop to the next Start: no packet may be in a file.
    Silent,
    /// From the reply to a Start to just before the next Pause or Stop: the packets should be in a file.
    Wanted,
}

/// How long before a Pause a packet must have been sent to be wanted: 20 ms. One that the recorder has not read yet when the
/// Pause comes is rightly not in a file.
pub const EDGE: u64 = 20_000_000;

/// A time in which something may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What.
    pub kind: Kind,
    /// The reply came.
    pub from: u64,
    /// The next order was about to be given.
    pub to: u64,
}

/// The spans of one call, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    spans: Vec<Span>,
    open: Option<(Kind, u64)>,
}

impl Timeline {
    /// From now on this may be relied on.
    pub fn open(&mut self, kind: Kind, now: u64) {
        self.close(now);
        self.open = Some((kind, now));
    }

    /// From now on nothing may be relied on.
    pub fn close(&mut self, now: u64) {
        if let Some((kind, from)) = self.open.take() {
            self.spans.push(Span { kind, from, to: now });
        }
    }

    /// Whether silence may be relied on now.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(self.open, Some((Kind::Silent, _)))
    }

    /// What holds of a packet: it counts only if all of its sending is within a span.
    #[must_use]
    pub fn at(&self, sent: Sent) -> Option<Span> {
        let after = self.spans.partition_point(|span| span.from <= sent.before);
        let span = self.spans[..after].last()?;
        let edge = if span.kind == Kind::Wanted { EDGE } else { 0 };
        (sent.after + edge <= span.to).then_some(*span)
    }
}

/// A packet that is in a file and must not be, or that is not and should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its stream.
    pub stream: u32,
    /// Its number.
    pub number: u32,
    /// Nanoseconds since the reply.
    pub since_reply: u64,
    /// Nanoseconds until the next order.
    pub until_next: u64,
}

/// What a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pauses and Stops that were answered with success.
    pub pauses: usize,
    /// Packets that were sent in them.
    pub in_pauses: usize,
    /// Those of them that are in a file.
    pub forbidden: usize,
    /// Packets that were sent while Started, outside the edges.
    pub wanted: usize,
    /// Those of them that are in no file.
    pub missing: usize,
    /// Packets that were sent while nothing could be relied on.
    pub edges: usize,
    /// The first of the forbidden ones.
    pub leaks: Vec<Wrong>,
    /// The first of the missing ones.
    pub gaps: Vec<Wrong>,
}

/// How many packets are shown of each kind.
const SHOWN: usize = 10;

impl Counts {
    /// Judges the call that these streams belong to.
    pub fn judge(&mut self, timeline: &Timeline, streams: &[u32], sent: &[Vec<Sent>], spool: &Spool) {
        self.pauses += timeline.spans.iter().filter(|span| span.kind == Kind::Silent).count();
        for &stream in streams {
            for (number, &packet) in (0..).zip(sent.get(stream as usize).into_iter().flatten()) {
                self.note(timeline.at(packet), packet, (stream, number), spool.has(stream, number));
            }
        }
    }

    fn note(&mut self, span: Option<Span>, packet: Sent, (stream, number): (u32, u32), is_written: bool) {
        match span {
            None => self.edges += 1,
            Some(Span { kind, from, to }) => {
                let wrong = Wrong { stream, number, since_reply: packet.before - from, until_next: to - packet.after };
                let (all, bad, list) = match kind {
                    Kind::Wanted => (&mut self.wanted, &mut self.missing, &mut self.gaps),
                    Kind::Silent => (&mut self.in_pauses, &mut self.forbidden, &mut self.leaks),
                };
                *all += 1;
                if is_written == (kind == Kind::Silent) {
                    *bad += 1;
                    list.push(wrong);
                    list.truncate(SHOWN);
                }
            }
        }
    }

    /// The share of the wanted packets that is missing.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        if self.wanted == 0 { 1.0 } else { self.missing as f64 / self.wanted as f64 }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.pauses += other.pauses;
        self.in_pauses += other.in_pauses;
        self.forbidden += other.forbidden;
        self.wanted += other.wanted;
        self.missing += other.missing;
        self.edges += other.edges;
        self.leaks.extend(other.leaks);
        self.leaks.truncate(SHOWN);
        self.gaps.extend(other.gaps);
        self.gaps.truncate(SHOWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Timeline {
        let mut timeline = Timeline::default();
        timeline.open(Kind::Wanted, 100);
        timeline.close(200 + EDGE);
        timeline.open(Kind::Silent, 300 + EDGE);
        timeline.close(400 + EDGE);
        timeline
    }

    #[test]
    fn a_packet_counts_only_if_all_of_its_sending_is_in_a_span() {
        let timeline = timeline();
        let kind = |before, after| timeline.at(Sent { before, after }).map(|span| span.kind);
        for (before, after, expected) in [
            (99, 101, None),
            (100, 100, Some(Kind::Wanted)),
            (199, 200, Some(Kind::Wanted)),
            (199, 201, None),
            (200 + EDGE, 201 + EDGE, None),
            (299 + EDGE, 301 + EDGE, None),
            (300 + EDGE, 301 + EDGE, Some(Kind::Silent)),
            (399 + EDGE, 400 + EDGE, Some(Kind::Silent)),
            (399 + EDGE, 401 + EDGE, None),
            (401 + EDGE, 402 + EDGE, None),
        ] {
            assert_eq!(kind(before, after), expected, "{before} to {after}");
        }
        assert_eq!(Timeline::default().at(Sent { before: 1, after: 2 }), None);
    }

    #[test]
    fn a_written_packet_of_a_pause_is_forbidden() {
        let mut counts = Counts::default();
        let timeline = timeline();
        for (before, is_written) in
            [(150, true), (150, false), (250 + EDGE, true), (350 + EDGE, false), (350 + EDGE, true)]
        {
            let packet = Sent { before, after: before + 1 };
            counts.note(timeline.at(packet), packet, (0, 7), is_written);
        }
        let leak = Wrong { stream: 0, number: 7, since_reply: 50, until_next: 49 };
        let found = (counts.in_pauses, counts.forbidden, counts.wanted, counts.missing, counts.edges);
        assert_eq!((found, counts.leaks.as_slice()), ((2, 1, 2, 1, 1), [leak].as_slice()));
        assert!((counts.missing_share() - 0.5).abs() < f64::EPSILON);
        assert!((Counts::default().missing_share() - 1.0).abs() < f64::EPSILON, "nothing wanted is no success");
    }
}
