//! What the recordings of the self-test's call show.

use std::collections::BTreeSet;

/// How many packets each side sends in each phase.
pub(super) const PACKETS: u16 = 20;

/// When a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// After the first `start recording`.
    Before = 1,
    /// After the pause was confirmed.
    Paused,
    /// In the pause, after a `start recording` with a cookie that was used for another command.
    Sealed,
    /// After recording went on.
    After,
    /// After `stop recording`.
    Stopped,
}

impl Phase {
    pub(super) const ALL: [Self; 5] = [Self::Before, Self::Paused, Self::Sealed, Self::After, Self::Stopped];
}

/// One of the two ends of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Side {
    A = b'A',
    B = b'B',
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) phase: Phase,
    pub(super) side: Side,
    pub(super) number: u16,
}

/// Says what is wrong with a recorder in whose files these packets were found, in one line.
pub(super) fn judge(found: &BTreeSet<Mark>) -> Result<(), String> {
    let sent = usize::from(PACKETS) * 2;
    let of = |phase| found.iter().filter(|mark| mark.phase == phase).count();
    let never = [
        (Phase::Paused, "it writes what is said in a pause"),
        (Phase::Sealed, "it carries out a command with the cookie of another"),
        (Phase::Stopped, "it writes what is said after a stop"),
    ];
    for (phase, wrong) in never {
        let written = of(phase);
        if written > 0 {
            return Err(format!("{wrong}: {written} of {sent} packets are in its files"));
        }
    }
    match (of(Phase::Before), of(Phase::After)) {
        (0, 0) => {
            Err("it answers 'ok' and records nothing: its recording method must be pcap, its folder writable".into())
        }
        (0, _) => Err("after a pause it overwrites what was recorded before".into()),
        (_, 0) => Err("after a pause it does not go on recording".into()),
        (before, after) if before < sent || after < sent => {
            Err(format!("{} of {} packets are missing in its files", 2 * sent - before - after, 2 * sent))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phases: &[Phase], keep: impl Fn(&Mark) -> bool) -> BTreeSet<Mark> {
        let sides = |phase| [Side::A, Side::B].map(|side| (phase, side));
        let marks = phases
            .iter()
            .flat_map(|phase| sides(*phase))
            .flat_map(|(phase, side)| (0..PACKETS).map(move |number| Mark { phase, side, number }));
        marks.filter(keep).collect()
    }

    #[test]
    fn every_set_of_phases_has_its_verdict() {
        for chosen in 0_u8..32 {
            let phases: Vec<_> = Phase::ALL
                .into_iter()
                .enumerate()
                .filter(|(at, _)| chosen >> at & 1 == 1)
                .map(|(_, phase)| phase)
                .collect();
            let has = |phase| phases.contains(&phase);
            let expected = if has(Phase::Paused) {
                Err("it writes what is said in a pause: 40 of 40")
            } else if has(Phase::Sealed) {
                Err("it carries out a command with the cookie of another: 40 of 40")
            } else if has(Phase::Stopped) {
                Err("it writes what is said after a stop: 40 of 40")
            } else {
                match (has(Phase::Before), has(Phase::After)) {
                    (true, true) => Ok(()),
                    (true, false) => Err("after a pause it does not go on recording"),
                    (false, true) => Err("after a pause it overwrites"),
                    (false, false) => Err("it answers 'ok' and records nothing"),
                }
            };
            let verdict = judge(&found(&phases, |_| true));
            match expected {
                Ok(()) => assert_eq!(verdict, Ok(())),
                Err(start) => {
                    assert!(verdict.as_ref().is_err_and(|line| line.starts_with(start)), "{verdict:?} {start}");
                }
            }
        }
    }

    #[test]
    fn one_packet_decides() {
        let whole = [Phase::Before, Phase::After];
        for lost in found(&whole, |_| true) {
            let verdict = judge(&found(&whole, |mark| *mark != lost));
            assert_eq!(verdict, Err("1 of 80 packets are missing in its files".to_owned()));
        }
        for leaked in found(&[Phase::Paused, Phase::Sealed, Phase::Stopped], |_| true) {
            let mut marks = found(&whole, |_| true);
            marks.insert(leaked);
            assert!(judge(&marks).is_err_and(|line| line.ends_with(": 1 of 40 packets are in its files")));
        }
    }
}
