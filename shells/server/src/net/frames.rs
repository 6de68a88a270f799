//! The frames of HTTP/2 that come without a request: pings, settings, priorities, resets, windows, ends of heads that hold
//! nothing. Each costs some work and most an answer, and no rate of requests counts them.
//!
//! A connection has an allowance for them, which time, its own requests and what it is sent fill up again: a client that asks a
//! lot may also say a lot about it. One that has used it up is ended with `ENHANCE_YOUR_CALM`.

use tokio::time::Instant;

/// How many seconds' worth of frames may come at once.
const AHEAD: u32 = 10;

/// What a request brings: it may be reset, have its priority changed, and its answer's window opened twice.
const FOR_A_REQUEST: u32 = 4;

/// What each frame of data that is sent brings: the windows of its stream and of the connection may be opened.
const FOR_DATA: u32 = 2;

/// Data of fewer bytes than this counts as a frame that holds nothing, unless it ends its request.
const LITTLE: usize = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;

/// Where in a row of frames a side of the connection is.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; 9],
    /// How much of the head in hand has come.
    have: usize,
    /// How many bytes of the payload are still to come, or of what stands before the first frame.
    skip: usize,
}

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Frames {
    /// What a client sends: its preface first.
    const fn of_client() -> Self {
        Self { head: [0; 9], have: 0, skip: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len() }
    }

    const fn of_server() -> Self {
        Self { head: [0; 9], have: 0, skip: 0 }
    }

    /// The next frame whose head is complete in these bytes, which are then those after it.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            *bytes = bytes.get(skipped..).unwrap_or_default();
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            if let Some(place) = self.head.get_mut(self.have) {
                *place = byte;
            }
            self.have += 1;
            if self.have == self.head.len() {
                self.have = 0;
                let [a, b, c, kind, flags, stream @ ..] = self.head;
                let length = u32::from_be_bytes([0, a, b, c]) as usize;
                self.skip = length;
                return Some(Frame { length, kind, flags, stream: u32::from_be_bytes(stream) & (u32::MAX >> 1) });
            }
        }
    }

    const fn is_between_frames(&self) -> bool {
        self.have == 0 && self.skip == 0
    }
}

/// What a connection may still send besides requests.
#[derive(Debug)]
pub(super) struct FrameAllowance {
    received: Frames,
    sent: Frames,
    each_second: u32,
    left: u32,
    /// When it was filled up last.
    filled: Instant,
    last_stream: u32,
}

impl FrameAllowance {
    pub(super) fn new(each_second: u32) -> Self {
        let (received, sent) = (Frames::of_client(), Frames::of_server());
        Self { received, sent, each_second, left: AHEAD * each_second, filled: Instant::now(), last_stream: 0 }
    }

    fn gains(&mut self, number: u32) {
        self.left = self.left.saturating_add(number).min(AHEAD * self.each_second);
    }

    /// Whether the client may send this.
    pub(super) fn receive(&mut self, mut bytes: &[u8]) -> bool {
        let mut may = true;
        while let Some(frame) = self.received.next(&mut bytes) {
            match frame.kind {
                HEADERS => {
                    self.last_stream = self.last_stream.max(frame.stream);
                    self.gains(FOR_A_REQUEST);
                }
                DATA if frame.length >= LITTLE || frame.flags & END_STREAM != 0 => {}
                _ if self.left == 0 && !self.is_filled_at(Instant::now()) => may = false,
                _ => self.left -= 1,
            }
        }
        may
    }

    /// Fills it up with what time has brought. The clock is asked only when nothing is left.
    fn is_filled_at(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_millis().min(1000 * u128::from(AHEAD));
        let gained = elapsed as u32 * self.each_second / 1000;
        if gained > 0 {
            self.filled = now;
            self.gains(gained);
        }
        self.left > 0
    }

    /// The client was sent this.
    pub(super) fn send(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.sent.next(&mut bytes) {
            if frame.kind == DATA {
                self.gains(FOR_DATA);
            }
        }
    }

    /// The last word to a client that sends too much: `GOAWAY` with `ENHANCE_YOUR_CALM`. Nothing, amid another frame.
    pub(super) fn farewell(&self) -> Option<Vec<u8>> {
        const GO_AWAY: [u8; 9] = [0, 0, 8, 7, 0, 0, 0, 0, 0];
        const ENHANCE_YOUR_CALM: u32 = 11;
        let payload = [self.last_stream.to_be_bytes(), ENHANCE_YOUR_CALM.to_be_bytes()];
        self.sent.is_between_frames().then(|| [&GO_AWAY[..], &payload.concat()].concat())
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let mut bytes = (length as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.resize(bytes.len() + length, kind);
        bytes
    }

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let sent = [
            frame(4, 0, 0, 12),
            frame(HEADERS, 5, 1, 300),
            frame(PING, 0, 0, 8),
            frame(9, 0, 1, 0),
            frame(DATA, 1, 3, 70_000),
        ];
        let expected = [(12, 4), (300, HEADERS), (8, PING), (0, 9), (70_000, DATA)];
        let bytes = [PREFACE, &sent.concat()].concat();
        for size in [1, 2, 8, 9, 10, 24, 25, 1000, bytes.len()] {
            let mut frames = Frames::of_client();
            let mut found = Vec::new();
            for mut piece in bytes.chunks(size) {
                while let Some(frame) = frames.next(&mut piece) {
                    found.push((frame.length, frame.kind));
                }
            }
            assert_eq!(found, expected, "{size}");
            assert!(frames.is_between_frames());
        }
    }

    #[test]
    fn frames_without_a_request_have_an_end() {
        for kind in [2, 3, 4, PING, 7, 8, 9, 16, 200] {
            let mut allowance = FrameAllowance::new(5);
            assert!(allowance.receive(PREFACE));
            allowance.filled = Instant::now() + Duration::from_secs(3600);
            for number in 0..50 {
                assert!(allowance.receive(&frame(kind, 0, 0, 8)), "{kind} {number}");
            }
            assert!(!allowance.receive(&frame(kind, 0, 0, 8)), "{kind}");
        }
        // Data in little pieces, too; what ends a request does not count, nor does data to speak of.
        let mut allowance = FrameAllowance::new(5);
        assert!(allowance.receive(PREFACE));
        allowance.filled = Instant::now() + Duration::from_secs(3600);
        for _ in 0..200 {
            assert!(allowance.receive(&frame(DATA, 1, 1, 5)) && allowance.receive(&frame(DATA, 0, 1, 64)));
        }
        let little = (0..200).take_while(|_| allowance.receive(&frame(DATA, 0, 1, 63))).count();
        assert_eq!(little, 50);
    }

    #[test]
    fn requests_and_what_is_sent_and_time_bring_more() {
        let mut allowance = FrameAllowance::new(5);
        assert!(allowance.receive(PREFACE));
        let later = Instant::now() + Duration::from_secs(3600);
        allowance.filled = later;
        for stream in 0..500 {
            let of_a_request =
                [frame(HEADERS, 5, 2 * stream + 1, 30), frame(8, 0, 0, 4), frame(8, 0, 1, 4), frame(3, 0, 1, 4)];
            assert!(allowance.receive(&of_a_request.concat()), "{stream}");
        }
        assert_eq!(allowance.last_stream, 999);
        while allowance.receive(&frame(PING, 0, 0, 8)) {}
        for _ in 0..500 {
            allowance.send(&frame(DATA, 0, 1, 400));
            // The answers to pings and settings bring nothing.
            allowance.send(&frame(PING, 1, 0, 8));
            assert!(allowance.receive(&[frame(8, 0, 0, 4), frame(8, 0, 1, 4)].concat()));
        }
        assert!(!allowance.receive(&frame(PING, 0, 0, 8)));
        assert!(!allowance.is_filled_at(later + Duration::from_millis(199)));
        assert!(allowance.is_filled_at(later + Duration::from_secs(2)));
        assert_eq!(allowance.left, 10);
        assert!(allowance.is_filled_at(later + Duration::from_secs(1000)));
        assert_eq!(allowance.left, 50);
    }
}
