//! The way of a new user, by docs/walk.md alone: from the package to a paused call, and back to a machine without it.

use super::{deb, machine::Machine, need_root, room::Room, terminal::Terminal};
use crate::{
    sh::{Sh, has, root, say, target},
    text::{found, regex},
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Paste every command of docs/walk.md into a Debian that was just unpacked and booted: a package that is installed, a call through
/// rtpengine that is paused with a token of an identity server, and a purge.
///
/// Needs root, a network the first time in a week, and Node 20 with npm.
#[derive(Args)]
pub(crate) struct Options {
    /// A package that `cargo xtask package deb` has built [default: one of the unoptimised program]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What the page asks for before it begins, and what its commands install.
const NEEDED: &str = "curl,openssl,python3";
const INSTALLED: &str = "ca-certificates rtpengine-daemon prometheus";
/// What the page takes from a clone.
const CLONED: &[&str] =
    &["deploy/prometheus", "examples/payment", "shells/server/examples", "shells/server/tests/clients"];
const CLIENTS: &str = "shells/server/tests/clients";
/// Packets that must be in the recorder's files before and after the pause; there are 100 a second.
const SPOKEN: usize = 20;

/// A block of the page.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    name: String,
    commands: String,
    /// Lines that must be in what it prints; `…` is for anything.
    said: Vec<String>,
}

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        let began = Instant::now();
        let file = self.file.as_ref().map(|file| fs::canonicalize(file).with_context(|| file.display().to_string()));
        println!("{}; {} s", walk(file.transpose()?)?, began.elapsed().as_secs());
        Ok(())
    }
}

/// Goes the way with this package, or one of the unoptimised program; says what was found.
pub(crate) fn walk(package: Option<PathBuf>) -> Result<String> {
    need_root("the walk")?;
    let package = package.map_or_else(|| deb::build(true), Ok)?;
    let page = fs::read_to_string(root().join("docs/walk.md"))?;
    let steps = steps(&page)?;
    let room = Room::with_packages(NEEDED, INSTALLED)?;
    furnish(&room, &package, &page)?;
    say("booting a Debian");
    let machine = Machine::boot(&room)?;
    let mut terminal = Terminal::start(&machine.shell())?;
    let (mut paused, mut recorded) = ((None, None), String::new());
    for step in &steps {
        say(&step.name);
        if step.name == "resume" {
            paused.1 = Some(now()?);
        }
        let said = terminal.paste(&step.commands)?;
        missing(step, &said)?;
        match step.name.as_str() {
            "pause" => paused.0 = Some(now()?),
            "end" => recorded = silent(&room.path.join("var/spool/rtpengine/pcaps"), paused)?,
            _ => {}
        }
    }
    nothing_left(&mut terminal)?;
    Ok(format!("{} blocks of commands pasted; {recorded}; nothing is left of the package", steps.len()))
}

fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

/// What the page calls needed: programs, and the clone.
fn furnish(room: &Room, package: &Path, page: &str) -> Result<()> {
    let name = found(r"install -y \./(recording-server_\S+\.deb)", page).context("the page installs no package")?;
    fs::copy(package, room.path.join("root").join(name))?;
    if !root().join(CLIENTS).join("node_modules/oidc-provider").exists() {
        ensure!(has("npm"), "npm is missing: install Node 20 with npm");
        say("installing the clients");
        Sh::line("npm ci --no-audit --no-fund --silent").dir(root().join(CLIENTS)).show()?;
    }
    for place in CLONED {
        let to = room.path.join("opt/recording-core").join(place);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        Sh::line("cp --recursive").arg(root().join(place)).arg(to).quiet()?;
    }
    Sh::line("cargo build --locked --quiet -p recording-lab").show()?;
    let node = Sh::line("node -p process.execPath").quiet()?;
    for program in [Path::new(node.trim()), &target().join("debug/recording-lab")] {
        let name = program.file_name().context("a program")?;
        fs::copy(program, room.path.join("usr/local/bin").join(name)).with_context(|| program.display().to_string())?;
    }
    Ok(())
}

/// The blocks that the page marks, in their order.
fn steps(page: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for part in page.split("<!-- walk: ").skip(1) {
        let (name, rest) = part.split_once(" -->\n").context("a mark that does not end")?;
        let commands = rest.strip_prefix("```sh\n").and_then(|rest| rest.split_once("\n```\n"));
        let (commands, rest) = commands.with_context(|| format!("no commands after the mark {name}"))?;
        let said = rest.strip_prefix("\n```text\n").and_then(|rest| rest.split_once("\n```\n"));
        let said = said.map(|(said, _)| said.lines().map(str::to_owned).collect()).unwrap_or_default();
        steps.push(Step { name: name.to_owned(), commands: commands.to_owned(), said });
    }
    let marked = page.matches("```sh\n").count();
    ensure!(
        steps.len() == marked && marked > 0,
        "docs/walk.md has {marked} blocks of commands, and {} marks",
        steps.len()
    );
    Ok(steps)
}

/// Fails unless all that the page says comes of a step was said.
fn missing(step: &Step, said: &str) -> Result<()> {
    for line in &step.said {
        let parts: Vec<_> = line.split('…').map(regex::escape).collect();
        if !regex(&parts.join(".*")).is_match(said) {
            bail!("docs/walk.md, {}: `{line}` does not come of\n{}\nIt said:\n{said}", step.name, step.commands);
        }
    }
    Ok(())
}

/// That nothing of the call was recorded in the pause, and something before and after it.
fn silent(pcaps: &Path, paused: (Option<Duration>, Option<Duration>)) -> Result<String> {
    let (Some(from), Some(to)) = paused else { bail!("docs/walk.md has no steps `pause` and `resume`") };
    let mut recorded = [0, 0, 0];
    for entry in fs::read_dir(pcaps)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("7d1")) {
            for time in times(&fs::read(&path)?).with_context(|| path.display().to_string())? {
                let part = if time < from { 0 } else { usize::from(time >= to) + 1 };
                recorded[part] += 1;
            }
        }
    }
    let [before, within, after] = recorded;
    let said = format!("recorded {before} packets before the pause, {within} in it, {after} after it");
    ensure!(within == 0 && before >= SPOKEN && after >= SPOKEN, "{said}: that is not what a pause is");
    Ok(said)
}

/// When each packet of a file was recorded: the classic format, little-endian, with microseconds.
fn times(file: &[u8]) -> Result<Vec<Duration>> {
    let mut rest =
        file.strip_prefix(&0xa1b2_c3d4_u32.to_le_bytes()).and_then(|rest| rest.get(20..)).context("no packets")?;
    let mut times = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(16) {
        let number = |at: usize| {
            head.get(at..at + 4).map(|bytes| bytes.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)))
        };
        let (Some(seconds), Some(micros), Some(length)) = (number(0), number(4), number(8)) else { break };
        times.push(Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into()));
        rest = after.get(length as usize..).context("a packet that is cut off")?;
    }
    Ok(times)
}

/// That the machine has forgotten the package, besides what the page copied.
fn nothing_left(terminal: &mut Terminal) -> Result<()> {
    let left = terminal.paste(
        "find / -xdev -name '*recording-server*' -not -path '/root/*' -not -path '/opt/*'\ngrep -l recording-server /etc/passwd /etc/group /etc/shadow /etc/gshadow || true\n\
         pgrep -a recording-serve || true",
    )?;
    ensure!(left.trim().is_empty(), "after the purge there is still:\n{left}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n\n<!-- walk: one -->\n```sh\necho a\necho b\n```\n\n```text\nthe 2… of b\n```\n\n<!-- walk: two -->\n```sh\ntrue\n```\n\nMore.\n\n```text\nnot of it\n```\n";

    #[test]
    fn a_page_has_steps() -> Result<()> {
        let [one, two] = &steps(PAGE)?[..] else { bail!("two steps") };
        assert_eq!(
            (&*one.name, &*one.commands, &*one.said),
            ("one", "echo a\necho b", &["the 2… of b".to_owned()][..])
        );
        assert_eq!((&*two.name, &*two.commands, two.said.len()), ("two", "true", 0));
        assert!(missing(one, "so\nthe 20 words of b.\n").is_ok());
        assert!(missing(one, "the 20\nwords of b").is_err() && missing(one, "the 3 of b").is_err());
        // Commands that nothing runs are found.
        assert!(steps(&format!("{PAGE}```sh\nfalse\n```\n")).is_err() && steps("").is_err());
        Ok(())
    }

    #[test]
    fn the_page_has_what_is_judged() -> Result<()> {
        let steps = steps(&fs::read_to_string(root().join("docs/walk.md"))?)?;
        let at = |name: &str| steps.iter().position(|step| step.name == name).with_context(|| name.to_owned());
        assert!(at("install")? < at("pause")? && at("pause")? < at("silent")? && at("silent")? < at("resume")?);
        assert!(at("resume")? < at("end")? && at("end")? < at("purge")?);
        Ok(())
    }

    #[test]
    fn what_was_recorded_in_a_pause_is_found() -> Result<()> {
        let place = tempfile::tempdir()?;
        let file = |times: &[u32]| {
            let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
            file.extend([0; 20]);
            for (number, time) in (0_u32..).zip(times) {
                for word in [*time, 999_999, 3, 60 + number] {
                    file.extend(word.to_le_bytes());
                }
                file.extend([7; 3]);
            }
            file
        };
        let pause = (Some(Duration::from_secs(100)), Some(Duration::from_secs(200)));
        let recorded = |one: &[u8]| {
            fs::write(place.path().join("7d1-a.pcap"), one)?;
            silent(place.path(), pause)
        };
        let (before, after) = ([98; SPOKEN], [200; SPOKEN]);
        fs::write(place.path().join("other.pcap"), file(&[150]))?;
        fs::write(place.path().join("7d1-b.pcap"), file(&after))?;
        recorded(&file(&before))?;
        assert_eq!(times(&file(&[98]))?, [Duration::from_micros(98_999_999)]);
        let mut one_more = before.to_vec();
        one_more.push(150);
        for bad in [file(&one_more), file(&before[1..]), file(&before)[..50].to_vec(), Vec::new()] {
            assert!(recorded(&bad).is_err());
        }
        Ok(())
    }
}
