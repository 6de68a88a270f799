//! A clean system that is booted: systemd with the package's unit, in name spaces of its own, without a container engine.

use super::room::Room;
use crate::sh::Sh;
use anyhow::{Context as _, Result, bail, ensure};
use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Child, Stdio},
    thread,
    time::Instant,
};

/// How long a state is waited for; each takes a part of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Moves to control groups of its own, and to new name spaces.
const LEAVE: &str = r#"set -e
for place in $PLACES; do mkdir "$place"; echo $$ >"$place/cgroup.procs"; done
exec unshare --pid --mount --uts --ipc --cgroup --net --fork --kill-child sh -c "$ENTER"
"#;

/// Makes the system the root, with devices that programs may expect, and becomes its first process. The root is changed as a
/// container engine does it: a process under chroot may not make name spaces for users, which the unit asks for.
const ENTER: &str = r#"set -e
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
for place in run tmp dev; do mount -t tmpfs tmpfs $place; done
mkdir dev/pts dev/shm
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
if [ "$KIND" = unified ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd systemd sys/fs/cgroup/systemd
fi
mkdir .old
pivot_root . .old
umount --lazy /.old
rmdir /.old
exec env -i container=other /lib/systemd/systemd --unit=multi-user.target
"#;

/// A booted system, which always ends.
pub(super) struct Machine<'a> {
    room: &'a Room,
    process: Child,
    /// Its first process, as this machine numbers it.
    init: String,
    groups: Vec<PathBuf>,
}

impl<'a> Machine<'a> {
    /// Boots a system until it has started all that it starts.
    pub(super) fn boot(room: &'a Room) -> Result<Self> {
        let all = Path::new("/sys/fs/cgroup");
        let own = format!("recording-package-{}", process::id());
        let (kind, groups) = if all.join("cgroup.controllers").exists() {
            ("unified", vec![all.join(own)])
        } else if all.join("unified/cgroup.procs").exists() && all.join("systemd/cgroup.procs").exists() {
            ("both", vec![all.join("unified").join(&own), all.join("systemd").join(own)])
        } else {
            bail!("this machine has no control groups that systemd could use");
        };
        let places = groups.iter().map(|group| group.display().to_string()).collect::<Vec<_>>().join(" ");
        let boot = Sh::new("sh").args(["-c", LEAVE]).env("PLACES", places).env("KIND", kind).env("ENTER", ENTER);
        let mut boot = boot.env("ROOT", &room.path).command();
        let process = boot.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut machine = Self { room, process, init: String::new(), groups };
        let children = format!("/proc/{0}/task/{0}/children", machine.process.id());
        machine.init = until("systemd does not boot here", || {
            let child = fs::read_to_string(&children).ok()?.trim().to_owned();
            let program = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (program == "systemd\n").then_some(child)
        })?;
        until("the system does not come up", || {
            let state = machine.inside("systemctl is-system-running").output().ok()?;
            matches!(state.out.trim(), "running" | "degraded").then_some(())
        })?;
        Ok(machine)
    }

    /// A command inside, as root.
    pub(super) fn inside(&self, words: &str) -> Sh {
        let enter = Sh::line("nsenter --all --root --wd --target").arg(&self.init);
        let enter = enter.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]);
        enter.arg("DEBIAN_FRONTEND=noninteractive").args(words.split_whitespace())
    }

    /// A shell inside, as root, that ends with the first command that fails.
    pub(super) fn shell(&self) -> Sh {
        // What goes wrong is shown where it goes wrong.
        self.inside("HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c")
            .arg("cd && exec bash -euo pipefail 2>&1")
    }

    /// What the server in there answers at its admin's port: the status after the body.
    fn ask(&self, method: &str, path: &str) -> Result<String> {
        let ask = Sh::line("nsenter --net --target").arg(&self.init);
        let ask =
            ask.args(["curl", "--silent", "--max-time", "10", "--write-out", "%{http_code}", "--request", method]);
        ask.arg(format!("http://127.0.0.1:8081/{path}")).quiet()
    }

    fn apt(&self, words: &str) -> Result<()> {
        let apt = "apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold";
        self.inside(&format!("{apt} {words}")).merged().map(drop)
    }

    fn install(&self, package: &Path) -> Result<()> {
        // Its /tmp is another one.
        fs::copy(package, self.room.path.join("var/tmp/package.deb"))?;
        self.apt("install --no-install-recommends /var/tmp/package.deb")
    }

    /// The server's process once systemd counts it as started, if it is another one than that.
    fn serving(&self, than: &str) -> Result<String> {
        let process = until("the unit does not become active", || {
            let show = "systemctl show --property ActiveState,MainPID --value recording-server";
            let said = self.inside(show).quiet().ok()?;
            let mut values: Vec<_> = said.split_whitespace().collect();
            values.sort_unstable();
            match values[..] {
                [process, "active"] if process != than => Some(process.to_owned()),
                _ => None,
            }
        });
        process
            .with_context(|| self.inside("journalctl --no-pager --unit recording-server").quiet().unwrap_or_default())
    }

    /// The package with a systemd that runs: started, locked in, reloaded, restarted, upgraded, stopped.
    pub(super) fn life(&self, package: &Path, newer: &Path, session: &str) -> Result<()> {
        self.install(package)?;
        let first = self.serving("")?;
        let status = self.inside(&format!("cat /proc/{first}/status")).quiet()?;
        for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            ensure!(status.contains(line), "the server runs without `{line}`:\n{status}");
        }
        ensure!(!status.contains("Uid:\t0\t"), "the server runs as root");
        let users = |process: &str| self.inside(&format!("readlink /proc/{process}/ns/user")).quiet();
        ensure!(users(&first)? != users("1")?, "the server shares the users of the system");
        ensure!(self.ask("PUT", session)?.ends_with("201"), "no session is begun");

        self.inside("systemctl reload recording-server").quiet()?;
        until("a reload is not seen", || {
            self.ask("GET", "metrics").ok()?.contains("recording_config_reloads_total{config=\"good\"} 1").then_some(())
        })?;
        self.inside(&format!("kill -KILL {first}")).quiet()?;
        let second = self.serving(&first)?;
        ensure!(self.ask("GET", session)?.ends_with("200"), "a session is gone after a kill");

        self.install(newer)?;
        self.serving(&second)?;
        ensure!(self.ask("GET", session)?.ends_with("200"), "a session is gone after an upgrade");

        self.apt("remove recording-server")?;
        let left = self.inside("pgrep --uid recording-server").or_statuses(&[1]).quiet()?;
        ensure!(left.is_empty(), "the server runs after its removal");
        self.apt("purge recording-server")?;
        let unit = self.inside("systemctl is-enabled recording-server").output()?;
        ensure!(unit.status != Some(0), "systemd knows the unit after the purge");
        Ok(())
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // With it goes its first process, and with that all others.
        let _ = self.process.kill();
        let _ = self.process.wait();
        for group in &self.groups {
            // What ends takes a moment, and a group that is not empty stays.
            let remove = Sh::new("find").arg(group).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
            let _ = until("its control groups are not empty", || {
                let _ = remove.output();
                (!group.exists()).then_some(())
            });
        }
    }
}

/// Waits for what a question finds.
fn until<T>(what: &str, question: impl Fn() -> Option<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = question() {
            return Ok(found);
        }
        ensure!(began.elapsed() < PATIENCE, "{what}, in {} s", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(100));
    }
}
