//! Where etcd is, and how old it is.

use core::fmt;
use core::str::FromStr;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest etcd that does not lose events of watches.
pub const OLDEST: Version = Version(3, 5, 30);

/// A version of etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

/// The programs of one installation.
#[derive(Debug, Clone)]
pub struct Programs {
    pub(crate) etcd: PathBuf,
    pub(crate) etcdctl: PathBuf,
    pub(crate) etcdutl: PathBuf,
}

impl Programs {
    /// Those in the folder that `ETCD_BIN` names, else those under `target/`.
    ///
    /// # Errors
    ///
    /// If there are none there, or they are too old.
    pub fn find() -> Result<Self, String> {
        let folder = env::var_os("ETCD_BIN").map_or_else(installed, PathBuf::from);
        Self::in_folder(&folder)
    }

    /// Those in this folder.
    ///
    /// # Errors
    ///
    /// If there are none there, or they are too old.
    pub fn in_folder(folder: &Path) -> Result<Self, String> {
        let programs =
            Self { etcd: folder.join("etcd"), etcdctl: folder.join("etcdctl"), etcdutl: folder.join("etcdutl") };
        for program in [&programs.etcd, &programs.etcdctl] {
            if !program.is_file() {
                let place = program.display();
                return Err(format!("{place} is missing: `cargo xtask cluster install` gets it, or set ETCD_BIN"));
            }
        }
        let version = programs.version()?;
        if version < OLDEST {
            return Err(format!("{} is etcd {version}: {OLDEST} or newer is needed", programs.etcd.display()));
        }
        Ok(programs)
    }

    /// Their version.
    ///
    /// # Errors
    ///
    /// If etcd does not say it.
    pub fn version(&self) -> Result<Version, String> {
        let said = Command::new(&self.etcd).arg("--version").output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&said.stdout);
        let version = said.lines().find_map(|line| line.strip_prefix("etcd Version: "));
        version.and_then(|version| version.parse().ok()).ok_or_else(|| format!("etcd does not say its version: {said}"))
    }

    /// The program of operators for offline data: snapshots.
    #[must_use]
    pub fn etcdutl(&self) -> &Path {
        &self.etcdutl
    }
}

fn installed() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("etcd/usr/bin")
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // Without what follows a hyphen, as in 3.7.0-rc.1.
        let mut parts = text.trim().split('-').next().unwrap_or_default().split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self(major, minor, patch)),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!("3.5.30".parse(), Ok(OLDEST));
        assert_eq!("3.7.0-rc.1\n".parse(), Ok(Version(3, 7, 0)));
        assert!(Version(3, 5, 4) < OLDEST && OLDEST < Version(3, 6, 0));
        for text in ["", "3", "3.5", "3.5.x", "3.5.1.2", "v3.5.1"] {
            assert_eq!(text.parse::<Version>(), Err(()), "{text:?}");
        }
    }

    #[test]
    fn missing_programs_say_how_to_get_them() {
        let missing = Programs::in_folder(Path::new("/nonexistent")).expect_err("it is not there");
        assert!(missing.contains("cargo xtask cluster install"), "{missing}");
    }
}
