//! A copy of the core in which a mutant is built and tested in a second or two.
//!
//! The core and all its tests are one crate there: one compilation, in small steps, and one linking, where the crate itself
//! links the core three times over. What is tested is the same text; only the names of the modules differ. The crate that
//! the tests share with other packages is a module there as well: what it compares is the mutant.

use super::files_under;
use crate::{
    names::Names,
    sh::{root, target},
    text::regex,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::PathBuf};

const PARTS: [&str; 7] = ["src", "tests", "docs", "examples", "README.md", "Cargo.toml", "Cargo.lock"];
const PROFILE: &str = r#"
[lib]
doctest = false

[profile.dev]
debug = false
opt-level = 0
incremental = true

[profile.dev.package."*"]
opt-level = 3
"#;

/// Where mutants are tested, and what came of it is kept.
pub(super) fn place() -> PathBuf {
    target().join("prove/mutants")
}

pub(super) fn tree() -> PathBuf {
    place().join("tree")
}

/// Writes the copy again from the start.
pub(super) fn build() -> Result<()> {
    let tree = tree();
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for part in PARTS {
        let mut files = Vec::new();
        let source = root().join(part);
        if source.is_dir() {
            files_under(&source, &mut files)?;
        } else {
            files.push(source);
        }
        for file in files {
            let to = tree.join(file.strip_prefix(root())?);
            fs::create_dir_all(to.parent().context("a file has a directory")?)?;
            // With the time of now: what was built of a mutant before must not be taken for what is built of this.
            fs::write(to, fs::read(file)?)?;
        }
    }
    let path = tree.join("Cargo.toml");
    fs::write(&path, manifest(&fs::read_to_string(&path)?))?;
    let library = tree.join("src/lib.rs");
    let text = fs::read_to_string(&library)?;
    fs::write(library, library_with_tests(&text, &tests()?)?)?;
    Ok(())
}

fn manifest(text: &str) -> String {
    let text = regex("(?m)^members = .*$").replace_all(text, r#"members = ["."]"#);
    let text = regex("(?m)^(default-members|exclude|recording-test-support) = .*$").replace_all(&text, "");
    text.replacen("[package]\n", "[package]\nautotests = false\nautoexamples = false\n", 1) + PROFILE
}

/// The names of the integration tests, which find what they share as a module of the copy.
fn tests() -> Result<Vec<String>> {
    let (mut names, directory) = (Vec::new(), tree().join("tests"));
    let late = Names::read()?.late_tests;
    let mut paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(path)?;
        fs::write(path, regex(r"\brecording_test_support::").replace_all(&text, "crate::support::").as_ref())?;
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort_by_key(|name| late.iter().position(|one| one == name).map_or(0, |at| at + 1));
    Ok(names)
}

fn library_with_tests(text: &str, tests: &[String]) -> Result<String> {
    if text.matches("#![no_std]\n").count() != 1 {
        bail!("src/lib.rs has no line `#![no_std]`");
    }
    // The tests use std as they always do; what the core may not use is proven by other images.
    let mut library = text.replace("#![no_std]\n", "#![cfg_attr(not(test), no_std)]\n");
    library += "\n#[cfg(test)]\nextern crate self as recording_core;\n#[cfg(test)]\n#[allow(dead_code, unreachable_pub)]\n#[path = \"../tests/support/src/lib.rs\"]\nmod support;\n";
    for (at, name) in tests.iter().enumerate() {
        // The test harness runs its tests in the order of their names, these before those in the core's own files.
        library += &format!("#[cfg(test)]\n#[path = \"../tests/{name}.rs\"]\nmod a{at:02}_{name};\n");
    }
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_one_crate_alone() {
        let text = "[workspace]\nmembers = [\".\", \"xtask\"]\ndefault-members = [\".\"]\nexclude = [\"fuzz\"]\n\n[package]\nname = \"recording-core\"\n\n[dev-dependencies]\nrecording-test-support = { path = \"tests/support\" }\n";
        let made = manifest(text);
        assert!(made.starts_with(
            "[workspace]\nmembers = [\".\"]\n\n\n\n[package]\nautotests = false\nautoexamples = false\nname = "
        ));
        assert!(made.contains("[lib]\ndoctest = false\n"));
        assert!(!made.contains("recording-test-support"));
    }

    #[test]
    fn tests_are_modules_in_their_order() -> Result<()> {
        let made = library_with_tests("//! Docs.\n#![no_std]\n", &["laws".into(), "json".into()])?;
        assert!(made.starts_with("//! Docs.\n#![cfg_attr(not(test), no_std)]\n"));
        assert!(made.ends_with("#[path = \"../tests/laws.rs\"]\nmod a00_laws;\n#[cfg(test)]\n#[path = \"../tests/json.rs\"]\nmod a01_json;\n"));
        assert!(library_with_tests("//! Docs.\n", &[]).is_err());
        Ok(())
    }
}
