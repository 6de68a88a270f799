//! A recent etcd from Debian's packages.
//!
//! Debian's stable releases have versions whose watches lose events, so that it comes from `sid`. The index is checked by
//! Debian's signature and the packages by the sums in it, both by apt. The packages are unpacked and not installed.

use crate::{
    sh::{self, Sh, say, target},
    text::found,
};
use anyhow::{Context as _, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The oldest whose watches lose no events: etcd#17529, etcd#18089 and etcd#19179 are corrected in it.
const OLDEST: [u32; 3] = [3, 5, 30];
const SUITE: &str = "sid";
const PACKAGES: [&str; 2] = ["etcd-server", "etcd-client"];
/// What the packages are signed by.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The folder with the programs: the one that `ETCD_BIN` names, or the one under `target/`, which is filled if it is empty.
pub(crate) fn programs() -> Result<PathBuf> {
    if let Some(named) = env::var_os("ETCD_BIN").map(PathBuf::from) {
        check(&named).with_context(|| format!("ETCD_BIN names {}", named.display()))?;
        return Ok(named);
    }
    let place = target().join("etcd");
    let folder = place.join("usr/bin");
    if check(&folder).is_err() {
        unpack(&place)?;
        check(&folder)?;
    }
    Ok(folder)
}

/// That etcd is there and new enough.
fn check(folder: &Path) -> Result<()> {
    for program in ["etcd", "etcdctl"] {
        if !folder.join(program).is_file() {
            bail!("{} is missing", folder.join(program).display());
        }
    }
    let said = Sh::new(folder.join("etcd")).arg("--version").quiet()?;
    let version = version(&said).with_context(|| format!("etcd does not say its version:\n{said}"))?;
    if version < OLDEST {
        let words = |version: [u32; 3]| version.map(|part| part.to_string()).join(".");
        bail!("etcd {} is too old: {} or newer is needed", words(version), words(OLDEST));
    }
    Ok(())
}

fn unpack(place: &Path) -> Result<()> {
    let why = "needed to get etcd, or set ETCD_BIN to a folder with a recent etcd and etcdctl";
    for program in ["apt-get", "dpkg"] {
        sh::need(program, why)?;
    }
    if !Path::new(KEYRING).is_file() {
        bail!("{KEYRING} is missing: {why}");
    }
    let sources = sources()?;
    let mirror = mirror(&sources).with_context(|| format!("apt's sources name no mirror of Debian: {why}"))?;
    say(&format!("getting etcd of Debian {SUITE}"));
    let apt = place.join("apt");
    let _ = fs::remove_dir_all(place);
    fs::create_dir_all(apt.join("lists/partial"))?;
    fs::create_dir_all(apt.join("cache/archives/partial"))?;
    fs::write(apt.join("sources.list"), format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n"))?;
    let run = |words: &str| {
        let option = |name: &str, path: &str| format!("-oDir::{name}={}", apt.join(path).display());
        let command = Sh::line("apt-get -q -oDir::Etc::sourceparts=/dev/null -oAcquire::Retries=3");
        let command = command.arg("-oAPT::Sandbox::User=root").arg(option("Etc::sourcelist", "sources.list"));
        let command = command.arg(option("State::lists", "lists")).arg(option("Cache", "cache"));
        command.args(words.split_whitespace()).dir(&apt).quiet()
    };
    run("update")?;
    run(&format!("download {}", PACKAGES.join(" ")))?;
    for file in fs::read_dir(&apt)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            Sh::line("dpkg -x").arg(path).arg(place).quiet()?;
        }
    }
    fs::remove_dir_all(apt)?;
    Ok(())
}

/// What apt's own sources say, in both of their forms.
fn sources() -> Result<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        for part in parts {
            files.push(part?.path());
        }
    }
    Ok(files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n"))
}

/// The first mirror of Debian in apt's sources.
fn mirror(sources: &str) -> Option<&str> {
    found(r"(?m)^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S*/debian)/?(?:\s|$)", sources)
}

fn version(said: &str) -> Option<[u32; 3]> {
    let numbers = found(r"(?m)^etcd Version: (\d+\.\d+\.\d+)", said)?;
    let numbers: Vec<u32> = numbers.split('.').filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_in_either_form_of_sources() {
        let lines = "# deb http://no/debian sid main\ndeb-src http://no/debian sid main\ndeb [arch=amd64] https://a.example/debian/ bookworm main\n";
        assert_eq!(mirror(lines), Some("https://a.example/debian"));
        assert_eq!(mirror("Types: deb\nURIs: http://b.example/debian\nSuites: x\n"), Some("http://b.example/debian"));
        assert_eq!(mirror("deb http://a.example/debian-security stable main\n"), None);
        assert_eq!(mirror("deb http://a.example/ubuntu noble main\n"), None);
    }

    #[test]
    fn etcd_says_its_version() {
        assert_eq!(version("etcd Version: 3.5.30\nGit SHA: x\n"), Some(OLDEST));
        assert_eq!(version("etcd Version: 3.7.0-rc.1\n"), Some([3, 7, 0]));
        assert_eq!(version("Version: 3.5.30"), None);
    }

    #[test]
    fn a_folder_without_etcd_says_what_is_missing() {
        let missing = check(Path::new("/nonexistent")).expect_err("it is not there");
        assert!(missing.to_string().contains("/nonexistent/etcd is missing"), "{missing}");
    }
}
