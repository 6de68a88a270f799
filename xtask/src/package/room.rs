//! A clean system to install into: the smallest one that has apt, of the distribution that this machine runs.

use super::place;
use crate::{
    sh::{Sh, say},
    text::found,
    tools,
};
use anyhow::{Context as _, Result};
use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How long an unpacked system is as good as a new one.
const FRESH: Duration = Duration::from_secs(7 * 24 * 3600);

/// Writes down what it is asked for, and has the real one do it as far as that can without a running systemd: units are
/// enabled, and none is started.
const SYSTEMCTL: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$*\" >>/run/systemctl\nSYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real \"$@\"\n";

/// The system, and whatever is in it by now.
pub(super) struct Room {
    pub(super) path: PathBuf,
}

impl Room {
    /// Unpacks a clean one, which is downloaded if there is none from the last week.
    pub(super) fn new() -> Result<Self> {
        // What the package depends on is there, so that it is installed without a network.
        Self::unpacked("root", "adduser,systemd,procps", &[])
    }

    /// One with these packages as well, and in which others can be installed without a network.
    pub(super) fn with_packages(packages: &str, later: &str) -> Result<Self> {
        let fetch = format!("chroot \"$1\" apt-get -qq install --download-only --no-install-recommends {later}");
        let hooks = ["--skip=cleanup/apt".to_owned(), format!("--customize-hook={fetch}")];
        Self::unpacked("walk", &format!("adduser,systemd,procps,{packages}"), &hooks)
    }

    fn unpacked(name: &str, include: &str, more: &[String]) -> Result<Self> {
        tools::need_package("mmdebstrap", "mmdebstrap")?;
        let release = fs::read_to_string("/etc/os-release")?;
        let suite =
            found(r#"(?m)^VERSION_CODENAME="?([a-z]+)"?$"#, &release).context("the name of this Debian or Ubuntu")?;
        let archive = place()?.join(format!("{name}-{suite}.tar"));
        let age = fs::metadata(&archive).and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_none_or(|age| age > FRESH) {
            say(&format!("unpacking a clean {suite}, once a week"));
            let made = archive.with_extension("new.tar");
            let make = Sh::line("mmdebstrap --quiet --mode=root --variant=apt --dpkgopt=force-unsafe-io");
            make.arg(format!("--include={include}")).args(more).arg(suite).arg(&made).quiet()?;
            fs::rename(made, &archive)?;
        }
        let path = place()?.join(name);
        remove(&path)?;
        fs::create_dir(&path)?;
        Sh::line("tar --extract --numeric-owner --file").arg(archive).arg("--directory").arg(&path).quiet()?;
        Ok(Self { path })
    }

    /// One where systemd does not run, and what it is asked for is written down.
    pub(super) fn with_records() -> Result<Self> {
        let room = Self::new()?;
        // As on a system that systemd has booted.
        fs::create_dir_all(room.path.join("run/systemd/system"))?;
        fs::rename(room.path.join("usr/bin/systemctl"), room.path.join("usr/bin/systemctl.real"))?;
        room.write("usr/bin/systemctl", SYSTEMCTL)?;
        room.run("chmod 755 /usr/bin/systemctl")?;
        Ok(room)
    }

    /// Runs a line of the shell as root.
    pub(super) fn run(&self, line: &str) -> Result<String> {
        self.command(&["sh", "-c", line]).merged()
    }

    /// A command as a user and a group. It has a /proc, which goes with it.
    pub(super) fn run_as(&self, user: &str, words: &[&str]) -> Sh {
        let user = format!("--userspec={user}");
        let enter = r#"mount -t proc proc "$0/proc" && exec chroot "$@""#;
        let enter = Sh::line("unshare --mount sh -c").arg(enter).arg(&self.path).arg(user).arg(&self.path);
        enter.args(["env", "-i", "PATH=/usr/bin:/bin"]).args(words)
    }

    fn command(&self, words: &[&str]) -> Sh {
        let clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"];
        Sh::new("chroot").arg(&self.path).args(clean).args(words)
    }

    /// As an administrator does it: apt, which finds what the package depends on.
    pub(super) fn apt(&self, words: &str) -> Result<String> {
        self.run(&format!("apt-get -y -q -o APT::Sandbox::User=root -o Dpkg::Options::=--force-confold {words}"))
    }

    /// Has the package at a place that apt can read.
    pub(super) fn install(&self, package: &Path) -> Result<String> {
        fs::copy(package, self.path.join("tmp/package.deb"))?;
        self.apt("install --no-install-recommends /tmp/package.deb")
    }

    /// What systemd was asked for since the last time.
    pub(super) fn asked(&self) -> Result<Vec<String>> {
        let log = self.path.join("run/systemctl");
        let asked = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(log);
        Ok(asked.lines().map(str::to_owned).collect())
    }

    pub(super) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.path.join(path)).with_context(|| format!("/{path}"))
    }

    pub(super) fn write(&self, path: &str, text: &str) -> Result<()> {
        fs::write(self.path.join(path), text).with_context(|| format!("/{path}"))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path.join(path)).is_ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            say(&format!("{error:#}"));
        }
    }
}

/// Removes a tree, and nothing on other file systems that might be mounted in it.
fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        Sh::line("rm --recursive --force --one-file-system").arg(path).quiet()?;
    }
    Ok(())
}
