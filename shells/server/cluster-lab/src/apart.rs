//! This program in a network of its own, where namespaces can be laid out and nothing of the machine's network is touched.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

/// Set in the environment where the network is this program's own.
const MARK: &str = "RECORDING_CLUSTER_LAB_APART";

/// Hides the machine's named namespaces: those of this program have names that another run has, too. All of them are gone when
/// the last process in them is.
const INSIDE: &str = r#"mount -t tmpfs tmpfs /run && mkdir /run/netns && exec "$@""#;

/// Goes on where network and mounts are this program's own: it is executed again there, as the same process.
///
/// # Errors
///
/// If this machine gives no namespaces to it: what to do.
pub(crate) fn enter() -> Result<()> {
    if env::var_os(MARK).is_some() {
        return Ok(());
    }
    let tried = inside(&["ip", "-V"]).stdin(Stdio::null()).output();
    let tried = tried.context("`unshare` cannot be run: install util-linux")?;
    if !tried.status.success() {
        bail!(
            "servers and members are cut off from each other by network namespaces, and this machine gives none: run it as root \
             (in a container, with CAP_SYS_ADMIN and CAP_NET_ADMIN) and install iproute2, mount and util-linux\n{}",
            String::from_utf8_lossy(&tried.stderr).trim()
        );
    }
    let own = env::current_exe()?;
    let mut words = vec![own.to_str().context("this program's path")?.to_owned()];
    words.extend(env::args().skip(1));
    // It comes back only if it fails.
    Err(inside(&words).env(MARK, "").exec()).context("`unshare` cannot be run")
}

/// A command in namespaces of its own.
fn inside(words: &[impl AsRef<str>]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--propagation", "private"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--", "sh", "-c", INSIDE, "sh"]).args(words.iter().map(AsRef::as_ref));
    command
}
