//! The Debian package: the manifest of the server says what is in it, cargo-deb packs it.

use super::{notices, place};
use crate::{
    sh::{Sh, root, say, target},
    text::found,
    tools,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Build the Debian package of the server, with the feature etcd, and print its path.
///
/// It depends on the C library of the machine that builds it, or a newer one: build on the oldest system that it is for.
#[derive(Args)]
pub(crate) struct Options {
    /// Package the unoptimised program: quick, to try the package itself
    #[arg(long)]
    debug: bool,
}

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        println!("{}", build(self.debug)?.display());
        Ok(())
    }
}

/// Where the program is when a package of it is found next to the unit, instead of by hand.
const INSTALLED: (&str, &str) = ("/usr/local/bin/recording-server", "/usr/bin/recording-server");

/// Builds the package and gives its path.
pub(super) fn build(debug: bool) -> Result<PathBuf> {
    tools::need_package("dpkg-shlibdeps", "dpkg-dev")?;
    tools::need_package("xz", "xz-utils")?;
    let cargo_deb = tools::need_tool("cargo-deb")?;
    let program = Sh::line("cargo build --locked --quiet -p recording-server --features etcd");
    if debug { program } else { program.arg("--release") }.show()?;
    // cargo-deb packages no profile for development: so its program is put where a profile of this name would put it.
    let profile = if debug { "package-debug" } else { "release" };
    let built = target().join(profile);
    if debug {
        fs::create_dir_all(&built)?;
        fs::copy(target().join("debug/recording-server"), built.join("recording-server"))?;
    }
    let date = Sh::line("git log -1 --format=%ct").quiet()?.trim().to_owned();
    stage(&built.join("package"), &date)?;
    let pack = Sh::new(cargo_deb).args(["deb", "--no-build", "--locked", "--strip", "--compress-system"]);
    let pack = pack.args(["--package", "recording-server", "--profile", profile]);
    let pack = if debug { pack.arg("--fast") } else { pack };
    // The same sources make the same package.
    let said = pack.arg("--output").arg(place()?).env("SOURCE_DATE_EPOCH", &date).merged()?;
    let Some(path) = said.lines().map(PathBuf::from).find(|line| line.extension().is_some_and(|end| end == "deb"))
    else {
        bail!("cargo-deb named no package:\n{said}");
    };
    // The unit is there, as a file that was made: only the folder of the scripts has none.
    let expected = "No usable systemd units found";
    if said.lines().any(|line| line.starts_with("warning") && !line.contains(expected)) {
        bail!("cargo-deb warns:\n{said}");
    }
    say(&format!("{} has {} bytes", path.display(), fs::metadata(&path)?.len()));
    Ok(path)
}

/// Makes what the package has besides files of the repository.
fn stage(to: &Path, date: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    let read = |path: &str| fs::read_to_string(root().join(path)).with_context(|| path.to_owned());
    fs::write(to.join("recording-server.service"), unit(&read("deploy/recording-server.service")?)?)?;
    let date = Sh::line("date --utc --rfc-email --date").arg(format!("@{date}")).env("LC_ALL", "C").quiet()?;
    for (name, text) in [
        ("recording-server.8", read("deploy/recording-server.8")?),
        ("changelog", read("CHANGELOG.md")?),
        ("changelog.Debian", changelog(&maintainer()?, &version()?, date.trim())),
        ("third-party", notices::of("recording-server", &["etcd"])?),
    ] {
        fs::write(to.join(name), text)?;
        // Without name and time: the same text makes the same file.
        Sh::line("gzip --best --no-name --force").arg(to.join(name)).quiet()?;
    }
    Ok(())
}

/// The unit, of a program that a package has installed.
fn unit(text: &str) -> Result<String> {
    let (by_hand, by_package) = INSTALLED;
    if text.matches(by_hand).count() != 2 {
        bail!("deploy/recording-server.service does not name {by_hand} twice");
    }
    let text = text.replace(by_hand, by_package);
    // The first line says where to put it by hand.
    Ok(text.strip_prefix("# /etc/systemd/system/recording-server.service\n").unwrap_or(&text).to_owned())
}

/// What has changed in the packaging: nothing else is in this file, and the changes of the program are next to it.
fn changelog(maintainer: &str, version: &str, date: &str) -> String {
    format!(
        "recording-server ({version}-1) unstable; urgency=medium\n\n  * {version}: see changelog.gz.\n\n -- {maintainer}  {date}\n"
    )
}

/// The version of the server, and of all that is released with it.
pub(super) fn version() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    Ok(found(r#"(?s)\[workspace\.package\].*?\nversion = "([^"]+)""#, &manifest).context("no version")?.to_owned())
}

fn maintainer() -> Result<String> {
    let manifest = fs::read_to_string(root().join("shells/server/Cargo.toml"))?;
    Ok(found(r#"(?m)^maintainer = "([^"]+)""#, &manifest).context("no maintainer")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_names_the_program_of_the_package() -> Result<()> {
        let source = fs::read_to_string(root().join("deploy/recording-server.service"))?;
        let made = unit(&source)?;
        assert!(made.starts_with("[Unit]\n") && !made.contains("/usr/local"));
        assert_eq!(made.matches("=/usr/bin/recording-server ").count(), 2);
        // Nothing else differs.
        let same = |text: &str| text.lines().filter(|line| !line.contains("bin/recording-server")).count();
        assert_eq!(same(&made) + 1, same(&source));
        assert!(unit("[Service]\nExecStart=/bin/recording-server\n").is_err());
        Ok(())
    }

    #[test]
    fn the_version_and_the_maintainer_are_found() -> Result<()> {
        assert_eq!(version()?, env!("CARGO_PKG_VERSION"));
        let text = changelog(&maintainer()?, "1.2.3", "Mon, 30 Nov 2026 00:00:00 +0000");
        assert!(text.starts_with("recording-server (1.2.3-1) unstable;") && text.contains("\n -- recording-core <"));
        Ok(())
    }
}
