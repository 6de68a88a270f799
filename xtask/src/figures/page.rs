//! Writes what was measured of the core: docs/figures.md.

use super::{budgets, peers, size};
use crate::{
    sh::{root, say},
    tools,
};
use anyhow::Result;
use std::fs;

const TEMPLATE: &str = include_str!("../../templates/figures.md");

pub(super) fn write(quick: bool) -> Result<()> {
    let counts = budgets::measure()?;
    let metal = size::measure()?;
    let compared = peers::measure(quick)?;
    let setting = format!(
        "Measured on {} with {}, {}, gungraun {}. Compared: {}.",
        tools::machine(),
        tools::rustc_version(tools::TOOLCHAIN)?,
        counts.valgrind,
        counts.gungraun,
        peers::versions()?
    );
    let (rows, claims) = (budgets::table(&counts.rows).join("\n"), peers::claims(&compared)?.join("\n"));
    let (sizes, stacks) = (metal.sizes.join("\n"), metal.stacks.join("\n"));
    let page = filled(
        TEMPLATE,
        &[
            ("setting", &setting),
            ("counts", &rows),
            ("peers", &peers::table(&compared).join("\n")),
            ("claims", &claims),
            ("sizes", &sizes),
            ("parts", &metal.parts.join("\n")),
            ("stacks", &stacks),
        ],
    );
    fs::write(root().join("docs/figures.md"), &page)?;
    say("docs/figures.md is written");
    println!("{}\n\n{page}", metal.largest.join("\n"));
    Ok(())
}

/// A template with its places, `{name}` alone on a line or in it, filled.
pub(super) fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    parts.iter().fold(template.to_owned(), |page, (name, part)| page.replace(&format!("{{{name}}}"), part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_each_place_once() {
        for name in ["setting", "counts", "peers", "claims", "sizes", "parts", "stacks"] {
            assert_eq!(TEMPLATE.matches(&format!("{{{name}}}")).count(), 1, "{name}");
        }
        assert_eq!(filled("a {b} c {d}", &[("b", "1"), ("d", "2")]), "a 1 c 2");
    }
}
