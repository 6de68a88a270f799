//! The life of the Debian package in a clean system: installed, run, upgraded, removed, purged.

use super::{
    deb,
    listing::{differences, list},
    machine::Machine,
    need_root, place,
    room::Room,
    serving::Serving,
};
use crate::{
    sh::{Sh, root, say},
    tools,
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Install the Debian package in a clean system, run it, upgrade, remove and purge it, and look for what is left.
///
/// The system is the smallest Debian or Ubuntu of the suite of this machine, unpacked under target/. lintian looks at the
/// package first. Needs root, for chroot.
#[derive(Args)]
pub(crate) struct Options {
    /// A package that `cargo xtask package deb` has built [default: one of the unoptimised program]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        match &self.file {
            Some(file) => check(&fs::canonicalize(file).with_context(|| file.display().to_string())?),
            None => check_a_debug_build(),
        }
    }
}

/// The step of CI: the program of other steps, packaged.
pub(crate) fn check_a_debug_build() -> Result<()> {
    need_root("the check of the package")?;
    check(&deb::build(true)?)
}

/// Each file of the package outside of its documentation: mode, owner and path.
const FILES: &[(&str, &str)] = &[
    ("750 root:recording-server", "etc/recording-server"),
    ("644 root:root", "etc/recording-server/options"),
    ("644 root:root", "etc/recording-server/world.toml"),
    ("755 root:root", "usr/bin/recording-server"),
    ("644 root:root", "usr/lib/systemd/system/recording-server.service"),
    ("644 root:root", "usr/share/man/man8/recording-server.8.gz"),
    ("644 root:root", "usr/share/doc/recording-server/copyright"),
    ("644 root:root", "usr/share/doc/recording-server/third-party.gz"),
];
const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/recording-server.service";
const SESSION: &str = "sessions/ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn check(package: &Path) -> Result<()> {
    need_root("the check of the package")?;
    tools::need_package("lintian", "lintian")?;
    // Of a first upload to Debian it asks for the number of a request there.
    let look = "lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs --allow-root";
    Sh::line(look).arg(package).show()?;

    let room = Room::with_records()?;
    let clean = (list(&room.path)?, room.read("etc/passwd")?, room.read("etc/group")?);
    let is_clean = |when: &str| -> Result<()> {
        let left = differences(&clean.0, &list(&room.path)?);
        ensure!(left.is_empty(), "{when}:\n{}", left.join("\n"));
        ensure!(
            (room.read("etc/passwd")?, room.read("etc/group")?) == (clean.1.clone(), clean.2.clone()),
            "{when}: a user"
        );
        Ok(())
    };

    say("installing it");
    room.install(package)?;
    installed(&room)?;
    asked(&room, &["daemon-reload", "start recording-server.service"])?;
    say("running it as its unit does");
    running(&room, "PUT", "201", None)?;
    let kept = kept(&room)?;

    say("upgrading it");
    let (newer, config) = newer(package)?;
    // What an administrator does between two versions.
    let edited = room.read("etc/recording-server/world.toml")? + "# ours\n";
    room.write("etc/recording-server/world.toml", &edited)?;
    room.write("etc/recording-server/tokens", "a secret\n")?;
    room.run("chmod 0700 /etc/recording-server && chown recording-server: /etc/recording-server")?;
    room.install(&newer)?;
    asked(&room, &["daemon-reload", "restart recording-server.service"])?;
    ensure!(room.read("etc/recording-server/world.toml")? == edited, "the upgrade has replaced a config");
    ensure!(room.read("etc/recording-server/world.toml.dpkg-dist")? == config, "the newer sample is not there");
    ensure!(self::kept(&room)? == kept, "the upgrade has touched the sessions");
    ensure!(
        mode(&room, "etc/recording-server")? == "700 recording-server:recording-server",
        "the upgrade has opened the config"
    );
    running(&room, "GET", "200", None)?;
    secured(&room)?;

    let kept = self::kept(&room)?;
    say("removing it");
    room.apt("remove recording-server")?;
    asked(&room, &["stop recording-server.service", "daemon-reload"])?;
    for gone in [
        "usr/bin/recording-server",
        "usr/lib/systemd/system/recording-server.service",
        "usr/share/man/man8/recording-server.8.gz",
    ] {
        ensure!(!room.has(gone), "/{gone} is there after the removal");
    }
    ensure!(room.read("etc/recording-server/world.toml")? == edited, "the removal has taken a config");
    ensure!(room.read("etc/recording-server/tokens")? == "a secret\n", "the removal has taken tokens");
    ensure!(self::kept(&room)? == kept, "the removal has touched the sessions");

    say("installing it again, and purging it");
    room.install(&newer)?;
    // dpkg knows that there was a version before: then debhelper's scripts restart, which starts what has been stopped.
    asked(&room, &["daemon-reload", "restart recording-server.service"])?;
    ensure!(room.has(ENABLED), "the unit is not enabled after it was removed and installed again");
    running(&room, "GET", "401", None)?;
    room.apt("purge recording-server")?;
    is_clean("after the purge")?;

    say("installing it, and purging it at once");
    room.install(package)?;
    room.apt("purge recording-server")?;
    is_clean("after the purge of what never ran")?;
    // Without the package that removes users there is one left, and nothing else.
    room.install(package)?;
    room.apt("remove recording-server")?;
    room.run("dpkg --purge --force-depends --force-remove-essential adduser && dpkg --purge recording-server")?;
    ensure!(room.read("etc/passwd")?.contains("recording-server"), "there is a user without deluser");
    ensure!(!room.has("etc/recording-server") && !room.has("var/lib/recording-server"), "files are left");
    drop(room);

    say("booting a system with systemd, for all of it again");
    let room = Room::new()?;
    Machine::boot(&room)?.life(package, &newer, SESSION)?;
    fs::remove_file(newer)?;
    say("the package takes away all that it has brought");
    Ok(())
}

/// TLS and tokens as docs/packages.md has it, by `init`.
fn secured(room: &Room) -> Result<()> {
    room.run(
        "install --directory --mode 0700 --owner recording-server --group recording-server /etc/recording-server/tls",
    )?;
    let init = ["/usr/bin/recording-server", "init", "/etc/recording-server/tls", "--host", "recording.example"];
    room.run_as("recording-server:recording-server", &init).quiet()?;
    room.run("cp /etc/recording-server/tls/options /etc/recording-server/options")?;
    running(room, "GET", "401", None)?;
    running(room, "GET", "200", Some(room.read("etc/recording-server/tls/admin.token")?.trim()))
}

/// That a fresh installation is as the package says.
fn installed(room: &Room) -> Result<()> {
    let changed = room.run("dpkg --verify recording-server")?;
    ensure!(changed.is_empty(), "dpkg finds changed files:\n{changed}");
    for (expected, path) in FILES {
        let found = mode(room, path)?;
        ensure!(found == *expected, "/{path} is {found} and not {expected}");
    }
    let conffiles = room.run("dpkg-query --show --showformat '${Conffiles}' recording-server")?;
    ensure!(
        conffiles.lines().count() == 2 && conffiles.contains("/world.toml ") && conffiles.contains("/options "),
        "conffiles:\n{conffiles}"
    );
    ensure!(room.has(ENABLED), "the unit is not enabled");
    let user = room.run("getent passwd recording-server; getent shadow recording-server")?;
    let fields: Vec<_> = user.split([':', '\n']).collect();
    let uid: u32 = fields.get(2).and_then(|uid| uid.parse().ok()).context("a user")?;
    ensure!((100..1000).contains(&uid), "the user is no system user: {user}");
    ensure!(fields.get(6).is_some_and(|shell| shell.ends_with("/nologin")), "the user has a shell: {user}");
    ensure!(fields.get(8).is_some_and(|password| password.starts_with(['!', '*'])), "the user has a password: {user}");
    let stranger = room.run_as("nobody:nogroup", &["cat", "/etc/recording-server/world.toml"]).output()?;
    ensure!(stranger.status != Some(0), "every user can read the config, and the tokens next to it");
    let page = room.run("zcat /usr/share/man/man8/recording-server.8.gz")?;
    ensure!(page == fs::read_to_string(root().join("deploy/recording-server.8"))?, "the manual is another one");
    Ok(())
}

/// Mode, owner and group of a file.
fn mode(room: &Room, path: &str) -> Result<String> {
    Ok(room.run(&format!("stat --format '%a %U:%G' /{path}"))?.trim().to_owned())
}

/// That the scripts of the package have asked systemd for these, in this order, and for nothing else of the kind.
fn asked(room: &Room, expected: &[&str]) -> Result<()> {
    let asked = room.asked()?;
    let plain: Vec<_> = asked.iter().map(|line| line.replace("--system ", "").replace("--quiet ", "")).collect();
    let mut of_note: Vec<_> = plain
        .iter()
        .filter(|line| ["daemon-reload", "start ", "restart ", "stop "].iter().any(|word| line.starts_with(word)))
        .collect();
    // Both versions of a package ask for units to be read again.
    of_note.dedup();
    ensure!(of_note == expected, "systemd was asked for {plain:?} and not for {expected:?}");
    Ok(())
}

/// The sessions as they are on the disk.
fn kept(room: &Room) -> Result<Vec<u8>> {
    let path = room.path.join("var/lib/recording-server/sessions");
    let metadata = fs::metadata(&path).context("the sessions")?;
    ensure!(metadata.mode() & 0o777 == 0o600, "the sessions can be read by others");
    Ok(fs::read(path)?)
}

/// A package of a higher version that has another sample of the config, and that sample.
fn newer(package: &Path) -> Result<(PathBuf, String)> {
    let tree = tempfile::tempdir_in(place()?)?;
    Sh::line("dpkg-deb --raw-extract").arg(package).arg(tree.path()).quiet()?;
    let (control, config) = (tree.path().join("DEBIAN/control"), tree.path().join("etc/recording-server/world.toml"));
    let text = fs::read_to_string(&control)?;
    let version = text.lines().find(|line| line.starts_with("Version: ")).context("a version")?;
    fs::write(&control, text.replace(version, &format!("{version}+newer")))?;
    let sample = fs::read_to_string(&config)? + "# newer\n";
    fs::write(&config, &sample)?;
    let newer = place()?.join("newer.package");
    Sh::line("dpkg-deb --root-owner-group -Zxz -z0 --build").arg(tree.path()).arg(&newer).quiet()?;
    Ok((newer, sample))
}

/// Runs the program by the words of its unit, as its user, makes one request to the admin's port, and ends it.
fn running(room: &Room, method: &str, expected: &str, token: Option<&str>) -> Result<()> {
    let unit = Unit::read(
        &room.read("usr/lib/systemd/system/recording-server.service")?,
        &room.read("etc/recording-server/options")?,
    )?;
    // As StateDirectory and LogsDirectory do it.
    for (mode, folder) in [("0700", "var/lib/recording-server"), ("0750", "var/log/recording-server")] {
        room.run(&format!("install --directory --mode {mode} --owner {0} --group {0} /{folder}", unit.user))?;
    }
    let user = format!("{0}:{0}", unit.user);
    room.run_as(&user, &[]).args(&unit.before).quiet()?;
    let serving = Serving::start(&room.run_as(&user, &[]).args(&unit.start))?;
    let admin = &serving.admin;
    room.run_as(&user, &["/usr/bin/recording-server", "--probe", "--admin", admin]).quiet()?;
    let ask = Sh::line("curl --silent --output /dev/null --write-out %{http_code} --max-time 10 --request");
    let ask = ask.args([method, &format!("http://{admin}/{SESSION}")]);
    let ask = token.map_or_else(|| ask.clone(), |token| ask.clone().arg("--oauth2-bearer").arg(token));
    let status = ask.quiet()?;
    ensure!(status == expected, "{method} /{SESSION}: {status} and not {expected}");
    serving.end()
}

/// What a unit says of its program.
struct Unit {
    user: String,
    before: Vec<String>,
    start: Vec<String>,
}

impl Unit {
    fn read(unit: &str, options: &str) -> Result<Self> {
        let value = |text: &str, key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.map(str::to_owned).with_context(|| format!("no {key}"))
        };
        let options = value(options, "OPTIONS")?;
        let words = |key: &str| -> Result<Vec<String>> {
            let line = value(unit, key)?.replace("${STATE_DIRECTORY}", "/var/lib/recording-server");
            let line = line.replace("$OPTIONS", options.trim_matches('"'));
            if line.contains('$') {
                bail!("{key} has a variable that is not known: {line}");
            }
            Ok(line.split_whitespace().map(str::to_owned).collect())
        };
        Ok(Self { user: value(unit, "User")?, before: words("ExecStartPre")?, start: words("ExecStart")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_says_what_is_run() -> Result<()> {
        let unit = fs::read_to_string(root().join("deploy/recording-server.service"))?;
        let options = fs::read_to_string(root().join("deploy/debian/options"))?;
        let read = Unit::read(&unit, &options)?;
        assert_eq!(read.user, "recording-server");
        assert!(read.before.contains(&"--check-config".to_owned()));
        assert_eq!(read.start.last().map(String::as_str), Some("file:/var/lib/recording-server/sessions"));
        let more = Unit::read(&unit, "# OPTIONS=\"--no\"\nOPTIONS=\"--log debug\"\n")?;
        assert!(more.start.ends_with(&["--log".to_owned(), "debug".to_owned()]));
        assert!(Unit::read(&unit.replace("STATE_DIRECTORY", "OTHER"), &options).is_err());
        assert!(Unit::read(&unit, "").is_err());
        Ok(())
    }
}
