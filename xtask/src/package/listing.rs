//! What is in a tree of files, and how two listings of it differ.

use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// What package managers and the kernel write for themselves, whatever is installed.
const THEIRS: &[&str] = &[
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/log/apt",
    "var/log/dpkg.log",
    "var/log/alternatives.log",
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "etc/.pwd.lock",
];

/// Paths from the root, with what is compared of each: kind, mode, owner, group, and what is in it.
pub(super) type Listing = BTreeMap<PathBuf, String>;

/// Lists a tree.
pub(super) fn list(root: &Path) -> Result<Listing> {
    let mut listing = Listing::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if THEIRS.iter().any(|theirs| path == Path::new(theirs)) {
                continue;
            }
            let metadata = fs::symlink_metadata(entry.path())?;
            let content = if metadata.is_symlink() {
                fs::read_link(entry.path())?.display().to_string()
            } else if metadata.is_file() {
                fingerprint(&fs::read(entry.path())?)
            } else {
                String::new()
            };
            let (mode, owner) = (metadata.mode(), format!("{}:{}", metadata.uid(), metadata.gid()));
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            listing.insert(path, format!("{mode:o} {owner} {content}"));
        }
    }
    Ok(listing)
}

/// FNV-1a, to notice a change that no one means to hide.
fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{} bytes, {hash:x}", bytes.len())
}

/// What is more, less or different in the later listing.
pub(super) fn differences(before: &Listing, after: &Listing) -> Vec<String> {
    let gone = before.iter().filter(|(path, _)| !after.contains_key(*path));
    let gone = gone.map(|(path, _)| format!("/{} is gone", path.display()));
    let other = after.iter().filter_map(|(path, now)| match before.get(path) {
        None => Some(format!("/{} is left", path.display())),
        Some(then) => (then != now).then(|| format!("/{} was {then} and is {now}", path.display())),
    });
    gone.chain(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn every_kind_of_difference_is_found() -> Result<()> {
        let place = tempfile::tempdir()?;
        let at = |path: &str| place.path().join(path);
        for folder in ["etc/x", "usr/bin", "var/cache"] {
            fs::create_dir_all(at(folder))?;
        }
        for file in ["etc/x/one", "usr/bin/two", "usr/three"] {
            fs::write(at(file), file)?;
        }
        symlink("one", at("etc/x/link"))?;
        let before = list(place.path())?;
        assert_eq!(differences(&before, &list(place.path())?), [""; 0]);

        fs::write(at("var/cache/theirs"), "")?;
        fs::write(at("etc/passwd-"), "")?;
        assert_eq!(differences(&before, &list(place.path())?), [""; 0]);

        fs::remove_file(at("usr/three"))?;
        fs::write(at("etc/x/one"), "etc/x/eno")?;
        fs::set_permissions(at("usr/bin/two"), fs::Permissions::from_mode(0o4755))?;
        fs::create_dir(at("etc/left"))?;
        fs::remove_file(at("etc/x/link"))?;
        symlink("two", at("etc/x/link"))?;
        let found = differences(&before, &list(place.path())?);
        let starts =
            ["/usr/three is gone", "/etc/left is left", "/etc/x/link was ", "/etc/x/one was ", "/usr/bin/two was "];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        assert!(found.iter().zip(starts).all(|(found, start)| found.starts_with(start)), "{found:?}");
        Ok(())
    }
}
