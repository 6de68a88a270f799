//! The server with a real recorder: `shells/server/lab`, and what it needs of Debian.

use crate::sh::{self, Sh, say, target};
use anyhow::Result;
use clap::{Args, Subcommand};

/// Programs, and the packages of Debian that bring them.
const PACKAGES: &[(&str, &str)] =
    &[("rtpengine", "rtpengine-daemon"), ("kamailio", "kamailio"), ("sipp", "sip-tester")];

/// Installs packages such that none of their services is started.
const INSTALL: &str = r#"set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=600 update -qq
apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "$@"
"#;

/// The server with real recorders: calls through rtpengine, whose packets are looked for in its files.
///
/// Installs what it needs: rtpengine, kamailio and sipp of the distribution, none of them as a service.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Only install the packages
    Install,
    /// All that is shown with them, in under four minutes; the same as no command
    Check,
    /// Hundreds of pauses through the server: undisturbed, and under each disturbance
    Pauses(Rest),
    /// Planted faults that the laboratory must find; needs no server
    Controls(Rest),
    /// A whole call by sipp and kamailio, in which a card's number is said while the recording is paused
    Call(Rest),
    /// Other versions of rtpengine, unpacked from newer suites of Debian: one works, one must be refused
    Versions,
}

/// Arguments for the laboratory.
#[derive(Args)]
struct Rest {
    /// Handed on to the laboratory, which has `--help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

impl Options {
    pub(crate) fn run(&self) -> Result<()> {
        match &self.command {
            Some(Command::Install) => install(),
            Some(Command::Pauses(rest)) => with_server("pauses", &rest.rest),
            Some(Command::Call(rest)) => with_server("call", &rest.rest),
            Some(Command::Versions) => versions().map(drop),
            Some(Command::Controls(rest)) => controls(&rest.rest),
            Some(Command::Check) | None => check(),
        }
    }
}

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<_> =
        PACKAGES.iter().filter(|(program, _)| !sh::has(program)).map(|&(_, package)| package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    sh::need("apt-get", &format!("needed to install {}", missing.join(", ")))?;
    say(&format!("installing {}", missing.join(", ")));
    let root = Sh::line("id -u").quiet()?.trim() == "0";
    let shell = if root { Sh::new("sh") } else { Sh::line("sudo sh") };
    shell.args(["-c", INSTALL, "sh"]).args(&missing).quiet()?;
    for (program, package) in PACKAGES {
        sh::need(program, &format!("the package {package} has no such program"))?;
    }
    Ok(())
}

/// What the CI runs.
pub(crate) fn check() -> Result<()> {
    controls(&["--pauses", "100"].map(str::to_owned))?;
    Sh::line("cargo test --locked -p recording-server --test rtpengine -- --ignored").show()?;
    with_server("call", &[])?;
    with_server("pauses", &[])
}

fn controls(rest: &[String]) -> Result<()> {
    install()?;
    lab("controls", rest)
}

/// Suites of Debian whose rtpengine is tried, and what must come of it.
const SUITES: &[(&str, &str)] = &[("sid", "works"), ("trixie", "refused")];

/// Gives what the laboratory said of them, for the table of proofs.
pub(crate) fn versions() -> Result<String> {
    install()?;
    let server = server()?;
    let mut said = Vec::new();
    for (suite, expected) in SUITES {
        let place = target().join("recorder").join(suite);
        say(&format!("rtpengine of {suite}"));
        Sh::new("sh")
            .arg("shells/server/lab/unpack")
            .arg(suite)
            .arg(&place)
            .args(["rtpengine-daemon", "rtpengine"])
            .quiet()?;
        let program = place.join("rtpengine").display().to_string();
        let out = lab_command("version")
            .args(["--server", &server, "--rtpengine", &program, "--expected", expected])
            .read()?;
        println!("{out}");
        said.extend(version_in(&out).map(|version| format!("{version} {expected}")));
    }
    Ok(said.join(", "))
}

/// The version that the laboratory names first.
fn version_in(out: &str) -> Option<&str> {
    out.lines().find_map(|line| line.strip_prefix("lab version: Version: "))
}

fn with_server(command: &str, rest: &[String]) -> Result<()> {
    install()?;
    let mut arguments = vec!["--server".to_owned(), server()?];
    arguments.extend_from_slice(rest);
    lab(command, &arguments)
}

/// The server's program.
fn server() -> Result<String> {
    Sh::line("cargo build --locked -p recording-server").show()?;
    Ok(target().join("debug/recording-server").display().to_string())
}

/// The laboratory, built as usual: it waits more than it computes.
fn lab_command(command: &str) -> Sh {
    Sh::line("cargo run --quiet --locked -p recording-lab --").arg(command)
}

fn lab(command: &str, arguments: &[String]) -> Result<()> {
    lab_command(command).args(arguments).show()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_first() {
        assert_eq!(version_in("x\nlab version: Version: 26.0.1\nlab version: by native\n"), Some("26.0.1"));
        assert_eq!(version_in("lab version: by native\n"), None);
    }

    #[test]
    fn no_service_is_started_by_what_is_installed() -> Result<()> {
        // As a shell reads it.
        Sh::new("sh").args(["-n", "-c", INSTALL]).quiet()?;
        assert!(INSTALL.find("exit 101").is_some_and(|policy| policy < INSTALL.find("install -y").unwrap_or_default()));
        assert!(INSTALL.contains("--no-install-recommends"));
        Ok(())
    }
}
