//! Mutation testing: every small change that cargo-mutants can make to the core is noticed by a test.
//!
//! What was found is kept under target/, mutant by mutant, so that a run that was interrupted goes on where it was. It
//! holds for as long as the file that was changed and the file whose test noticed it have the text that they had.

mod outcome;

use super::{
    core_files,
    exceptions::{self, Open},
    tree,
};
use crate::{
    sh::{Sh, root, say},
    text::{count, regex},
    tools,
};
use anyhow::{Context as _, Result, bail};
use outcome::{Kept, Kind, Listed, Mutation, Outcome, Report, Texts};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::PathBuf,
    time::Instant,
};

/// A mutant is an endless loop if its tests take so many times the processor's time that they take without it.
const PATIENCE: u64 = 4;
/// So many mutants at most are lost by an interruption.
const SHARD: usize = 15;
const TEST: [&str; 3] = ["--test-threads=1", "-Zunstable-options", "--fail-fast"];
const LIST: &str = "mutants/exceptions.toml";

pub(super) fn run(only: &[String], fresh: bool) -> Result<String> {
    let files = core_files()?;
    if let Some(unknown) = only.iter().find(|file| !files.contains(file)) {
        bail!("no file of the core: {unknown}");
    }
    let results = results();
    if fresh && results.exists() {
        fs::remove_dir_all(&results)?;
    }
    fs::create_dir_all(&results)?;
    let mut copy = Copy::new()?;
    let wanted = if only.is_empty() { &files } else { only };
    let mut outcomes = Vec::new();
    for (at, file) in wanted.iter().enumerate() {
        outcomes.extend(copy.mutate(file, &format!("{} of {} {file}", at + 1, wanted.len()))?);
    }
    // An exception for a file that is gone is reported, whichever are asked for.
    let open =
        exceptions::read(LIST)?.into_iter().filter(|place| wanted.contains(&place.0) || !files.contains(&place.0));
    judge(&outcomes, Open::new(open), only.is_empty())
}

fn results() -> PathBuf {
    tree::place().join("results")
}

/// The copy of the core, as what runs cargo in it.
struct Copy {
    environment: Vec<(String, String)>,
    is_tested: bool,
    texts: Texts,
}

impl Copy {
    fn new() -> Result<Self> {
        tools::need_tool("cargo-mutants")?;
        let texts = Texts::of_today()?;
        tree::build()?;
        let environment = [
            ("CARGO_TARGET_DIR", tree::place().join("target").display().to_string()),
            // For `--fail-fast` alone.
            ("RUSTC_BOOTSTRAP", "1".to_owned()),
            ("CARGO_PROFILE_DEV_DEBUG", "0".to_owned()),
            // Every mutant meets the same tests.
            ("PROPTEST_RNG_SEED", "252".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Ok(Self { environment, is_tested: false, texts })
    }

    fn cargo(&self, words: &str) -> Sh {
        let cargo = tools::cargo(words).dir(tree::tree()).path_first(&tools::bin());
        self.environment.iter().fold(cargo, |cargo, (name, value)| cargo.env(name, value))
    }

    fn test(&self) -> Sh {
        self.cargo("test --quiet --all-features --lib --").args(TEST)
    }

    /// Builds and tests it without a mutant, once, and takes the limit of time from that.
    fn test_once(&mut self) -> Result<()> {
        if self.is_tested {
            return Ok(());
        }
        self.is_tested = true;
        say("building the core with its tests as one crate");
        self.cargo("test --quiet --all-features --lib --no-run").quiet()?;
        let before = children_seconds()?;
        self.test().quiet()?;
        let runner = format!("CARGO_TARGET_{}_RUNNER", tools::host()?.to_uppercase().replace('-', "_"));
        self.environment.push((runner, root().join("proofs/mutants/limited").display().to_string()));
        self.environment.push(("MUTANT_CPU_SECONDS".to_owned(), limit(before)?));
        Ok(())
    }

    /// The outcomes of all mutants of a file: those that are known, and those that are tested now.
    fn mutate(&mut self, file: &str, title: &str) -> Result<Vec<Outcome>> {
        let began = Instant::now();
        let kept = results().join(format!("{}.json", file.replace('/', "-")));
        let source = fs::read_to_string(tree::tree().join(file))?;
        let options = format!("mutants --no-config --all-features --file {file}");
        // Those that are excepted are tried with the near tests only, so that none of them takes minutes.
        let excepted: HashSet<_> = exceptions::read(LIST)?.into_iter().collect();
        let said = self.cargo(&options).args(["--list", "--json"]).quiet()?;
        let mut listed = Vec::new();
        for mutant in Listed::parse(&said)? {
            let with_all = !excepted.contains(&mutant.place(file, &source)?);
            listed.push((mutant.name, with_all));
        }
        let mut known = Kept::read(&kept, self.texts.of(file)?)?;
        known.retain(|name, one| {
            listed.iter().any(|(listed, with_all)| listed == name && self.texts.still_hold(one, *with_all))
        });
        let todo: Vec<_> = listed.iter().filter(|(name, _)| !known.contains_key(name)).collect();
        let mut tests = vec![("MUTANT_NEAR", near(file))];
        if !todo.is_empty() {
            self.test_once()?;
            let before = children_seconds()?;
            self.test().env("MUTANT_NEAR", near(file)).env("MUTANT_ALL", "").quiet()?;
            tests.push(("MUTANT_NEAR_CPU_SECONDS", limit(before)?));
        }
        for with_all in [true, false] {
            let names: Vec<_> =
                todo.iter().filter(|(_, all)| *all == with_all).map(|(name, _)| name.as_str()).collect();
            for names in names.chunks(SHARD) {
                for one in self.shard(file, &source, &options, names, &tests, with_all)? {
                    known.insert(one.name.clone(), one);
                }
                Kept::write(&kept, self.texts.of(file)?, &known)?;
            }
        }
        let outcomes = listed
            .iter()
            .map(|(name, _)| known.get(name).cloned().with_context(|| format!("cargo-mutants left out {name}")));
        let outcomes = outcomes.collect::<Result<Vec<_>>>()?;
        say(&format!("{title}: {}; {} tested in {} s", counted(&outcomes), todo.len(), began.elapsed().as_secs()));
        Ok(outcomes)
    }

    fn shard(
        &self,
        file: &str,
        source: &str,
        options: &str,
        names: &[&str],
        tests: &[(&str, String)],
        with_all: bool,
    ) -> Result<Vec<Outcome>> {
        let out = tree::place().join("out");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        // The limit of time by the clock is only for what sleeps; `limited` is the one that counts. What loops endlessly at
        // compile time does not compile: a lint of the compiler sees to that.
        let mut cargo = self
            .cargo(options)
            .args(names.iter().flat_map(|name| ["--re".to_owned(), format!("^{}$", regex::escape(name))]));
        cargo = cargo
            .args([
                "--in-place",
                "--baseline=skip",
                "--timeout=1800",
                "--build-timeout=1800",
                "--colors=never",
                "--output",
            ])
            .arg(&out);
        cargo = cargo.args(["--cargo-arg=--lib", "--", "--"]).args(TEST);
        cargo = tests.iter().fold(cargo, |cargo, (name, value)| cargo.env(name, value));
        cargo.env("MUTANT_ALL", if with_all { "1" } else { "" }).or_statuses(&[2, 3]).quiet()?;
        let report = Report::parse(&fs::read_to_string(out.join("mutants.out/outcomes.json"))?)?;
        let outcome = |mutation: Mutation| {
            let log = fs::read(out.join("mutants.out").join(&mutation.log))?;
            let by = noticed_by(&String::from_utf8_lossy(&log));
            let (file, mutant, line) = mutation.mutant.place(file, source)?;
            let by_text = by.as_deref().map_or(Ok(self.texts.of_tests()), |by| self.texts.of(by))?.to_owned();
            Ok(Outcome {
                name: mutation.mutant.name,
                file,
                line,
                mutant,
                outcome: mutation.summary,
                by,
                by_text,
                with_all,
            })
        };
        report.into_iter().map(outcome).collect()
    }
}

/// How many seconds of the processor's time a mutant gets, if the children have taken those since without one.
fn limit(before: f64) -> Result<String> {
    let took = children_seconds()? - before;
    Ok(format!("{:.0}", took.mul_add(f64::from(u32::try_from(PATIENCE)?), 5.0)))
}

/// The processor's time in user mode of all children that ended.
fn children_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    children_ticks(&stat).map(|ticks| ticks / 100.0).with_context(|| format!("/proc/self/stat says {stat}"))
}

fn children_ticks(stat: &str) -> Option<f64> {
    // The name, in parentheses, may have anything in it; the sixteenth field is the fourteenth after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(13)?.parse().ok()
}

/// What the names of those tests have in them that a file has of its own, or that are named as it or its folder is, like
/// `tests/recorder_model.rs` for `src/recorder/`. Some are named so by chance, which costs no more than their time.
fn near(file: &str) -> String {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let parts = inside.strip_suffix(".rs").unwrap_or(inside).split('/').filter(|part| *part != "mod");
    parts.flat_map(|part| [format!("{part}::"), format!("_{part}")]).collect::<Vec<_>>().join(" ")
}

/// The file of the test that noticed a mutant.
fn noticed_by(log: &str) -> Option<String> {
    let test = regex(r"(?m)^test (\S+) .*FAILED$").captures(log)?[1].to_owned();
    if let Some(integration) = regex(r"^a\d\d_(\w+)::").captures(&test) {
        return Some(format!("tests/{}.rs", &integration[1]));
    }
    let inside = format!("src/{}", test.split("::tests::").next()?.replace("::", "/"));
    [format!("{inside}.rs"), format!("{inside}/mod.rs")].into_iter().find(|file| root().join(file).exists())
}

fn counted(outcomes: &[Outcome]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for one in outcomes {
        *counts.entry(one.outcome.kind().words()).or_default() += 1;
    }
    let said: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

/// Holds what survived against the exceptions: exactly these and no others.
fn judge(outcomes: &[Outcome], mut open: Open, whole: bool) -> Result<String> {
    let of = |kind| outcomes.iter().filter(move |one| one.outcome.kind() == kind);
    if whole && of(Kind::Noticed).count() == 0 {
        bail!("not one mutant was noticed");
    }
    let mut problems = Vec::new();
    for one in of(Kind::Survived) {
        if !open.cross_off(&(one.file.clone(), one.mutant.clone(), one.line.clone())) {
            problems.push(format!("survived: {}\n    {}", one.name, one.line));
        }
    }
    problems.extend(open.left().map(|(file, mutant, line)| {
        format!("exceptions.toml has what does not survive, or is not there: {mutant}\n    {file}: {line}")
    }));
    if !problems.is_empty() {
        bail!("{} mutants\n{}", problems.len(), problems.join("\n"));
    }
    Ok(format!(
        "{} mutants: {} noticed, {} do not compile, {} cannot be told apart",
        count(outcomes.len() as u64),
        count(of(Kind::Noticed).count() as u64),
        of(Kind::Unviable).count(),
        of(Kind::Survived).count()
    ))
}

#[cfg(test)]
mod tests {
    use super::{outcome::Summary, *};

    fn outcome(summary: Summary, mutant: &str) -> Outcome {
        Outcome {
            name: format!("src/x.rs:1:1: {mutant}"),
            file: "src/x.rs".into(),
            line: "let a = b | c;".into(),
            mutant: mutant.into(),
            outcome: summary,
            by: None,
            by_text: String::new(),
            with_all: true,
        }
    }

    fn open(mutants: &[&str]) -> Open {
        Open::new(
            mutants.iter().map(|mutant| ("src/x.rs".to_owned(), (*mutant).to_owned(), "let a = b | c;".to_owned())),
        )
    }

    #[test]
    fn survivors_are_the_exceptions_and_no_others() -> Result<()> {
        let outcomes = [
            outcome(Summary::CaughtMutant, "a"),
            outcome(Summary::MissedMutant, "b"),
            outcome(Summary::Timeout, "b"),
            outcome(Summary::Unviable, "c"),
        ];
        assert_eq!(
            judge(&outcomes, open(&["b", "b"]), true)?,
            "4 mutants: 1 noticed, 1 do not compile, 2 cannot be told apart"
        );
        let missing = judge(&outcomes, open(&["b"]), true).unwrap_err().to_string();
        assert!(missing.starts_with("1 mutants\nsurvived: src/x.rs:1:1: b"), "{missing}");
        let more = judge(&outcomes, open(&["b", "b", "a"]), true).unwrap_err().to_string();
        assert!(more.contains("what does not survive, or is not there: a\n"), "{more}");
        assert!(judge(&outcomes[3..], open(&[]), true).is_err());
        Ok(())
    }

    #[test]
    fn the_test_that_failed_names_its_file() {
        assert_eq!(noticed_by("test a03_laws::some_law ... FAILED\n").as_deref(), Some("tests/laws.rs"));
        assert_eq!(
            noticed_by("running 3 tests\ntest lib::tests::x - should panic ... FAILED\n").as_deref(),
            Some("src/lib.rs")
        );
        assert_eq!(noticed_by("test nowhere::tests::x ... FAILED\n"), None);
        assert_eq!(noticed_by("test a03_laws::some_law ... ok\n"), None);
    }

    #[test]
    fn near_tests_are_named_as_the_file_or_its_folder() {
        assert_eq!(near("src/json/cursor.rs"), "json:: _json cursor:: _cursor");
        assert_eq!(near("src/desk/mod.rs"), "desk:: _desk");
    }

    #[test]
    fn the_time_of_children_is_read() {
        assert_eq!(children_ticks("12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 1300 14 20"), Some(1300.0));
        assert!(children_seconds().is_ok());
    }
}
