//! What mdBook reads: the pages in one folder, with the links to files outside of `docs/` led to copies.

use super::pages::{FRONT, Goal, SUMMARY, goal, listed, rewritten};
use crate::text::regex;
use anyhow::{Context as _, Result, ensure};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// Put next to the pages: how the book looks.
const FILES: &[(&str, &str)] = &[
    ("book.toml", include_str!("../../templates/book/book.toml")),
    ("book.css", include_str!("../../templates/book/book.css")),
];

/// The pages of `docs/`, as paths from the root, without the list of them.
pub(super) fn pages_of_docs(root: &Path) -> Result<BTreeSet<String>> {
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(root.join("docs")).context("docs")? {
        let path = format!("docs/{}", entry?.file_name().to_string_lossy());
        if path.ends_with(".md") && path != SUMMARY {
            pages.insert(path);
        }
    }
    Ok(pages)
}

/// Where a page or a file of the repository is in the book.
fn place(path: &str, pages: &BTreeSet<&str>) -> String {
    if path == FRONT {
        return "index.md".to_owned();
    }
    if let Some(name) = path.strip_prefix("docs/") {
        return name.to_owned();
    }
    if pages.contains(path) {
        return format!("repository/{}", path.to_lowercase().replace('/', "-"));
    }
    // Any browser shows a text under this name, from any server and without one.
    format!("files/{path}.txt")
}

/// The page under its name in the list, if it has no title of its own: one that is a piece of other pages as well.
fn titled(page: &str, text: String, summary: &str) -> String {
    if page == SUMMARY || text.starts_with("# ") {
        return text;
    }
    let names = regex(r"\[([^\]]+)\]\(([^)]+)\)");
    let is_of_page = |link: &str| matches!(goal(SUMMARY, link), Goal::Here(path, _) if path == page);
    let name = names.captures_iter(summary).find(|found| is_of_page(&found[2])).map(|found| found[1].to_owned());
    match name {
        Some(name) => format!("# {name}\n\n{text}"),
        None => text,
    }
}

/// A link from one place in the book to another.
fn link(from: &str, to: &str) -> String {
    format!("{}{to}", "../".repeat(from.matches('/').count()))
}

/// Writes the pages and what they link to into `to`, which is emptied first. Gives where the pages are in the book.
///
/// # Errors
///
/// The list of pages is wrong, a link leads to no file, or a link has an anchor of a file that is not a page.
pub(super) fn stage(root: &Path, to: &Path) -> Result<Vec<String>> {
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let summary = read(SUMMARY)?;
    let pages = listed(&summary, &pages_of_docs(root)?)?;
    let known: BTreeSet<&str> = pages.iter().map(String::as_str).collect();
    if let Err(error) = fs::remove_dir_all(to)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| to.display().to_string());
    }
    let (mut texts, mut files, mut wrong) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    for page in pages.iter().map(String::as_str).chain([SUMMARY]) {
        let here = place(page, &known);
        let text = rewritten(&read(page)?, |target| {
            let (path, anchor) = match goal(page, target) {
                Goal::Outside => return target.to_owned(),
                Goal::Here(path, Some(anchor)) if path == page => return format!("#{anchor}"),
                Goal::Here(path, anchor) => (path, anchor),
                Goal::Nowhere => (String::new(), None),
            };
            if !known.contains(path.as_str()) {
                if !root.join(&path).is_file() {
                    wrong.push(format!("{page}: {target} is no file"));
                } else if anchor.is_some() {
                    wrong.push(format!("{page}: {target} has an anchor and is not a page of {SUMMARY}"));
                }
                files.insert(path.clone());
            }
            link(&here, &place(&path, &known)) + &anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default()
        });
        texts.insert(here, titled(page, text, &summary));
    }
    ensure!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    let source = to.join("src");
    let write = |path: &Path, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap_or(to))?;
        fs::write(path, bytes).with_context(|| path.display().to_string())
    };
    for (name, text) in &texts {
        write(&source.join(name), text.as_bytes())?;
    }
    for path in &files {
        write(&source.join(place(path, &known)), &fs::read(root.join(path))?)?;
    }
    for (name, text) in FILES {
        write(&to.join(name), text.as_bytes())?;
    }
    Ok(pages.iter().map(|page| place(page, &known)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Result<tempfile::TempDir> {
        let root = tempfile::tempdir()?;
        for folder in ["docs", "deploy"] {
            fs::create_dir(root.path().join(folder))?;
        }
        for (path, text) in [
            (SUMMARY, "# Summary\n\n[Start](README.md)\n\n- [A](a.md)\n- [B b](b.md)\n- [Whole](../README.md)\n"),
            (FRONT, "# Start\n\n[A](a.md#a) [whole](../README.md#whole)\n"),
            (
                "docs/a.md",
                "# A\n\n[x](../deploy/x.conf) [front](README.md) ![p](p.svg) [own](#a) [far](https://example.org/)\n",
            ),
            ("docs/b.md", "No title.\n\n## B\n"),
            ("docs/p.svg", "<svg/>"),
            ("README.md", "# Whole\n\n[A](docs/a.md#a) ![p](docs/p.svg)\n"),
            ("deploy/x.conf", "x"),
        ] {
            fs::write(root.path().join(path), text)?;
        }
        Ok(root)
    }

    #[test]
    fn links_lead_to_the_pages_and_to_copies_of_files() -> Result<()> {
        let (root, to) = (small()?, tempfile::tempdir()?);
        let to = to.path().join("source");
        fs::create_dir_all(to.join("src"))?;
        fs::write(to.join("src/old.md"), "from the last time")?;
        assert_eq!(stage(root.path(), &to)?, ["index.md", "a.md", "b.md", "repository/readme.md"]);
        let read = |path: &str| fs::read_to_string(to.join(path)).unwrap_or_default();
        assert_eq!(read("src/index.md"), "# Start\n\n[A](a.md#a) [whole](repository/readme.md#whole)\n");
        let page =
            "# A\n\n[x](files/deploy/x.conf.txt) [front](index.md) ![p](p.svg) [own](#a) [far](https://example.org/)\n";
        assert_eq!(read("src/a.md"), page);
        assert_eq!(read("src/b.md"), "# B b\n\nNo title.\n\n## B\n");
        assert_eq!(read("src/repository/readme.md"), "# Whole\n\n[A](../a.md#a) ![p](../p.svg)\n");
        assert_eq!(
            read("src/SUMMARY.md"),
            "# Summary\n\n[Start](index.md)\n\n- [A](a.md)\n- [B b](b.md)\n- [Whole](repository/readme.md)\n"
        );
        assert_eq!((read("src/files/deploy/x.conf.txt").as_str(), read("src/p.svg").as_str()), ("x", "<svg/>"));
        assert!(read("book.toml").contains("book.css") && !read("book.css").is_empty());
        assert!(!to.join("src/old.md").exists());
        Ok(())
    }

    #[test]
    fn a_page_or_a_file_that_is_not_there_is_an_error() -> Result<()> {
        for (path, text, part) in [
            ("docs/a.md", "[x](../deploy/no.conf)", "docs/a.md: ../deploy/no.conf is no file"),
            ("docs/a.md", "[x](no.md)", "docs/a.md: no.md is no file"),
            ("docs/a.md", "[x](../../x)", "docs/a.md: ../../x is no file"),
            ("docs/a.md", "[x](../deploy)", "docs/a.md: ../deploy is no file"),
            ("docs/a.md", "[x](../deploy/x.conf#l1)", "has an anchor"),
            ("docs/c.md", "# C\n", "does not list docs/c.md"),
            (SUMMARY, "[Start](README.md)", "does not list docs/a.md"),
        ] {
            let (root, to) = (small()?, tempfile::tempdir()?);
            fs::write(root.path().join(path), text)?;
            let said = stage(root.path(), to.path()).map_err(|error| format!("{error:#}")).unwrap_err();
            assert!(said.contains(part), "{said}");
        }
        Ok(())
    }
}
