//! What the tools have to name of the core. It is in a file, so that a change of the core changes no tool.

use crate::sh::root;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::fs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Names {
    /// Pages of the documentation that say which feature what they describe needs.
    pub(crate) feature_pages: Vec<String>,
    /// Unit tests for the quick run of Miri.
    pub(crate) miri: Vec<String>,
    /// Integration tests that a mutant meets last.
    pub(crate) late_tests: Vec<String>,
    /// Parts of the image of `proofs/size`.
    pub(crate) parts: Vec<Part>,
}

/// What a line of code belongs to, by its file; the first that matches counts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) files: String,
}

impl Names {
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string(root().join("xtask/names.toml")).context("xtask/names.toml")?;
        toml::from_str(&text).context("xtask/names.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::regex;

    #[test]
    fn every_name_is_one_of_todays_core() -> Result<()> {
        let names = Names::read()?;
        for test in &names.late_tests {
            assert!(root().join(format!("tests/{test}.rs")).exists(), "no test {test}");
        }
        let mut files = Vec::new();
        crate::prove::files_under(&root().join("src"), &mut files)?;
        files.push("proofs/size/src/main.rs".into());
        let files: Vec<_> =
            files.iter().map(|file| file.strip_prefix(root()).unwrap_or(file).display().to_string()).collect();
        for part in &names.parts {
            assert!(files.iter().any(|file| regex(&part.files).is_match(file)), "no file of `{}`", part.name);
        }
        Ok(())
    }
}
