//! What the source of the core may not have, and what it may depend on.

use super::code_files;
use crate::{
    sh::{Sh, root},
    text::regex,
    tools,
};
use anyhow::{Result, bail};
use std::{collections::BTreeSet, fs};

/// No unsafe code, no allocator and no standard library in the core's own source.
pub(super) fn no_unsafe_no_alloc() -> Result<String> {
    let library = fs::read_to_string(root().join("src/lib.rs"))?;
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        if !library.lines().any(|line| line == attribute) {
            bail!("src/lib.rs has no {attribute}");
        }
    }
    let (files, mut problems) = (code_files()?, Vec::new());
    for name in &files {
        let text = fs::read_to_string(root().join(name))?;
        problems
            .extend(forbidden(&text).into_iter().map(|(line, what, code)| format!("{name}:{line}: {what}: {code}")));
    }
    if !problems.is_empty() {
        bail!("{} places\n{}", problems.len(), problems.join("\n"));
    }
    Ok(format!("forbidden in {} files and not found in any", files.len()))
}

/// Lines with what is forbidden, without comments, texts and the file's own tests.
fn forbidden(text: &str) -> Vec<(usize, String, String)> {
    let texts = regex(r#"b?"(\\.|[^"\\])*""#);
    let pattern = regex(r#"\bunsafe\b|\bextern crate\b|\b(std|alloc)::|\bextern "|\bstatic mut\b"#);
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        let line = texts.replace_all(line, "\"\"");
        let line = line.split("//").next().unwrap_or_default();
        if let Some(what) = pattern.find(line) {
            found.push((at + 1, what.as_str().to_owned(), line.trim().to_owned()));
        }
    }
    found
}

/// Licences, sources and bans, by cargo-deny, and that no dependency is unused, by cargo-machete.
pub(super) fn dependencies() -> Result<String> {
    tools::need_tool("cargo-deny")?;
    tools::cargo("deny --all-features --color=never --config proofs/deny.toml check bans licenses sources")
        .path_first(&tools::bin())
        .quiet()?;
    let said = Sh::new(tools::need_tool("cargo-machete")?).arg(".").toolchain(tools::TOOLCHAIN).merged()?;
    if !said.contains("didn't find any unused dependencies") {
        bail!("{said}");
    }
    let (alone, usual) = (of_a_device("--no-default-features")?, of_a_device("")?);
    Ok(format!(
        "licences, sources and bans hold, none is unused; the core has {alone}, with its default features {usual}"
    ))
}

/// How many crates a device gets besides the core itself.
fn of_a_device(features: &str) -> Result<usize> {
    Ok(crates(
        &tools::cargo(&format!("tree --locked -p recording-core -e normal,no-proc-macro --prefix=none {features}"))
            .read()?,
    ))
}

fn crates(tree: &str) -> usize {
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.into_iter().filter(|name| *name != "recording-core").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_searched_and_nothing_else() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\nlet a = \"unsafe \\\" std::\"; // std::\nuse core::fmt;\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert_eq!(forbidden(text), []);
        for planted in
            ["unsafe { f() }", "use std::fs;", "extern crate alloc;", "static mut A: u8 = 0;", "let a = alloc::vec![];"]
        {
            assert_eq!(
                forbidden(&format!("fn f() {{}}\n{planted}\n{text}")).first().map(|found| found.0),
                Some(2),
                "{planted}"
            );
        }
    }

    #[test]
    fn a_crate_counts_once() {
        assert_eq!(
            crates(
                "recording-core v0.1.0 (/x)\nheapless v0.9.3\nhash32 v0.3.1\nbyteorder v1.5.0\n\nheapless v0.9.3 (*)\n"
            ),
            3
        );
    }
}
