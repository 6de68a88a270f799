//! `cargo xtask book`: the pages under `docs/` as a book by mdBook, and a look at each link in it.

mod html;
mod pages;
mod stage;

use crate::{
    sh::{Sh, root, say, target},
    tools,
};
use anyhow::{Context as _, Result, ensure};
use std::{fs, path::Path};

/// Build the book of the pages under `docs/` and check every link and anchor in it.
///
/// The book is in `book/` under the target directory: open `index.html` there. It needs no server. mdBook is installed if it
/// is missing. Links that leave the book are listed and not followed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Open the book in a browser
    #[arg(long)]
    open: bool,
}

impl Options {
    pub(crate) fn run(&self) -> Result<()> {
        let page = build()?;
        if self.open {
            let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
            Sh::new(opener).arg(page).quiet()?;
        }
        Ok(())
    }
}

/// The step of CI.
pub(crate) fn check() -> Result<()> {
    build().map(drop)
}

/// Gives the book's first page.
fn build() -> Result<std::path::PathBuf> {
    let mdbook = tools::need_tool("mdbook")?;
    let (source, book) = (target().join("book-source"), target().join("book"));
    let pages = stage::stage(&root(), &source)?;
    let wrote = Sh::new(mdbook).arg("build").arg("--dest-dir").arg(&book).arg(&source).merged()?;
    let warnings: Vec<_> = wrote.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    ensure!(warnings.is_empty(), "mdBook is not content with a page:\n{}", warnings.join("\n"));
    let found = look(&book, &pages)?;
    say(&format!("{} pages, {} links within the book, each leads somewhere", pages.len(), found.inside));
    println!("{} links leave the book, and are not followed:", found.outside.len());
    for link in &found.outside {
        println!("  {link}");
    }
    let first = book.join("index.html");
    println!("the book: {}", first.display());
    Ok(first)
}

/// Fails if a page is missing, or a link leads nowhere.
fn look(book: &Path, pages: &[String]) -> Result<html::Found> {
    for page in pages {
        let path = book.join(page).with_extension("html");
        let text = fs::read_to_string(&path).with_context(|| format!("the book has no {}", path.display()))?;
        ensure!(text.contains("<main>"), "{} has no text", path.display());
    }
    let found = html::look(book)?;
    ensure!(found.lost.is_empty(), "links in the book that lead nowhere:\n{}", found.lost.join("\n"));
    Ok(found)
}
