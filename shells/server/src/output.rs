//! What a serving program writes to its standard error and output: best effort, and nothing more.
//!
//! A log can fail in every way: its disk is full, its reader is gone, its reader stands still. None of that may reach the
//! code that logs. So a line is put into a queue with a bound in bytes, and a thread of its own writes it. What does not
//! fit, and what cannot be written, is dropped and counted; the next line that can be written says how many were. It is ours
//! because the queue of `tracing-appender` is bounded in lines, whatever their size, and no line says what was dropped.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer as TimeWriter;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How many bytes may wait for the thread that writes; as many again may be on their way.
const MOST_WAITING: usize = 1024 * 1024;

/// How much of a panic's message is kept.
const MOST_OF_A_PANIC: usize = 1024;

/// How long to wait in between if the other end says that it takes nothing right now.
const NOT_NOW: Duration = Duration::from_millis(20);

/// Lines of the log that were dropped since the program started.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The log of the process, once something was written to it.
static LOG: OnceLock<Output> = OnceLock::new();

fn log() -> &'static Output {
    LOG.get_or_init(|| Output::to("log", standard_error()))
}

/// How many lines of the log were dropped.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// An output with a queue before it; a clone is the same one. Writing to it never fails, panics or waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits to be written.
    came: Condvar,
    /// What waited is written, or dropped.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that came after these bytes and found no room.
    dropped: u64,
    is_writing: bool,
}

impl Waiting {
    const fn is_idle(&self) -> bool {
        self.bytes.is_empty() && self.dropped == 0 && !self.is_writing
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

impl Output {
    /// Starts the thread that writes to `target`. Without a thread everything is dropped.
    pub(crate) fn to(name: &str, target: impl Write + Send + 'static) -> Self {
        let output = Self::default();
        let shared = Arc::clone(&output.0);
        let _ = thread::Builder::new().name(name.into()).spawn(move || write_out(&shared, target));
        output
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes lines, if there is room for them.
    pub(crate) fn line(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        // What comes after a gap must not be written before the gap is reported.
        if waiting.dropped > 0 || waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.dropped += lines(line);
            DROPPED.fetch_add(lines(line), Ordering::Relaxed);
        } else {
            waiting.bytes.extend_from_slice(line);
        }
        drop(waiting);
        self.0.came.notify_one();
    }

    /// Waits until everything is written or dropped, but not for longer than `patience`.
    pub(crate) fn flush(&self, patience: Duration) {
        let _ = self.0.done.wait_timeout_while(self.waiting(), patience, |waiting| !waiting.is_idle());
    }
}

/// A line each.
impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Works as long as the process lives.
fn write_out(shared: &Shared, target: impl Write) {
    let mut pen = Pen { target, is_torn: false, unsaid: 0 };
    let mut batch = Vec::new();
    loop {
        let mut waiting = shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = false;
        if waiting.is_idle() {
            shared.done.notify_all();
        }
        while waiting.is_idle() {
            waiting = shared.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_writing = true;
        batch.clear();
        core::mem::swap(&mut batch, &mut waiting.bytes);
        let dropped = core::mem::take(&mut waiting.dropped);
        drop(waiting);
        pen.write(&batch, dropped);
        // A burst must not keep its room for ever.
        if batch.capacity() > MOST_WAITING / 4 {
            batch = Vec::new();
        }
    }
}

struct Pen<W> {
    target: W,
    /// The last line that was written is there in part.
    is_torn: bool,
    /// Dropped lines that nothing was written of.
    unsaid: u64,
}

impl<W: Write> Pen<W> {
    fn write(&mut self, batch: &[u8], dropped_after: u64) {
        let lost = if self.say_dropped() { lines(self.put(batch)) } else { lines(batch) };
        DROPPED.fetch_add(lost, Ordering::Relaxed);
        self.unsaid += lost + dropped_after;
        if lost == 0 {
            self.say_dropped();
        }
    }

    /// Ends a line that is there in part, and says how many are missing. Says whether that could be written.
    fn say_dropped(&mut self) -> bool {
        if self.is_torn && !self.put(b"\n").is_empty() {
            return false;
        }
        if self.unsaid > 0 {
            let text = line("WARN", &format_args!("lines of the log were dropped number={}", self.unsaid));
            if !self.put(text.as_bytes()).is_empty() {
                return false;
            }
            self.unsaid = 0;
        }
        true
    }

    /// Writes, and gives what could not be written.
    fn put<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.target.write(rest) {
                Ok(count) if count > 0 => {
                    self.is_torn = rest.get(count - 1).is_some_and(|&byte| byte != b'\n');
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody else who has this pipe may have set it so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(NOT_NOW),
                Ok(_) | Err(_) => break,
            }
        }
        rest
    }
}

/// A line as the others of the log are.
fn line(level: &str, text: &impl core::fmt::Display) -> String {
    let mut line = String::new();
    // Writing to a String does not fail; without a time it is still a line.
    let _ = SystemTime.format_time(&mut TimeWriter::new(&mut line));
    let _ = writeln!(line, " {level:>5} recording: {text}");
    line
}

/// The standard error without the lock that the standard library puts before it: what holds that lock may stand still.
fn standard_error() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        if let Ok(own) = io::stderr().as_fd().try_clone_to_owned() {
            return Box::new(File::from(own));
        }
    }
    Box::new(io::stderr())
}

/// The same of the standard output, and without its buffer.
pub(crate) fn standard_output() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        if let Ok(own) = io::stdout().as_fd().try_clone_to_owned() {
            return Box::new(File::from(own));
        }
    }
    Box::new(io::stdout())
}

/// Begins the log of this process. Panics are logged, too, whatever the level.
pub(crate) fn start(level: LevelFilter) {
    let log = log().clone();
    let panics = log.clone();
    std::panic::set_hook(Box::new(move |panic| panics.line(panicked(panic).as_bytes())));
    // Libraries do not write to this log: what one of them might tell of a request is not ours to know.
    let ours = Targets::new().with_target("recording", level).with_target("signalr_hub", level);
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(move || log.clone())
        .with_ansi(false)
        // Its own complaints would go to the standard error past the queue, and panic where that fails.
        .log_internal_errors(false);
    // It fails only if there is a log already.
    let _ = lines.finish().with(ours).try_init();
}

/// One line that is there at every level of the log. Before the end, [`flush`] waits for it.
pub(crate) fn complain(text: &impl core::fmt::Display) {
    log().line(format!("recording-server: {text}\n").as_bytes());
}

/// Waits for the log to be written, but not for longer than `patience`.
pub(crate) fn flush(patience: Duration) {
    if let Some(log) = LOG.get() {
        log.flush(patience);
    }
}

fn panicked(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let reason = payload.downcast_ref::<String>().map(String::as_str);
    let reason = reason.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
    let reason: String = reason.chars().take(MOST_OF_A_PANIC).collect();
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    let thread = thread::current().name().unwrap_or_default().to_owned();
    line("ERROR", &format_args!("a thread panicked thread={thread:?} place={place:?} reason={reason:?}"))
}

#[cfg(test)]
mod tests;
