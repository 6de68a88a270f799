//! Pages in Markdown: their links and headings, and the list of pages that the book is made of.

use crate::text::{joined, regex};
use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// The list of the book's pages, as a path from the root.
pub(super) const SUMMARY: &str = "docs/SUMMARY.md";
/// The front page.
pub(super) const FRONT: &str = "docs/README.md";
/// Where files of this repository are seen by people who have no clone.
pub(super) const REPOSITORY: &str = "https://github.com/recording-core/recording-core/blob/main/";

/// Lines of a page, with the ends of lines, and whether each is text: neither code nor its fence.
fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut is_code = false;
    text.split_inclusive('\n').map(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (line, !is_code && !is_fence)
    })
}

/// The page with each of its links replaced by what `change` makes of it.
pub(super) fn rewritten(text: &str, mut change: impl FnMut(&str) -> String) -> String {
    let pattern = regex(r#"\]\(([^()\s]+)(?: "[^"]*")?\)"#);
    let mut page = String::with_capacity(text.len());
    for (line, is_text) in lines(text) {
        let mut done = 0;
        let links = pattern.captures_iter(line).filter_map(|found| found.get(1));
        // What is between two backticks is code.
        for link in links.filter(|link| is_text && line[..link.start()].matches('`').count().is_multiple_of(2)) {
            page.push_str(&line[done..link.start()]);
            page.push_str(&change(link.as_str()));
            done = link.end();
        }
        page.push_str(&line[done..]);
    }
    page
}

/// The links of a page.
pub(super) fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    rewritten(text, |link| {
        links.push(link.to_owned());
        String::new()
    });
    links
}

/// What a link of a page leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Goal {
    /// Another site.
    Outside,
    /// A path from the root, and the anchor there.
    Here(String, Option<String>),
    /// A path that leaves the repository.
    Nowhere,
}

pub(super) fn goal(page: &str, link: &str) -> Goal {
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (link, None),
    };
    if let Some(path) = path.strip_prefix(REPOSITORY) {
        return Goal::Here(path.to_owned(), anchor);
    }
    if path.contains("://") || path.starts_with("mailto:") {
        return Goal::Outside;
    }
    if path.is_empty() {
        return Goal::Here(page.to_owned(), anchor);
    }
    joined(page, path).map_or(Goal::Nowhere, |path| Goal::Here(path, anchor))
}

/// The pages of the book, as paths from the root and in its order. `there` are all pages of `docs/`.
///
/// # Errors
///
/// A page of `docs/` is not in the list, one is there twice, one is not there, or the front page is not the first.
pub(super) fn listed(summary: &str, there: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    for link in links(summary) {
        match goal(SUMMARY, &link) {
            Goal::Here(path, None) if path.ends_with(".md") => pages.push(path),
            _ => anyhow::bail!("{SUMMARY} has a link that is not to a page: {link}"),
        }
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for page in &pages {
        *times.entry(page).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).map(|(page, _)| *page).collect();
    ensure!(twice.is_empty(), "{SUMMARY} lists a page twice: {}", twice.join(", "));
    let missing: Vec<_> = there.iter().filter(|page| !times.contains_key(page.as_str())).cloned().collect();
    ensure!(missing.is_empty(), "{SUMMARY} does not list {}", missing.join(", "));
    let gone: Vec<_> =
        pages.iter().filter(|page| page.starts_with("docs/") && !there.contains(*page)).cloned().collect();
    ensure!(gone.is_empty(), "{SUMMARY} lists what is not there: {}", gone.join(", "));
    ensure!(pages.first().is_some_and(|page| page == FRONT), "{SUMMARY} does not begin with {FRONT}");
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sh::root;
    use anyhow::Context as _;
    use std::{collections::HashMap, fs, path::Path};

    /// The anchors of a page as GitHub makes them.
    fn anchors(text: &str) -> BTreeSet<String> {
        let (link, mut times, mut anchors) = (regex(r"\[([^\]]*)\]\([^)]*\)"), HashMap::new(), BTreeSet::new());
        for (line, _) in lines(text).filter(|(_, is_text)| *is_text) {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let title = link.replace_all(title.trim(), "$1").to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let before = times.entry(anchor.clone()).and_modify(|times| *times += 1).or_insert(0);
            anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        }
        anchors
    }

    /// Links of a page that lead to no file, or to a heading that is not there.
    fn lost(place: &Path, page: &str, text: &str) -> Vec<String> {
        let is_found = |link: &str| match goal(page, link) {
            Goal::Outside => true,
            Goal::Nowhere => false,
            Goal::Here(path, None) => place.join(path).exists(),
            Goal::Here(path, Some(anchor)) => {
                fs::read_to_string(place.join(path)).is_ok_and(|text| anchors(&text).contains(&anchor))
            }
        };
        links(text).into_iter().filter(|link| !is_found(link)).map(|link| format!("{page}: {link}")).collect()
    }

    /// As GitHub shows them; the book's own links are looked at when it is built.
    #[test]
    fn every_link_and_anchor_of_the_pages_leads_somewhere() -> Result<()> {
        let mut pages = super::super::stage::pages_of_docs(&root())?;
        pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", SUMMARY].map(str::to_owned));
        assert!(pages.len() > 25, "{pages:?}");
        let mut wrong = Vec::new();
        for page in &pages {
            let text = fs::read_to_string(root().join(page)).with_context(|| page.clone())?;
            wrong.extend(lost(&root(), page, &text));
        }
        assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
        Ok(())
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() -> Result<()> {
        let place = tempfile::tempdir()?;
        fs::create_dir(place.path().join("docs"))?;
        fs::write(place.path().join("docs/a.md"), "# One `--two`\n\n```sh\n# three\n```\n\n## Four\n\n## Four\n")?;
        let text = "[1](a.md) [2](a.md#one---two) [3](a.md#four-1) [4](https://example.org/#x) `[5](no.md)`\n\
                    ```\n[6](no.md)\n```\n\
                    [7](no.md) [8](a.md#three) [9](a.md#four-2) [10](../../a.md) ![11](no.svg) [12](#four)";
        let found = lost(place.path(), "docs/b.md", text);
        let expected = ["no.md", "a.md#three", "a.md#four-2", "../../a.md", "no.svg", "#four"];
        assert_eq!(found, expected.map(|link| format!("docs/b.md: {link}")));
        Ok(())
    }

    #[test]
    fn links_are_replaced_and_nothing_else() {
        let text = "a [b](c.md#d \"e\") `[f](g)` ![h](i.svg)\n```\n[j](k)\n```\n[l\nm](n)";
        let expected = "a [b](<c.md#d> \"e\") `[f](g)` ![h](<i.svg>)\n```\n[j](k)\n```\n[l\nm](<n>)";
        assert_eq!(rewritten(text, |link| format!("<{link}>")), expected);
        assert_eq!(links(text), ["c.md#d", "i.svg", "n"]);
    }

    #[test]
    fn a_link_has_one_goal() {
        let here = |path: &str, anchor: Option<&str>| Goal::Here(path.to_owned(), anchor.map(str::to_owned));
        for (link, expected) in [
            ("b.md#c", here("docs/b.md", Some("c"))),
            ("#c", here("docs/a.md", Some("c"))),
            ("../b.md", here("b.md", None)),
            ("../../b.md", Goal::Nowhere),
            ("https://example.org/b.md", Goal::Outside),
        ] {
            assert_eq!(goal("docs/a.md", link), expected, "{link}");
        }
        assert_eq!(goal("docs/a.md", &format!("{REPOSITORY}b.md#c")), here("b.md", Some("c")));
    }

    /// Pages that a front page has no link to.
    fn unreached(front: &str, there: &BTreeSet<String>) -> Vec<String> {
        let goals: Vec<_> = links(front).iter().map(|link| goal(FRONT, link)).collect();
        let is_reached = |page: &String| goals.iter().any(|goal| matches!(goal, Goal::Here(path, _) if path == page));
        there.iter().filter(|page| *page != FRONT && !is_reached(page)).cloned().collect()
    }

    #[test]
    fn the_front_page_leads_to_each_page() -> Result<()> {
        let there = super::super::stage::pages_of_docs(&root())?;
        let front = fs::read_to_string(root().join(FRONT))?;
        assert_eq!(unreached(&front, &there), [""; 0]);
        assert_eq!(unreached(&front.replace("(store.md)", "(audit.md)"), &there), ["docs/store.md"]);
        Ok(())
    }

    #[test]
    fn the_summary_has_each_page_once() -> Result<()> {
        let there = super::super::stage::pages_of_docs(&root())?;
        let summary = fs::read_to_string(root().join(SUMMARY))?;
        assert!(listed(&summary, &there)?.len() >= there.len());
        for page in there.iter().filter(|page| *page != FRONT) {
            let name = page.trim_start_matches("docs/");
            let without: Vec<_> = summary.lines().filter(|line| !line.contains(&format!("({name})"))).collect();
            assert!(without.len() < summary.lines().count(), "{page}");
            let said = listed(&without.join("\n"), &there).unwrap_err().to_string();
            assert!(said.contains("does not list") && said.contains(page), "{said}");
            let said = listed(&format!("{summary}\n- [x]({name})\n"), &there).unwrap_err().to_string();
            assert!(said.contains("twice") && said.contains(page), "{said}");
        }
        for (line, part) in
            [("[x](no.md)", "not there"), ("[x](a.txt)", "not to a page"), ("[x](https://a.md)", "not to a page")]
        {
            let said = listed(&format!("{summary}\n{line}\n"), &there).unwrap_err().to_string();
            assert!(said.contains(part), "{said}");
        }
        let front = format!("({})", FRONT.trim_start_matches("docs/"));
        let (first, rest) = summary.split_once(&front).context("the front page")?;
        let last = format!("{first}(protocol.md){}\n[x]{front}", rest.replacen("(protocol.md)", "", 1));
        assert!(listed(&last, &there).is_err_and(|error| error.to_string().contains("begin")));
        Ok(())
    }
}
