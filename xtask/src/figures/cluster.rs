//! Writes what several servers over one etcd cost: docs/cluster-figures.md.

use super::{page::filled, server::programs::release};
use crate::{
    cluster,
    sh::{Sh, root, say},
    text::found,
    tools,
};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

const TEMPLATE: &str = include_str!("../../templates/cluster-figures.md");
/// What the laboratory measures, by its names.
const PARTS: [&str; 8] = ["extent", "goals", "sets", "cpu", "audit", "events", "leader", "sessions"];

pub(super) fn write(sessions: u64, quick: bool) -> Result<()> {
    let programs = cluster::programs()?;
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    say("building the server and the laboratory");
    let build =
        "build --release --locked -p recording-server -p recording-cluster-lab --features recording-server/etcd";
    tools::cargo(build).show()?;
    let mut lab = Sh::new(release("recording-cluster-lab")).arg("figures");
    lab = lab.arg("--server").arg(release("recording-server")).arg("--sessions").arg(sessions.to_string());
    if quick {
        lab = lab.arg("--quick");
    }
    let page = page(&setting(&programs)?, &lab.env("ETCD_BIN", &programs).read()?)?;
    fs::write(root().join("docs/cluster-figures.md"), &page)?;
    say("docs/cluster-figures.md is written");
    println!("{page}");
    Ok(())
}

fn setting(programs: &Path) -> Result<String> {
    let said = Sh::new(programs.join("etcd")).arg("--version").quiet()?;
    let version = found(r"(?m)^etcd Version: (\S+)", &said).context("etcd says its version")?;
    Ok(format!("Measured on {} with {} and etcd {version}", tools::machine(), tools::rustc_version(tools::TOOLCHAIN)?))
}

/// The page, of what the laboratory says.
fn page(setting: &str, said: &str) -> Result<String> {
    let said: serde_json::Value = serde_json::from_str(said).context("the laboratory's tables")?;
    let part = |name: &'static str| Ok((name, said[name].as_str().with_context(|| format!("no {name}"))?));
    let mut parts = PARTS.into_iter().map(part).collect::<Result<Vec<_>>>()?;
    parts.push(("setting", setting));
    Ok(filled(TEMPLATE, &parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_each_place_once() {
        for name in PARTS.into_iter().chain(["setting"]) {
            assert_eq!(TEMPLATE.matches(&format!("{{{name}}}")).count(), 1, "{name}");
        }
    }

    #[test]
    fn a_table_that_is_missing_is_an_error() -> Result<()> {
        let all: serde_json::Map<_, _> =
            PARTS.iter().map(|name| ((*name).to_owned(), format!("<{name}>").into())).collect();
        let written = page("<setting>", &serde_json::to_string(&all)?)?;
        assert!(PARTS.iter().all(|name| written.contains(&format!("<{name}>"))) && written.contains("<setting>"));
        let mut less = all;
        less.remove("leader");
        assert!(page("", &serde_json::to_string(&less)?).is_err());
        assert!(page("", "no JSON").is_err());
        Ok(())
    }
}
