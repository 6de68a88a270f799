use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many bytes a write takes, or how it fails.
type Step = Result<usize, io::ErrorKind>;

/// A target that takes what it is allowed to: so many bytes, or an error.
struct Scripted {
    allowed: Receiver<Step>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody is left who could allow anything: all of it.
        let count = self.allowed.recv().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
        self.written.lock().unwrap().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn scripted() -> (Output, Sender<Step>, Arc<Mutex<Vec<u8>>>) {
    let (allow, allowed) = channel();
    let written = Arc::default();
    let output = Output::to("test", Scripted { allowed, written: Arc::clone(&written) });
    (output, allow, written)
}

fn text(written: &Mutex<Vec<u8>>) -> String {
    String::from_utf8(written.lock().unwrap().clone()).unwrap()
}

/// The number that a notice of dropped lines says, if this line is one.
fn notice(line: &str) -> Option<u64> {
    line.split_once(" WARN recording: lines of the log were dropped number=")?.1.parse().ok()
}

/// What is written is a beginning of what came, and a notice says how many lines are missing after it.
#[test]
fn a_target_that_stands_still_holds_up_nobody_and_costs_a_bounded_room() {
    let (output, allow, written) = scripted();
    let all: Vec<String> = (0..60_000).map(|number| format!("line {number:06} {}\n", "x".repeat(60))).collect();
    // Nothing is allowed yet, so this would never end if it waited.
    for line in &all {
        output.line(line.as_bytes());
    }
    let waiting = output.waiting().bytes.len();
    assert!(waiting <= MOST_WAITING && waiting > MOST_WAITING / 2, "{waiting}");
    drop(allow);
    output.flush(PATIENCE);
    let text = text(&written);
    let kept = text.lines().take_while(|line| notice(line).is_none()).count();
    assert!(kept * all[0].len() <= 2 * MOST_WAITING, "{kept}");
    assert!(text.lines().zip(&all).take(kept).all(|(line, sent)| line == sent.trim_end()));
    let told: Vec<_> = text.lines().skip(kept).map(notice).collect();
    assert_eq!(told, [Some((all.len() - kept) as u64)]);
    assert!(dropped() >= (all.len() - kept) as u64);
    // It is as good as new.
    output.line(b"after\n");
    output.flush(PATIENCE);
    assert!(self::text(&written).ends_with("\nafter\n"));
}

/// For every place where a write may break off, and every error: the rest is counted, and what comes next is whole lines.
#[test]
fn what_cannot_be_written_is_counted_and_reported() {
    use io::ErrorKind::{BrokenPipe, Interrupted, Other, StorageFull, WouldBlock};
    for error in [BrokenPipe, StorageFull, Other] {
        for cut in 0..10 {
            let (output, allow, written) = scripted();
            // Transient errors are none.
            let written_first = (cut > 0).then_some(Ok(cut));
            let steps: [Step; 2] = [Err(Interrupted), Err(WouldBlock)];
            let steps = steps.into_iter().chain(written_first).chain([Err(error)]);
            for step in steps {
                allow.send(step).unwrap();
            }
            output.line(b"first\nnext\n");
            output.flush(PATIENCE);
            // Still broken.
            allow.send(Err(error)).unwrap();
            output.line(b"lost\n");
            output.flush(PATIENCE);
            drop(allow);
            output.line(b"last\n");
            output.flush(PATIENCE);
            let text = text(&written);
            let lines: Vec<_> = text.lines().collect();
            let whole = usize::from(cut >= 6);
            let torn = &"first\nnext\n"[whole * 6..cut];
            assert_eq!(&text[..cut], &"first\nnext\n"[..cut]);
            let told = lines.iter().position(|line| notice(line).is_some()).unwrap();
            assert_eq!(told, whole + usize::from(!torn.is_empty()), "{text:?}");
            assert_eq!(notice(lines[told]), Some(3 - whole as u64), "{text:?}");
            assert_eq!(lines[told + 1..], ["last"], "{text:?}");
        }
    }
}

#[test]
fn waiting_for_the_rest_has_an_end() {
    let (output, allow, _) = scripted();
    output.line(b"never\n");
    output.flush(Duration::from_millis(10));
    assert!(!output.waiting().is_idle());
    drop(allow);
    output.flush(PATIENCE);
    assert!(output.waiting().is_idle());
}
