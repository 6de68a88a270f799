//! That a tag names what is released.

use super::deb;
use crate::sh::{root, say};
use anyhow::{Result, ensure};
use clap::Args;
use std::fs;

/// Compare the name of a tag with the version in the manifests and in CHANGELOG.md.
#[derive(Args)]
pub(crate) struct Options {
    /// As in v0.1.0
    #[arg(value_name = "TAG")]
    tag: String,
}

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        let of_c = fs::read_to_string(root().join("shells/c/Cargo.toml"))?;
        check(&self.tag, &deb::version()?, &of_c, &fs::read_to_string(root().join("CHANGELOG.md"))?)?;
        say(&format!("{} is the version of everything", self.tag));
        Ok(())
    }
}

fn check(tag: &str, version: &str, manifest_of_c: &str, changes: &str) -> Result<()> {
    ensure!(tag == format!("v{version}"), "the tag is {tag}, and the version in Cargo.toml is {version}");
    let line = format!("\nversion = \"{version}\"\n");
    ensure!(manifest_of_c.contains(&line), "the version in shells/c/Cargo.toml is another one than {version}");
    ensure!(changes.contains(&format!("\n## [{version}]")), "CHANGELOG.md has no section of {version}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_held_against_manifests_and_changes() {
        let (manifest, changes) =
            ("[workspace.package]\nversion = \"1.2.3\"\n", "# Changelog\n\n## [1.2.3] - 2026-11-30\n");
        assert!(check("v1.2.3", "1.2.3", manifest, changes).is_ok());
        assert!(check("1.2.3", "1.2.3", manifest, changes).is_err());
        assert!(check("v1.2.3", "1.2.4", manifest, changes).is_err());
        assert!(check("v1.2.3", "1.2.3", "version = \"1.2.2\"\n", changes).is_err());
        assert!(check("v1.2.3", "1.2.3", manifest, "## [Unreleased]\n").is_err());
    }

    #[test]
    fn the_manifests_of_this_tree_agree() -> Result<()> {
        let version = deb::version()?;
        let of_c = fs::read_to_string(root().join("shells/c/Cargo.toml"))?;
        check(&format!("v{version}"), &version, &of_c, &format!("\n## [{version}]"))
    }
}
