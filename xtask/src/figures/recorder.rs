//! Writes what a confirmed pause costs into docs/recorder.md.

use super::server::programs::release;
use crate::{
    recorder,
    sh::{Sh, root, say},
    tools,
};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

const BEGIN: &str = "<!-- figures: written by `cargo xtask figures recorder` -->\n";
const END: &str = "<!-- end of figures -->";

pub(super) fn write(baseline: Option<&Path>) -> Result<()> {
    recorder::install()?;
    tools::need_toolchain(tools::TOOLCHAIN, &[], &[])?;
    tools::cargo("build --release --locked -p recording-server -p recording-load -p recording-lab").show()?;
    let mut lab = Sh::new(release("recording-lab")).arg("figures");
    lab = lab.arg("--server").arg(release("recording-server")).arg("--store-alone").arg(release("store-alone"));
    if let Some(baseline) = baseline {
        lab = lab.arg("--baseline").arg(baseline);
    }
    let tables = lab.read()?;
    let rtpengine = Sh::line("rtpengine --version").merged()?;
    let setting = format!(
        "Measured on {} with {} and rtpengine {}.",
        tools::machine(),
        tools::rustc_version(tools::TOOLCHAIN)?,
        rtpengine.trim().trim_start_matches("Version: ")
    );
    let path = root().join("docs/recorder.md");
    let page = placed(&fs::read_to_string(&path)?, &format!("{setting}\n\n{}\n", tables.trim()))?;
    fs::write(path, page)?;
    say("docs/recorder.md is written");
    println!("{tables}");
    Ok(())
}

/// A page with its figures replaced.
fn placed(page: &str, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("docs/recorder.md has no place for figures")?;
    let (_, after) = rest.split_once(END).context("docs/recorder.md has no end of figures")?;
    Ok(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_replaced_and_nothing_else() -> Result<()> {
        let page = format!("a\n{BEGIN}old\n{END}\nb\n");
        let first = placed(&page, "new\n")?;
        assert_eq!(first, format!("a\n{BEGIN}\nnew\n\n{END}\nb\n"));
        assert_eq!(placed(&first, "new\n")?, first);
        assert!(placed("a\n", "new\n").is_err());
        placed(&fs::read_to_string(root().join("docs/recorder.md"))?, "").map(drop)
    }
}
