//! The links of the pages that mdBook has written.

use crate::text::{joined, regex};
use anyhow::{Context as _, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What there was to find.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Links that lead nowhere, each after its page.
    pub(super) lost: Vec<String>,
    /// Addresses of other sites.
    pub(super) outside: BTreeSet<String>,
    /// How many links lead to somewhere in the book.
    pub(super) inside: usize,
}

struct Page {
    /// The names that a link can end with.
    anchors: BTreeSet<String>,
    links: BTreeSet<String>,
}

fn read(text: &str) -> Page {
    // In these a `<` begins no tag.
    let text = regex(r"(?s)<!--.*?-->").replace_all(text, "");
    let text = regex(r"(?s)(<(?:script|style)\b[^>]*>).*?</(?:script|style)>").replace_all(&text, "$1");
    let (tag, attribute) =
        (regex("<[A-Za-z][^<>]*>"), regex(r#"[\s:](href|src|id)=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#));
    let mut page = Page { anchors: BTreeSet::new(), links: BTreeSet::new() };
    for tag in tag.find_iter(&text) {
        for found in attribute.captures_iter(tag.as_str()) {
            let value = (2..5).find_map(|group| found.get(group)).map_or("", |value| value.as_str());
            let value = plain(value);
            if &found[1] == "id" {
                page.anchors.insert(value)
            } else {
                page.links.insert(value)
            };
        }
    }
    page
}

/// A value without HTML's escapes.
fn plain(value: &str) -> String {
    [("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(value.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

/// A part of an address without its percent signs.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let hex =
            after.get(..2).and_then(|two| str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every file of the book, as paths from its folder.
fn files(place: &Path, folder: &str, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(place.join(folder)).with_context(|| place.join(folder).display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_dir() {
            files(place, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

/// Looks at every link of every page under `book`.
pub(super) fn look(book: &Path) -> Result<Found> {
    let mut all = BTreeSet::new();
    files(book, "", &mut all)?;
    let mut pages = BTreeMap::new();
    for path in all.iter().filter(|path| path.ends_with(".html")) {
        pages.insert(path.as_str(), read(&fs::read_to_string(book.join(path)).with_context(|| path.clone())?));
    }
    let mut found = Found::default();
    for (path, page) in &pages {
        for link in &page.links {
            if regex("^([a-z][a-z0-9+.-]*:|//)").is_match(link) {
                found.outside.insert(link.clone());
            } else if leads_somewhere(path, link, &all, &pages) {
                found.inside += 1;
            } else {
                found.lost.push(format!("{path}: {link}"));
            }
        }
    }
    Ok(found)
}

fn leads_somewhere(page: &str, link: &str, files: &BTreeSet<String>, pages: &BTreeMap<&str, Page>) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = decoded(path.split('?').next().unwrap_or_default());
    // From the top of a site, which the book need not be at.
    if path.starts_with('/') {
        return false;
    }
    let goal = if path.is_empty() { Some(page.to_owned()) } else { joined(page, &path) };
    let Some(goal) = goal.filter(|goal| files.contains(goal)) else { return false };
    anchor.is_empty() || pages.get(goal.as_str()).is_some_and(|page| page.anchors.contains(&decoded(anchor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(page: &str) -> Result<Found> {
        let place = tempfile::tempdir()?;
        fs::create_dir(place.path().join("sub"))?;
        fs::write(place.path().join("index.html"), "<h1 id=\"one\">One</h1><h2 id=\"a&amp;b\"></h2><p id=grün></p>")?;
        fs::write(place.path().join("x.conf.txt"), "x")?;
        fs::write(place.path().join("sub/page.html"), format!("<main id=\"here\">{page}</main>"))?;
        look(place.path())
    }

    #[test]
    fn links_that_lead_somewhere_are_counted() -> Result<()> {
        let found = book(
            "<a href=\"../index.html\">1</a> <a class='x' href='../index.html#one'>2</a> <a href=\"#here\">3</a> \
             <a href=\"../index.html#a&amp;b\">4</a> <img src=../x.conf.txt> <a href=\"../index.html#gr%C3%BCn\">6</a> \
             <use xlink:href=\"page.html\"/> <a href=\"https://example.org/?a=1&amp;b=2\">8</a> <a href=\"//a.example\">9</a> \
             <code>&lt;a href=\"code.html\"&gt; href=\"code.html\"</code> <!-- <a href=\"comment.html\"> --> \
             <script>if (1 <a href=\"script.html\">) {}</script><script src=\"../x.conf.txt?v=1\"></script>",
        )?;
        assert_eq!(found.lost, [""; 0]);
        assert_eq!(found.inside, 8);
        assert_eq!(found.outside.into_iter().collect::<Vec<_>>(), ["//a.example", "https://example.org/?a=1&b=2"]);
        Ok(())
    }

    #[test]
    fn links_that_lead_nowhere_are_found() -> Result<()> {
        for link in [
            "index.html",
            "../no.html",
            "../index.html#two",
            "#one",
            "../index.html#One",
            "../x.conf.txt#one",
            "../../index.html",
            "/index.html",
            "..",
            "../script.js?x",
        ] {
            for page in
                [format!("<a href=\"{link}\">x</a>"), format!("<img alt='' src='{link}'>"), format!("<a href={link}>")]
            {
                assert_eq!(book(&page)?.lost, [format!("sub/page.html: {link}")]);
            }
        }
        assert!(look(Path::new("no such folder")).is_err());
        Ok(())
    }

    #[test]
    fn percent_signs_are_decoded_where_two_digits_follow() {
        for (part, expected) in
            [("a%20b", "a b"), ("%C3%BC", "ü"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%%41", "%A")]
        {
            assert_eq!(decoded(part), expected);
        }
    }
}
