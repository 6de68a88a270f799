//! Running commands: each is watched while it runs, and one that fails shows what it wrote.

use crate::silence::{WATCH, Watch};
use anyhow::{Context as _, Result, bail};
use core::time::Duration;
use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

/// How long the output of a program that ended is waited for: a child that still runs may hold it open.
const DRAIN: Duration = Duration::from_secs(5);

/// Reports progress.
pub(crate) fn say(text: &str) {
    eprintln!("xtask: {text}");
    WATCH.wrote();
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets it when it runs this program, and the program is built where it is used.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Where Cargo builds: `CARGO_TARGET_DIR`, or `target` at the root.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(named) => env::current_dir().unwrap_or_else(|_| root()).join(named),
        None => root().join("target"),
    }
}

/// A command that is being put together.
#[derive(Clone)]
pub(crate) struct Sh {
    program: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    /// `None` removes a variable.
    environment: Vec<(String, Option<OsString>)>,
    statuses: Vec<i32>,
}

/// What a command wrote, and how it ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Output {
    /// Passed on to this program's own.
    Shown,
    Kept,
}

impl Sh {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            directory: root(),
            environment: Vec::new(),
            statuses: vec![0],
        }
    }

    /// A command whose words are separated by white space.
    pub(crate) fn line(words: &str) -> Self {
        let mut words = words.split_whitespace();
        Self::new(words.next().unwrap_or_default()).args(words)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = directory.as_ref().to_owned();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.environment.push((name.to_owned(), None));
        self
    }

    /// Runs it with this toolchain of rustup.
    pub(crate) fn toolchain(self, name: &str) -> Self {
        self.env("RUSTUP_TOOLCHAIN", name)
    }

    /// Puts a directory before all others that programs are looked for in.
    pub(crate) fn path_first(self, directory: &Path) -> Self {
        let mut path = directory.as_os_str().to_owned();
        if let Some(others) = env::var_os("PATH") {
            path.push(":");
            path.push(others);
        }
        self.env("PATH", path)
    }

    /// Statuses other than 0 with which the command succeeds too.
    pub(crate) fn or_statuses(mut self, statuses: &[i32]) -> Self {
        self.statuses.extend(statuses);
        self
    }

    /// Runs it and shows what it writes.
    pub(crate) fn show(&self) -> Result<()> {
        let ended = self.run(Output::Shown, Output::Shown, false)?;
        self.judge(&ended)
    }

    /// Gives what it wrote to its standard output, and shows its standard error.
    pub(crate) fn read(&self) -> Result<String> {
        let ended = self.run(Output::Kept, Output::Shown, false)?;
        self.judge(&ended)?;
        Ok(ended.out)
    }

    /// Gives what it wrote to its standard output; the rest is shown only if it fails.
    pub(crate) fn quiet(&self) -> Result<String> {
        let ended = self.output()?;
        self.judge(&ended)?;
        Ok(ended.out)
    }

    /// Gives what it wrote, to its standard error too, line by line.
    pub(crate) fn merged(&self) -> Result<String> {
        let ended = self.run(Output::Kept, Output::Kept, true)?;
        self.judge(&ended)?;
        Ok(ended.out)
    }

    /// Whatever came of it.
    pub(crate) fn output(&self) -> Result<Ended> {
        self.run(Output::Kept, Output::Kept, false)
    }

    fn judge(&self, ended: &Ended) -> Result<()> {
        if ended.status.is_some_and(|status| self.statuses.contains(&status)) {
            return Ok(());
        }
        let how =
            ended.status.map_or_else(|| "was ended by a signal".to_owned(), |status| format!("ended with {status}"));
        let wrote = format!("{}\n{}", ended.out.trim_end(), ended.err.trim_end());
        bail!("{}", format!("`{}` {how}\n{}", self.shown(), wrote.trim()).trim_end())
    }

    /// As it would be typed.
    fn shown(&self) -> String {
        let words = core::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// The command as the standard library starts it, for what has to be talked to while it runs.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).env("CARGO_TERM_COLOR", "never");
        // What Cargo tells this program about itself is not for others.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let about_us = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
            if name == "CARGO" || about_us.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        if let Some(paths) = env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", own_libraries(&paths.to_string_lossy()));
        }
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Lets it have this program's terminal: what it writes is its own affair, and so is what it reads.
    pub(crate) fn hand_over(&self) -> Result<()> {
        let _hush = WATCH.hush();
        let status = self.command().status();
        let status = status.with_context(|| format!("`{}` cannot be started", self.program.display()))?;
        self.judge(&Ended { status: status.code(), out: String::new(), err: String::new() })
    }

    fn run(&self, out: Output, err: Output, merge: bool) -> Result<Ended> {
        self.run_under(&WATCH, out, err, merge)
    }

    fn run_under(&self, watch: &'static Watch, out: Output, err: Output, merge: bool) -> Result<Ended> {
        let input = if out == Output::Shown { Stdio::inherit() } else { Stdio::null() };
        let mut command = self.command();
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("`{}` cannot be started", self.program.display()))?;
        let _going = watch.begin(shortened(&self.shown()));
        let (kept_out, kept_err) = (Arc::default(), Arc::default());
        let mut copies = Vec::new();
        if let Some(from) = child.stdout.take() {
            copies.push(copy(from, (out == Output::Shown).then(io::stdout), &kept_out, watch));
        }
        if let Some(from) = child.stderr.take() {
            let to = if merge { &kept_out } else { &kept_err };
            copies.push(copy(from, (err == Output::Shown).then(io::stderr), to, watch));
        }
        let status = child.wait()?.code();
        let ended = Instant::now();
        while copies.iter().any(|copy| !copy.is_finished()) && ended.elapsed() < DRAIN {
            thread::sleep(Duration::from_millis(1));
        }
        let text = |kept: &Mutex<Vec<u8>>| {
            kept.lock().map(|kept| String::from_utf8_lossy(&kept).into_owned()).unwrap_or_default()
        };
        Ok(Ended { status, out: text(&kept_out), err: text(&kept_err) })
    }
}

/// Copies line by line, so that lines of two outputs never mix.
fn copy(
    from: impl Read + Send + 'static,
    shown: Option<impl Write + Send + 'static>,
    kept: &Arc<Mutex<Vec<u8>>>,
    watch: &'static Watch,
) -> thread::JoinHandle<()> {
    let kept = Arc::clone(kept);
    let mut shown = shown;
    thread::spawn(move || {
        let (mut from, mut line) = (BufReader::new(from), Vec::new());
        while let Ok(1..) = from.read_until(b'\n', &mut line) {
            if let Some(shown) = &mut shown {
                // A reader that went away does not stop the command.
                let _ = shown.write_all(&line).and_then(|()| shown.flush());
                watch.wrote();
            } else if let Ok(mut kept) = kept.lock() {
                kept.extend_from_slice(&line);
            }
            line.clear();
        }
    })
}

/// The library paths that are not Cargo's, which it sets for this program.
fn own_libraries(paths: &str) -> String {
    let cargos =
        |path: &&str| !path.contains("/target/") && !path.contains("/toolchains/") && !path.contains("/rustlib/");
    paths.split(':').filter(cargos).collect::<Vec<_>>().join(":")
}

/// The start of a command, as much as fits into a line.
fn shortened(command: &str) -> String {
    match command.char_indices().nth(100) {
        Some((end, _)) => format!("{} …", &command[..end]),
        None => command.to_owned(),
    }
}

/// Whether a program of this name can be started.
pub(crate) fn has(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|paths| env::split_paths(&paths).any(|path| path.join(program).is_file()))
}

/// Fails unless a program of this name can be started.
pub(crate) fn need(program: &str, advice: &str) -> Result<()> {
    if !has(program) {
        bail!("{program} is missing: {advice}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_kept_apart_or_together() -> Result<()> {
        let both = Sh::new("sh").args(["-c", "echo out; echo err >&2"]);
        let ended = both.output()?;
        assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(0), "out\n", "err\n"));
        let mut lines: Vec<_> = both.merged()?.lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        Ok(())
    }

    #[test]
    fn a_failure_says_what_the_command_wrote() {
        let failing = Sh::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]);
        let said = failing.quiet().map_err(|error| error.to_string()).unwrap_err();
        assert_eq!(said, "`sh -c echo out; echo err >&2; exit 3` ended with 3\nout\nerr");
        assert_eq!(failing.or_statuses(&[3]).quiet().ok().as_deref(), Some("out\n"));
        let killed = Sh::new("sh").args(["-c", "kill -9 $$"]).or_statuses(&[9]).quiet();
        assert!(killed.is_err_and(|error| error.to_string().contains("signal")));
        assert!(Sh::new("no-such-program").quiet().is_err_and(|error| error.to_string().contains("no-such-program")));
    }

    /// A child that says nothing, on either of its outputs, is reported as often as a silence is over; and one that is
    /// heard is not.
    #[test]
    fn a_silent_child_is_reported_while_it_runs() {
        let reports = |script: &'static str, out| {
            let (watch, silence): (&Watch, _) = (Box::leak(Box::new(Watch::new())), Duration::from_millis(100));
            let child = thread::spawn(move || {
                Sh::new("sh").args(["-c", script]).run_under(watch, out, out, false).map(|ended| ended.status).ok()
            });
            let mut reports = Vec::new();
            while !child.is_finished() {
                reports.extend(watch.due(silence));
                thread::sleep(silence / 10);
            }
            assert_eq!(child.join().ok().flatten(), Some(Some(0)), "{script}");
            reports
        };
        for out in [Output::Shown, Output::Kept] {
            let silent = reports("exec sleep 1", out);
            assert!(silent.len() >= 3, "{silent:?}");
            assert!(silent.iter().all(|line| line.ends_with(" s in: sh -c exec sleep 1")), "{silent:?}");
        }
        // What it writes counts when it is seen.
        let script = "i=0; while [ $i -lt 50 ]; do echo x; sleep 0.02; i=$((i+1)); done";
        let (heard, kept) = (reports(script, Output::Shown).len(), reports(script, Output::Kept).len());
        assert!(kept >= 3 && heard < kept, "{heard} of {kept}");
    }

    #[test]
    fn a_program_left_behind_does_not_hold_its_parent_up() -> Result<()> {
        let began = Instant::now();
        // It sleeps longer than is waited for its output.
        let said = Sh::new("sh").args(["-c", "sleep 60 & echo $!"]).quiet()?;
        assert!(began.elapsed() < Duration::from_secs(55));
        Sh::new("kill").arg(said.trim()).quiet()?;
        Ok(())
    }

    #[test]
    fn only_cargos_own_libraries_are_left_out() {
        assert_eq!(own_libraries("/x/target/debug/deps:/opt/lib:/h/.rustup/toolchains/stable/lib"), "/opt/lib");
        assert_eq!(own_libraries(""), "");
    }

    #[test]
    fn words_make_a_command() {
        assert_eq!(Sh::line("cargo  test --locked").arg("a b").shown(), "cargo test --locked a b");
        assert_eq!(shortened(&"é".repeat(200)).chars().count(), 102);
    }
}
