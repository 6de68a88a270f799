//! The crates that are published: packed as for the registry, each built from what was packed.

use super::links;
use crate::sh::{Sh, root, say};
use anyhow::{Result, bail};
use clap::Args;
#[cfg(test)]
use std::collections::BTreeSet;

/// Pack the crates that are published, build each from what was packed, and look at the links of their pages.
///
/// Nothing is sent anywhere without --publish. With it the crates go to the registry in the order in which they depend on
/// each other; `CARGO_REGISTRY_TOKEN` has the token.
#[derive(Args)]
pub(crate) struct Options {
    /// Publish them
    #[arg(long)]
    publish: bool,
    /// Only these: to go on where publishing stopped
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
}

/// Those of the workspace at the root, each after what it depends on.
const OF_THE_ROOT: &[&str] =
    &["recording-core", "recording-test-support", "recording-testkit", "signalr-hub", "etcd-kv"];
/// The one that is a workspace of its own.
const OF_C: &str = "recording-core-c";
const MANIFEST_OF_C: &str = "shells/c/Cargo.toml";

impl Options {
    pub(super) fn run(&self) -> Result<()> {
        let is_known = |name: &&String| name.as_str() == OF_C || OF_THE_ROOT.contains(&name.as_str());
        if let Some(unknown) = self.crates.iter().find(|name| !is_known(name)) {
            bail!("{unknown} is not published: {}, {OF_C} are", OF_THE_ROOT.join(", "));
        }
        let is_chosen = |name: &str| self.crates.is_empty() || self.crates.iter().any(|one| one == name);
        let chosen: Vec<_> = OF_THE_ROOT.iter().copied().filter(|name| is_chosen(name)).collect();
        if !self.publish {
            return pack(&chosen, is_chosen(OF_C));
        }
        if !chosen.is_empty() {
            of_the_root("publish --locked", &chosen).show()?;
        }
        if is_chosen(OF_C) { of_c("publish --locked").show() } else { Ok(()) }
    }
}

/// The step of CI.
pub(crate) fn dry_run() -> Result<()> {
    pack(OF_THE_ROOT, true)
}

fn pack(names: &[&str], c: bool) -> Result<()> {
    // What is not committed yet is tried as well.
    const TRY: &str = "publish --dry-run --locked --allow-dirty --quiet";
    for name in names {
        links::check(name, "Cargo.toml")?;
    }
    if !names.is_empty() {
        of_the_root(TRY, names).show()?;
    }
    if c {
        links::check(OF_C, MANIFEST_OF_C)?;
        // Until the core of this version is in the registry, the one of this tree is used.
        of_c(TRY).arg("--config").arg(format!("patch.crates-io.recording-core.path={:?}", root())).show()?;
    }
    say(&format!("{} crates are packed and built from what was packed", names.len() + usize::from(c)));
    Ok(())
}

/// One command for those that depend on each other: Cargo packs them in their order, and builds each with the others as they
/// were packed.
fn of_the_root(words: &str, names: &[&str]) -> Sh {
    Sh::line(&format!("cargo {words}")).args(names.iter().flat_map(|name| ["--package", name]))
}

fn of_c(words: &str) -> Sh {
    Sh::line(&format!("cargo {words} --package {OF_C} --manifest-path {MANIFEST_OF_C}"))
}

/// The names of all crates that are published.
#[cfg(test)]
pub(super) fn names() -> BTreeSet<&'static str> {
    OF_THE_ROOT.iter().copied().chain([OF_C]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }

    #[derive(Deserialize)]
    struct Package {
        name: String,
        publish: Option<Vec<String>>,
        readme: Option<String>,
        description: Option<String>,
        documentation: Option<String>,
        repository: Option<String>,
        license: Option<String>,
        keywords: Vec<String>,
        categories: Vec<String>,
        dependencies: Vec<Dependency>,
    }

    #[derive(Deserialize)]
    struct Dependency {
        name: String,
        path: Option<String>,
        req: String,
        kind: Option<String>,
    }

    fn packages() -> Result<Vec<Package>> {
        let mut packages = Vec::new();
        for manifest in ["Cargo.toml", MANIFEST_OF_C] {
            let said = Sh::line("cargo metadata --locked --no-deps --format-version 1 --manifest-path").arg(manifest);
            packages.extend(serde_json::from_str::<Metadata>(&said.quiet()?)?.packages);
        }
        Ok(packages)
    }

    #[test]
    fn what_is_listed_is_published_and_nothing_else() -> Result<()> {
        let packages = packages()?;
        let published = packages.iter().filter(|package| package.publish.is_none());
        assert_eq!(published.map(|package| package.name.as_str()).collect::<BTreeSet<_>>(), names());
        Ok(())
    }

    #[test]
    fn what_is_published_says_what_it_is() -> Result<()> {
        let packages = packages()?;
        for package in packages.iter().filter(|package| package.publish.is_none()) {
            let name = &package.name;
            assert_eq!(package.documentation.as_deref(), Some(&*format!("https://docs.rs/{name}")), "{name}");
            assert_eq!(package.readme.as_deref(), Some("README.md"), "{name}");
            assert!(
                package.description.is_some() && package.repository.is_some() && package.license.is_some(),
                "{name}"
            );
            // As many as the registry takes.
            assert!((1..=5).contains(&package.keywords.len()) && (1..=5).contains(&package.categories.len()), "{name}");
        }
        Ok(())
    }

    /// By path alone only for tests: Cargo leaves such a dependency out of what it packs.
    #[test]
    fn each_comes_after_what_it_depends_on() -> Result<()> {
        let packages = packages()?;
        let order: Vec<_> = OF_THE_ROOT.iter().copied().chain([OF_C]).collect();
        let place = |name: &str| order.iter().position(|one| *one == name);
        for package in packages.iter().filter(|package| package.publish.is_none()) {
            let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
            for dependency in ours {
                let what = format!("{} of {}", dependency.name, package.name);
                if dependency.req == "*" {
                    assert_eq!(dependency.kind.as_deref(), Some("dev"), "{what} has no version");
                } else {
                    assert!(place(&dependency.name).is_some(), "{what} is not published");
                    assert!(place(&dependency.name) < place(&package.name), "{what}");
                    assert_eq!(dependency.req, format!("^{}", env!("CARGO_PKG_VERSION")), "{what}");
                }
            }
        }
        Ok(())
    }
}
