//! The files of the server form layers: no file uses another that uses it, however many lie in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file's name as a module path, `net/tls` or `net` for `net/mod.rs`, and its text up to its tests.
type Sources = BTreeMap<String, String>;

fn sources(folder: &Path, prefix: &str, found: &mut Sources) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            sources(&path, &format!("{prefix}{name}/"), found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let module =
                if name == "mod" { prefix.trim_end_matches('/').to_owned() } else { format!("{prefix}{name}") };
            found.insert(module, text);
        }
    }
}

/// Leaves out what only tests are made of: files that are declared so, what is below them, and what follows in a file.
fn without_tests(mut sources: Sources) -> Sources {
    let mut of_tests = BTreeSet::new();
    for (module, text) in &sources {
        for (_, declared) in text.match_indices("#[cfg(test)]\nmod ").map(|(at, found)| text.split_at(at + found.len()))
        {
            if let Some((name, _)) = declared.split_once(';').filter(|(name, _)| !name.contains(' ')) {
                of_tests.insert(format!("{module}/{name}"));
            }
        }
    }
    sources.retain(|module, _| !of_tests.iter().any(|of| module == of || module.starts_with(&format!("{of}/"))));
    for text in sources.values_mut() {
        if let Some(at) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(at);
        }
    }
    sources
}

/// The paths that a `use` names, with all braces written out.
fn spread(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, char) in inner.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[begin..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| spread(&format!("{}{}", before.trim(), part.trim()))).collect()
}

/// The file in which `path` leads to its definition: a module itself, or the one whose text defines or passes on the name.
fn file_of(sources: &Sources, path: &[&str]) -> Option<String> {
    let (mut module, mut rest) = (String::new(), path);
    while let [first, after @ ..] = rest {
        let next = if module.is_empty() { (*first).to_owned() } else { format!("{module}/{first}") };
        if !sources.contains_key(&next) {
            break;
        }
        (module, rest) = (next, after);
    }
    let text = sources.get(&module)?;
    let Some(name) = rest.first() else { return Some(module) };
    for passed_on in text.split(';').filter_map(|part| part.rsplit_once("pub ").map(|(_, part)| part)) {
        let passed_on = passed_on.strip_prefix("use ").unwrap_or_default();
        for path in spread(passed_on) {
            if let Some((from, last)) = path.rsplit_once("::")
                && last == *name
            {
                let from = from.replace("crate::", "");
                let below = if path.starts_with("crate::") { from } else { format!("{module}::{from}") };
                let whole: Vec<_> = below.split(['/', ':']).filter(|part| !part.is_empty()).chain([last]).collect();
                return file_of(sources, &whole);
            }
        }
    }
    Some(module)
}

/// What each file uses of the others.
fn uses(sources: &Sources) -> BTreeMap<&str, BTreeSet<String>> {
    let of_one = |(module, text): (&'_ String, &String)| {
        let parent = module.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let mut used = BTreeSet::new();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let statements = code.split(';').filter_map(|part| part.rsplit_once("use ").map(|(_, tree)| tree));
        for path in statements.flat_map(spread) {
            let mut parts: Vec<_> = path.split("::").collect();
            match parts.first() {
                Some(&"crate") => drop(parts.remove(0)),
                Some(&"super") => drop(parts.splice(..1, parent.split('/').filter(|part| !part.is_empty()))),
                _ => continue,
            }
            used.extend(file_of(sources, &parts).filter(|used| used != module));
        }
        used
    };
    sources.iter().map(|source| (source.0.as_str(), of_one(source))).collect()
}

/// A file that is used by one that it uses, if there is any.
fn circle(sources: &Sources) -> Option<String> {
    let mut uses = uses(sources);
    loop {
        let done: Vec<_> = uses.iter().filter(|(_, used)| used.is_empty()).map(|(&module, _)| module).collect();
        if done.is_empty() {
            return (!uses.is_empty()).then(|| format!("{uses:#?}"));
        }
        for module in &done {
            uses.remove(module);
        }
        for used in uses.values_mut() {
            used.retain(|used| !done.contains(&used.as_str()));
        }
    }
}

#[test]
fn no_file_is_used_by_one_that_it_uses() {
    let mut found = Sources::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    let found = without_tests(found);
    assert!(found.len() > 80, "{}", found.len());
    // What is above everything must reach the ground: else the search sees no arrows.
    let uses = uses(&found);
    assert!(uses["service"].contains("occurrence") && uses["service"].contains("store"), "{:?}", uses["service"]);
    assert_eq!(circle(&found), None);

    // Planted: words at the ground that look up to the top.
    let mut planted = found.clone();
    planted.get_mut("session").unwrap().push_str("use crate::server::{self, Running};\n");
    assert!(circle(&planted).is_some_and(|circle| circle.contains("session") && circle.contains("server")));
}
