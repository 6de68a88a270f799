//! What cargo-mutants says, and what is kept of it.

use super::super::{core_files, exceptions::Place, files_under, name};
use crate::{sh::root, text::regex};
use anyhow::{Context as _, Result, bail};
use core::hash::Hasher as _;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fs, hash::DefaultHasher, path::Path};

/// How cargo-mutants names what came of a mutant.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(super) enum Summary {
    CaughtMutant,
    MissedMutant,
    Timeout,
    Unviable,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Noticed,
    Survived,
    Unviable,
}

impl Summary {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::CaughtMutant => Kind::Noticed,
            Self::MissedMutant | Self::Timeout => Kind::Survived,
            Self::Unviable => Kind::Unviable,
        }
    }
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Noticed => "noticed",
            Self::Survived => "survived",
            Self::Unviable => "does not compile",
        }
    }
}

/// A mutant of the list.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: usize,
}

impl Listed {
    pub(super) fn parse(json: &str) -> Result<Vec<Self>> {
        if json.trim().is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_str(json).context("the list of cargo-mutants")
    }

    /// What an exception calls it.
    pub(super) fn place(&self, file: &str, source: &str) -> Result<Place> {
        let found = regex(r"(?s)^.*?:\d+:\d+: (.*)$")
            .captures(&self.name)
            .with_context(|| format!("a mutant is named {}", self.name))?;
        let line = source
            .lines()
            .nth(self.span.start.line.wrapping_sub(1))
            .with_context(|| format!("{file} has no such line"))?;
        Ok((file.to_owned(), found[1].to_owned(), line.trim().to_owned()))
    }
}

/// What came of one mutant of a run.
pub(super) struct Mutation {
    pub(super) mutant: Listed,
    pub(super) summary: Summary,
    /// The path of its log.
    pub(super) log: String,
}

#[derive(Deserialize)]
pub(super) struct Report {
    outcomes: Vec<Reported>,
}

#[derive(Deserialize)]
struct Reported {
    scenario: serde_json::Value,
    summary: String,
    log_path: String,
}

impl Report {
    pub(super) fn parse(json: &str) -> Result<Vec<Mutation>> {
        let report: Self = serde_json::from_str(json).context("the report of cargo-mutants")?;
        let one = |reported: Reported| {
            let Some(mutant) = reported.scenario.get("Mutant") else {
                bail!("cargo-mutants tried {}", reported.scenario)
            };
            let mutant = Listed::deserialize(mutant)?;
            let summary = serde_json::from_value(reported.summary.clone().into());
            let summary =
                summary.map_err(|_| anyhow::anyhow!("cargo-mutants says {} of {}", reported.summary, mutant.name))?;
            Ok(Mutation { mutant, summary, log: reported.log_path })
        };
        report.outcomes.into_iter().map(one).collect()
    }
}

/// What is kept of a mutant.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: String,
    pub(super) mutant: String,
    pub(super) outcome: Summary,
    /// The file of the test that noticed it.
    pub(super) by: Option<String>,
    /// The text of that file, or else of all tests, by its hash.
    pub(super) by_text: String,
    /// Whether all tests were run.
    pub(super) with_all: bool,
}

/// The outcomes of a file as they are kept.
#[derive(Deserialize, Serialize)]
pub(super) struct Kept {
    text: String,
    outcomes: Vec<Outcome>,
}

impl Kept {
    /// None, if the file has another text by now.
    pub(super) fn read(path: &Path, text: &str) -> Result<HashMap<String, Outcome>> {
        if !path.exists() {
            return Ok(HashMap::new());
        }
        let kept: Self =
            serde_json::from_str(&fs::read_to_string(path)?).with_context(|| path.display().to_string())?;
        let outcomes = if kept.text == text { kept.outcomes } else { Vec::new() };
        Ok(outcomes.into_iter().map(|one| (one.name.clone(), one)).collect())
    }

    pub(super) fn write(path: &Path, text: &str, outcomes: &HashMap<String, Outcome>) -> Result<()> {
        let kept = Self { text: text.to_owned(), outcomes: outcomes.values().cloned().collect() };
        // Replaced as a whole: an interruption leaves the old one.
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_string_pretty(&kept)?)?;
        Ok(fs::rename(new, path)?)
    }
}

/// The hashes of the files as they were when they were copied: what is changed after that was not tested.
pub(super) struct Texts {
    files: HashMap<String, String>,
    tests: String,
}

impl Texts {
    pub(super) fn of_today() -> Result<Self> {
        let mut files: Vec<_> = Vec::new();
        files_under(&root().join("tests"), &mut files)?;
        let tests: Vec<_> = files.iter().map(|path| name(path)).collect();
        let every = core_files()?.into_iter().chain(tests.iter().cloned());
        let files = every.map(|name| Ok((name.clone(), hash(&[name])?))).collect::<Result<_>>()?;
        Ok(Self { files, tests: hash(&tests)? })
    }

    pub(super) fn of(&self, file: &str) -> Result<&str> {
        Ok(self.files.get(file).with_context(|| format!("{file} is not part of the copy"))?)
    }

    pub(super) fn of_tests(&self) -> &str {
        &self.tests
    }

    /// Whether an outcome still says something: a test that noticed it and is as it was would notice it again.
    pub(super) fn still_hold(&self, one: &Outcome, with_all: bool) -> bool {
        match (one.outcome, &one.by) {
            (Summary::Unviable, _) => true,
            (Summary::CaughtMutant, Some(by)) => self.files.get(by) == Some(&one.by_text),
            _ => self.tests == one.by_text && one.with_all == with_all,
        }
    }
}

fn hash(names: &[String]) -> Result<String> {
    // What another version of the standard library hashes otherwise is only tested once more.
    let mut seen = DefaultHasher::new();
    for name in names {
        seen.write(name.as_bytes());
        seen.write(b"\n");
        seen.write(&fs::read(root().join(name))?);
    }
    Ok(format!("{:016x}", seen.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"name": "src/x.rs:2:7: replace a -> b with ()", "file": "src/x.rs", "span": {"start": {"line": 2, "column": 7}, "end": {"line": 2, "column": 8}}}]"#;

    #[test]
    fn a_mutant_is_named_by_file_change_and_line() -> Result<()> {
        let listed = Listed::parse(LIST)?;
        assert_eq!(
            listed[0].place("src/x.rs", "first\n    second();\n")?,
            ("src/x.rs".into(), "replace a -> b with ()".into(), "second();".into())
        );
        assert!(listed[0].place("src/x.rs", "first").is_err());
        assert!(Listed::parse("")?.is_empty());
        Ok(())
    }

    #[test]
    fn a_report_has_a_summary_that_is_known() -> Result<()> {
        let report = |summary: &str| {
            let mutant = &LIST[1..LIST.len() - 1];
            format!(
                r#"{{"outcomes": [{{"scenario": {{"Mutant": {mutant}}}, "summary": "{summary}", "log_path": "log/x.log"}}], "total_mutants": 1}}"#
            )
        };
        let mutations = Report::parse(&report("MissedMutant"))?;
        assert_eq!((mutations[0].summary, mutations[0].log.as_str()), (Summary::MissedMutant, "log/x.log"));
        let unknown = Report::parse(&report("Failure")).err().map(|error| error.to_string());
        assert_eq!(unknown.as_deref(), Some("cargo-mutants says Failure of src/x.rs:2:7: replace a -> b with ()"));
        Ok(())
    }

    #[test]
    fn an_outcome_holds_as_long_as_its_test() {
        let texts = Texts { files: HashMap::from([("tests/a.rs".into(), "1".into())]), tests: "9".into() };
        let one = |outcome, by: Option<&str>, by_text: &str| Outcome {
            name: String::new(),
            file: String::new(),
            line: String::new(),
            mutant: String::new(),
            outcome,
            by: by.map(str::to_owned),
            by_text: by_text.into(),
            with_all: true,
        };
        assert!(texts.still_hold(&one(Summary::CaughtMutant, Some("tests/a.rs"), "1"), false));
        assert!(!texts.still_hold(&one(Summary::CaughtMutant, Some("tests/a.rs"), "2"), false));
        assert!(!texts.still_hold(&one(Summary::CaughtMutant, Some("tests/gone.rs"), "1"), false));
        assert!(texts.still_hold(&one(Summary::MissedMutant, None, "9"), true));
        assert!(!texts.still_hold(&one(Summary::MissedMutant, None, "9"), false));
        assert!(!texts.still_hold(&one(Summary::MissedMutant, None, "8"), true));
        assert!(texts.still_hold(&one(Summary::Unviable, None, "8"), false));
    }
}
