//! Words that stop a native reader stay out of pages and doc comments.

use std::fs;
use std::path::{Path, PathBuf};

/// What is not written, and what usually says it.
const WORDS: &[(&str, &str)] = &[
    ("anew", "again"),
    ("behind", "after"),
    ("beside", "next to"),
    ("do not hold", "are invalid, fail"),
    ("does not hold", "is invalid, fails"),
    ("lies in", "is in"),
    ("nobody", "no client, no caller"),
    ("spelt", "written"),
    ("stands in", "is in"),
    ("whoever", "the caller, the client"),
    ("are told", "get, learn, are notified"),
    ("is told", "gets, learns, is reported"),
    ("was told", "got, learned, was reported"),
    ("were told", "got, learned, were reported"),
    ("told of", "notified of"),
];

/// Where such a word is the right one: the file, the words around it, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("README.md", "make nobody PCI compliant", PLAIN),
    ("docs/events.md", "Behind a proxy", PLACE),
    ("docs/firmware.md", "behind a proxy", PLACE),
    ("docs/running.md", "Behind a proxy", PLACE),
    ("docs/running.md", "behind a proxy", PLACE),
    ("docs/running.md", "behind one proxy", PLACE),
    ("docs/running.md", "behind one balancer", PLACE),
    ("docs/security.md", "makes nobody PCI", PLAIN),
    ("docs/security.md", "behind a proxy", PLACE),
    ("shells/server/load/src/growth/access.rs", "\"nobody\"", NAME),
    ("shells/server/src/cli/options.rs", "Behind a proxy", PLACE),
    ("shells/server/src/cli/protection.rs", "Behind a proxy", PLACE),
    ("shells/server/src/cli/protection.rs", "behind a proxy", PLACE),
    ("shells/server/tests/security/hosts.rs", "behind tokens", PLACE),
    ("shells/server/tests/security/tls.rs", "behind TLS", PLACE),
    ("src/lib.rs", "makes nobody compliant", PLAIN),
    ("testkit/src/faulty.rs", "behind the rules' back", IDIOM),
    ("testkit/src/spoil.rs", "behind the reply's back", IDIOM),
];
const PLAIN: &str = "about people";
const PLACE: &str = "a place in a network";
const IDIOM: &str = "an idiom";
/// The id of a key.
const NAME: &str = "a name";

/// What is not ours or not prose, by the names of folders.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "dist", "corpus", "vendor", "vectors"];

/// Pages and Rust sources under `place`.
fn files(place: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(place).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8");
        let linked = path.is_symlink();
        if path.is_dir() && !linked && !SKIPPED.contains(&name) {
            files(&path, found);
        } else if path.is_file() && !linked && (name.ends_with(".md") || name.ends_with(".rs")) {
            found.push(path);
        }
    }
}

/// The words in a line that are not written, each with what usually says it.
fn words(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let line = line.to_lowercase();
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    WORDS.iter().copied().filter(move |(word, _)| {
        line.match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(inside) && !line[at + word.len()..].starts_with(inside))
    })
}

/// The line without the exceptions of its file; notes which of them are used.
fn without_exceptions(file: &str, line: &str, used: &mut [bool]) -> String {
    let mut line = line.to_owned();
    for ((place, piece, _), used) in EXCEPTIONS.iter().zip(used) {
        if *place == file && line.contains(piece) {
            *used = true;
            line = line.replace(piece, "");
        }
    }
    line
}

#[test]
fn pages_and_doc_comments_are_plain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut paths, mut used, mut wrong) = (Vec::new(), vec![false; EXCEPTIONS.len()], Vec::new());
    files(root, &mut paths);
    assert!(paths.contains(&root.join("README.md")) && paths.contains(&root.join("src/lib.rs")));
    for path in paths {
        let file = path.strip_prefix(root).expect("under the root").to_str().expect("UTF-8").replace('\\', "/");
        let is_page = file.ends_with(".md");
        for (number, line) in fs::read_to_string(&path).expect("a text").lines().enumerate() {
            let start = line.trim_start();
            if is_page || start.starts_with("///") || start.starts_with("//!") {
                let rest = without_exceptions(&file, line, &mut used);
                wrong.extend(words(&rest).map(|(word, usual)| format!("{file}:{}: {word:?}: {usual}", number + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "write it as a native does, or add an exception with its reason:\n{}", wrong.join("\n"));
    let unused = EXCEPTIONS.iter().zip(used).filter(|((file, ..), used)| !used && root.join(file).exists());
    let unused: Vec<_> = unused.map(|(exception, _)| exception).collect();
    assert!(unused.is_empty(), "exceptions that are not needed any more: {unused:?}");
}

#[test]
fn whole_words_are_found_in_any_case() {
    let found = |line| words(line).map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(found("/// Whoever asks is told so."), ["whoever", "is told"]);
    assert_eq!(found("A text that does not hold, as it is spelt"), ["does not hold", "spelt"]);
    assert_eq!(found("misspelt, besides, behind_it, a canew: left_behind"), [""; 0]);
}
