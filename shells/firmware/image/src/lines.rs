//! The two serial lines: the PBX's, both ways, and the recorders', outwards.

use recording_gateway::pbx::{self, Answer, Line, Surroundings};

use crate::Gateway;
use crate::board::{Pbx, Recorder};
use crate::driver::Output;
use crate::{life, serial};

/// How many bytes go each way in one turn: as many as the devices' FIFOs hold, and not too many.
const BYTES: usize = 64;

pub(crate) struct Lines {
    pbx: Pbx,
    recorder: Recorder,
    line: Line,
    answer: Answer,
    /// How much of the answer is written.
    written: usize,
}

impl Lines {
    pub(crate) fn new(pbx: Pbx, recorder: Recorder, gateway: &mut Gateway) -> Self {
        gateway.recorder.start();
        let mut answer = Answer::new();
        answer.text(pbx::BOOT);
        Self { pbx, recorder, line: Line::new(), answer, written: 0 }
    }

    /// Moves bytes; whether there is more to do at once.
    pub(crate) fn turn(&mut self, gateway: &mut Gateway, seconds: u32) -> bool {
        let moved = self.drive(gateway);
        self.speak(gateway, seconds) | moved
    }

    fn drive(&mut self, gateway: &mut Gateway) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::recorder_is_deaf() {
            return false;
        }
        let before = gateway.recorder.end();
        let waited = !gateway.recorder.is_gone(before);
        for _ in 0..BYTES {
            let Some(byte) = gateway.recorder.peek() else { break };
            if !self.recorder.write(byte) {
                break;
            }
            gateway.recorder.take();
        }
        if self.recorder.is_idle() {
            gateway.recorder.all_gone();
        }
        waited
    }

    fn speak(&mut self, gateway: &mut Gateway, seconds: u32) -> bool {
        for _ in 0..BYTES {
            let Some(&byte) = self.answer.get().get(self.written) else { break };
            if !self.pbx.write(byte) {
                return true;
            }
            self.written += 1;
        }
        if self.written < self.answer.get().len() {
            return true;
        }
        for _ in 0..BYTES {
            if self.line.is_whole() {
                break;
            }
            let Some(byte) = serial::PBX.take() else { return false };
            self.line.push(byte);
        }
        if self.line.is_whole() {
            #[cfg(feature = "planted")]
            crate::planted::obey(self.line.text());
            let figures = [("uptime", seconds), ("stack", life::stack_peak())];
            if self.line.answer(gateway, Surroundings { figures: &figures }, &mut self.answer) {
                self.written = 0;
            }
        }
        true
    }
}
