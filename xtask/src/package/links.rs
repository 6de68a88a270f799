//! The links in the pages of a crate: what it does not bring, its README links as a whole address, since on a registry's page,
//! and in an unpacked crate, a relative link leads nowhere.

use crate::{
    sh::{Sh, root},
    text::{joined, regex},
};
use anyhow::{Context as _, Result, ensure};
use std::{collections::BTreeSet, fs};

/// Where files of this repository are seen by people who have no clone.
const REPOSITORY: &str = "https://github.com/recording-core/recording-core/blob/main/";

/// Fails if a page of a crate has a link that leads nowhere.
pub(super) fn check(name: &str, manifest: &str) -> Result<()> {
    let list = Sh::line("cargo package --list --allow-dirty --locked --package").arg(name);
    let list = list.arg("--manifest-path").arg(manifest).quiet()?;
    let packed: BTreeSet<&str> = list.lines().collect();
    ensure!(packed.contains("README.md"), "{name} has no README.md");
    ensure!(packed.contains("LICENSE-MIT") && packed.contains("LICENSE-APACHE"), "{name} has no license's text");
    let place = folder(name)?;
    let mut lost = Vec::new();
    for page in packed.iter().filter(|path| path.ends_with(".md")) {
        let text = fs::read_to_string(place.join(page)).with_context(|| (*page).to_owned())?;
        let is_there = |path: &str| root().join(path).exists();
        // The registry shows the README, and what it links must go with it. Other pages are read in the repository too.
        let is_packed = |path: &str| packed.contains(path) || is_folder(&packed, path);
        let is_read_elsewhere = *page != "README.md" && place == root();
        let wrong = wrong(page, &text, &|path| is_packed(path) || is_read_elsewhere && is_there(path), &is_there);
        lost.extend(wrong.into_iter().map(|link| format!("{page} of {name}: {link}")));
    }
    ensure!(lost.is_empty(), "links that lead nowhere once a crate is packed:\n{}", lost.join("\n"));
    Ok(())
}

/// Where a crate is.
fn folder(name: &str) -> Result<std::path::PathBuf> {
    let known = [
        ("recording-core", ""),
        ("recording-test-support", "tests/support"),
        ("recording-testkit", "testkit"),
        ("signalr-hub", "shells/signalr-hub"),
        ("etcd-kv", "shells/etcd-kv"),
        ("recording-core-c", "shells/c"),
    ];
    let place = known.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
    Ok(root().join(place.with_context(|| format!("no crate {name}"))?))
}

fn is_folder(packed: &BTreeSet<&str>, path: &str) -> bool {
    let begin = format!("{}/", path.trim_end_matches('/'));
    packed.iter().any(|file| file.starts_with(&begin))
}

/// The links of a page that lead to no file of its crate, and those to the repository that lead to no file there.
fn wrong(page: &str, text: &str, is_packed: &dyn Fn(&str) -> bool, is_there: &dyn Fn(&str) -> bool) -> Vec<String> {
    let prose = regex(r"(?ms)^```.*?^```$").replace_all(text, "");
    let links = regex(r"\]\(([^)\s]+)[^)]*\)");
    let mut wrong = Vec::new();
    for found in links.captures_iter(&prose) {
        let target = found[1].split('#').next().unwrap_or_default();
        if let Some(path) = target.strip_prefix(REPOSITORY) {
            if !is_there(path) {
                wrong.push(target.to_owned());
            }
        } else if !target.contains("://")
            && !target.is_empty()
            && !joined(page, target).is_some_and(|path| is_packed(&path))
        {
            wrong.push(target.to_owned());
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let text = format!(
            "[a](docs/a.md) [b](docs/a.md#x) [c](https://example.org/c) [d](#d) [e](docs) [f](CONTRIBUTING.md) [g](docs/../../g.md)\n\
             ```rust\nlet x = y[0](z.md);\n```\n[h]({REPOSITORY}README.md) [i]({REPOSITORY}no.md#x) ![j](docs/j.svg \"title\")"
        );
        let packed = BTreeSet::from(["README.md", "docs/a.md"]);
        let is_packed = |path: &str| packed.contains(path) || is_folder(&packed, path);
        let found = wrong("README.md", &text, &is_packed, &|path| path == "README.md");
        assert_eq!(found, ["CONTRIBUTING.md", "docs/../../g.md", &format!("{REPOSITORY}no.md"), "docs/j.svg"]);
        assert_eq!(wrong("docs/a.md", "[up](../README.md) [out](../../x)", &is_packed, &|_| true), ["../../x"]);
    }

    #[test]
    fn each_published_crate_has_a_folder() -> Result<()> {
        for name in super::super::crates::names() {
            let manifest = fs::read_to_string(folder(name)?.join("Cargo.toml"))?;
            assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}");
        }
        Ok(())
    }
}
