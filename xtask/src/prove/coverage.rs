//! Every region of the core's code is run by its tests.

use super::{
    code_files,
    exceptions::{self, Open},
    name,
};
use crate::{
    sh::{root, target},
    text::{count, regex},
    tools,
};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// What a region is: code, not a gap between code or a place where a macro expands.
const CODE: u64 = 0;

/// A file, and the line and column where a region begins and ends.
type Region = (String, [u64; 4]);

pub(super) fn run() -> Result<String> {
    let sources = sources()?;
    let regions = measure(&sources)?;
    let mut open = Open::new(exceptions::read("coverage/exceptions.toml")?);
    let (mut problems, mut missed) = (Vec::new(), 0);
    for ((file, place), _) in regions.iter().filter(|(_, runs)| **runs == 0) {
        missed += 1;
        let source = sources.get(file).context("a file of the core")?;
        let line = line(source, place[0]).trim();
        let text = text(source, *place);
        if !open.cross_off(&(file.clone(), text.clone(), line.to_owned())) {
            problems.push(format!("never run: {file}:{}:{}: {text}\n    {line}", place[0], place[1]));
        }
    }
    problems.extend(open.left().map(|(file, text, line)| {
        format!("exceptions.toml has what is run, or is not there: {file}: {text}\n    {line}")
    }));
    if !problems.is_empty() {
        bail!("{} regions\n{}", problems.len(), problems.join("\n"));
    }
    let all = regions.len() as u64;
    Ok(format!("{} of {} regions are run; the exceptions are named: {missed}", count(all - missed), count(all)))
}

fn sources() -> Result<HashMap<String, String>> {
    code_files()?.into_iter().map(|name| Ok((name.clone(), fs::read_to_string(root().join(name))?))).collect()
}

/// How often each region was run, at most, in any of the shapes that it was compiled to.
fn measure(sources: &HashMap<String, String>) -> Result<BTreeMap<Region, u64>> {
    tools::need_toolchain(tools::TOOLCHAIN, &[], &["llvm-tools"])?;
    tools::need_tool("cargo-llvm-cov")?;
    let target = target().join("prove/coverage");
    let out = target.join("regions.json");
    fs::create_dir_all(&target)?;
    tools::cargo(
        "llvm-cov --locked -p recording-core -p recording-fuzz-properties -p recording-fuzz-replay --all-features",
    )
    .args(["--lib", "--tests", "--json", "--output-path"])
    .arg(&out)
    .env("CARGO_TARGET_DIR", &target)
    .env("PROPTEST_RNG_SEED", "252")
    .path_first(&tools::bin())
    .quiet()?;
    let regions = parse(&fs::read_to_string(out)?, sources)?;
    if regions.len() < 1000 {
        bail!("only {} regions were found", regions.len());
    }
    Ok(regions)
}

#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct Function {
    filenames: Vec<String>,
    /// Begin and end, each as line and column; how often it was run; its file; a file that it was expanded to; its kind.
    regions: Vec<[u64; 8]>,
}

fn parse(json: &str, sources: &HashMap<String, String>) -> Result<BTreeMap<Region, u64>> {
    let export: Export = serde_json::from_str(json).context("what cargo-llvm-cov wrote")?;
    let ends: HashMap<_, _> = sources.iter().map(|(name, source)| (name.as_str(), code_ends(source))).collect();
    let mut regions = BTreeMap::new();
    for function in export.data.iter().flat_map(|data| &data.functions) {
        for &[line, column, end_line, end_column, runs, file, _, kind] in &function.regions {
            let path = usize::try_from(file)
                .ok()
                .and_then(|file| function.filenames.get(file))
                .context("a region has a file")?;
            let name = name(Path::new(path));
            if kind == CODE && ends.get(name.as_str()).is_some_and(|&end| line < end) {
                let most: &mut u64 = regions.entry((name, [line, column, end_line, end_column])).or_default();
                *most = runs.max(*most);
            }
        }
    }
    Ok(regions)
}

/// The line where a file's own tests begin.
fn code_ends(source: &str) -> u64 {
    let lines: Vec<_> = source.lines().collect();
    let tests = lines.windows(2).position(|two| two == ["#[cfg(test)]", "mod tests {"]);
    tests.map_or(lines.len() + 1, |at| at + 1) as u64
}

fn line(source: &str, number: u64) -> &str {
    source.lines().nth(usize::try_from(number).unwrap_or_default().saturating_sub(1)).unwrap_or_default()
}

/// What is in a region, in one line.
fn text(source: &str, [first, column, last, end_column]: [u64; 4]) -> String {
    let mut pieces = Vec::new();
    for number in first..=last {
        let from = if number == first { column - 1 } else { 0 };
        let to = if number == last { end_column - 1 } else { u64::MAX };
        let chars = line(source, number).chars().zip(0..);
        pieces.push(chars.filter(|&(_, at)| from <= at && at < to).map(|(char, _)| char).collect::<String>());
    }
    regex(r"\s+").replace_all(&pieces.join(" "), " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn a() -> u8 {\n    b()?;\n    match c {\n        d =>  e,\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";

    #[test]
    fn a_region_is_shown_in_one_line() {
        assert_eq!(text(SOURCE, [2, 8, 2, 9]), "?");
        assert_eq!(text(SOURCE, [3, 5, 5, 6]), "match c { d => e, }");
        assert_eq!(code_ends(SOURCE), 7);
        assert_eq!(code_ends("one\ntwo\n"), 3);
    }

    #[test]
    fn the_most_runs_of_a_region_count_and_tests_do_not() -> Result<()> {
        let file = root().join("src/x.rs");
        let file = file.display();
        let json = format!(
            r#"{{"data":[{{"functions":[
                {{"filenames":["{file}"],"regions":[[1,1,6,2,3,0,0,0],[2,8,2,9,0,0,0,0],[3,1,3,2,9,0,0,3],[9,5,9,9,1,0,0,0]]}},
                {{"filenames":["{file}","/elsewhere.rs"],"regions":[[2,8,2,9,4,0,0,0],[1,1,6,2,1,0,0,0],[1,1,2,1,1,1,0,0]]}}
            ]}}]}}"#
        );
        let regions = parse(&json, &HashMap::from([("src/x.rs".to_owned(), SOURCE.to_owned())]))?;
        let expected = [(("src/x.rs".to_owned(), [1, 1, 6, 2]), 3), (("src/x.rs".to_owned(), [2, 8, 2, 9]), 4)];
        assert_eq!(regions, BTreeMap::from(expected));
        Ok(())
    }
}
