//! The licenses of what a program is linked with, which have to go with it.
//!
//! cargo-about and its like would do this too; they take longer to build than the package, and here the texts that authors
//! have put into their crates are enough.

use crate::{sh::Sh, text::regex, tools};
use anyhow::{Context as _, Result, bail};
use core::fmt::Write as _;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: String,
    source: Option<String>,
}

/// Each crate that a program of this workspace is linked with, its license, and the texts that it brings.
pub(super) fn of(program: &str, features: &[&str]) -> Result<String> {
    // What is linked: no tests, no build scripts, no macros.
    let tree = Sh::line("cargo tree --locked --edges normal,no-proc-macro --prefix none --no-dedupe --target");
    let tree = tree.arg(tools::host()?).args(["--package", program, "--format", "{p}"]);
    let tree = if features.is_empty() { tree } else { tree.args(["--features", &features.join(",")]) };
    let linked = linked(&tree.quiet()?);
    if linked.len() < 2 {
        bail!("cargo names nothing that {program} is linked with");
    }
    let metadata: Metadata = serde_json::from_str(&Sh::line("cargo metadata --locked --format-version 1").quiet()?)?;
    let (mut crates, mut texts) = (String::new(), BTreeMap::<String, Vec<String>>::new());
    // What has no source is ours.
    for package in metadata.packages.iter().filter(|package| package.source.is_some()) {
        let name = format!("{} {}", package.name, package.version);
        if !linked.contains(&name) {
            continue;
        }
        let license = package.license.as_deref().unwrap_or("see its text below");
        let _ = writeln!(crates, "{name}: {license}");
        let place = Path::new(&package.manifest_path).parent().context("a manifest in a folder")?;
        for text in license_texts(place)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut written =
        format!("{program} is linked with these crates. Each line has a crate and its license.\n\n{crates}");
    for (text, names) in texts {
        let _ = write!(written, "\n{}\n{}\n\n{}\n", "-".repeat(80), names.join(", "), text.trim_end());
    }
    Ok(written)
}

/// Names and versions in what `cargo tree` prints.
fn linked(tree: &str) -> BTreeSet<String> {
    let line = regex(r"(?m)^(\S+) v(\S+)");
    line.captures_iter(tree).map(|found| format!("{} {}", &found[1], &found[2])).collect()
}

/// The files of a crate that are about its license.
fn license_texts(place: &Path) -> Result<Vec<String>> {
    let name = regex("(?i)^(license|licence|copying|copyright|notice|unlicense)");
    let mut texts = Vec::new();
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if name.is_match(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_file() {
            texts.push(String::from_utf8_lossy(&fs::read(entry.path())?).into_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_what_is_linked() {
        let tree = "server v0.1.0 (/x)\nring v0.17.14\nring v0.17.14 (*)\n\nbytes v1.10.1\n";
        assert_eq!(linked(tree), ["bytes 1.10.1", "ring 0.17.14", "server 0.1.0"].map(str::to_owned).into());
    }

    #[test]
    fn texts_are_found_by_their_names() -> Result<()> {
        let place = tempfile::tempdir()?;
        for name in ["LICENSE-MIT", "copying.txt", "NOTICE", "README.md", "src"] {
            fs::write(place.path().join(name), name)?;
        }
        fs::create_dir(place.path().join("LICENSES"))?;
        assert_eq!(license_texts(place.path())?, ["LICENSE-MIT", "NOTICE", "copying.txt"]);
        Ok(())
    }
}
