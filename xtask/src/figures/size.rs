//! Size and stack of the core on bare metal, read from linked images of `proofs/size`.

use super::image::{self, Image, hex};
use crate::{
    names::{Names, Part},
    sh::{root, say, target},
    text::{count, regex, row, verdict},
    tools,
};
use anyhow::Result;
use std::{collections::BTreeMap, fs};

/// A target and a level of optimisation.
pub(crate) type Build = (&'static str, &'static str);
const BUILDS: &[Build] = &[
    ("thumbv7em-none-eabihf", "z"),
    ("thumbv7em-none-eabihf", "s"),
    ("thumbv7em-none-eabihf", "3"),
    ("thumbv6m-none-eabi", "z"),
    ("riscv32imc-unknown-none-elf", "z"),
];
pub(crate) const STACKS: &[Build] = &[BUILDS[0], BUILDS[1]];
/// The one that has a goal, and whose parts are shown.
pub(super) const FIRST: Build = BUILDS[0];
const GOAL_SIZE: u64 = 9 * 1024;
const GOAL_STACK: u64 = 600;
const LIBRARY: &str = "Rust's own library, as far as it is called and not inlined: UTF-8, ASCII, memory";

/// The pages' tables.
pub(super) struct Tables {
    pub(super) sizes: Vec<String>,
    pub(super) stacks: Vec<String>,
    pub(super) parts: Vec<String>,
    pub(super) largest: Vec<String>,
}

pub(crate) fn build(target: &str, level: &str, stack: bool) -> Result<Image> {
    let mut command = command(target, level);
    if stack {
        // The notes on stacks are for nightly compilers, but change nothing in the code: this one knows them as well.
        command = command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zemit-stack-sizes -Clink-arg=--emit-relocs");
    }
    command.read()?;
    let linked = linked(target);
    let kept = linked.with_file_name(format!("size-{level}{}", if stack { "-stack" } else { "" }));
    fs::copy(linked, &kept)?;
    Image::read(kept)
}

fn command(machine: &str, level: &str) -> crate::sh::Sh {
    tools::cargo("build --quiet --locked --release --package size --target")
        .arg(machine)
        .dir(root().join("proofs"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level)
        .env("CARGO_TARGET_DIR", target().join("figures-size"))
}

fn linked(machine: &str) -> std::path::PathBuf {
    target().join("figures-size").join(machine).join("release/size")
}

pub(super) fn measure() -> Result<Tables> {
    say("linking images for bare metal");
    let targets: Vec<_> = BUILDS.iter().map(|(target, _)| *target).collect();
    tools::need_toolchain(tools::TOOLCHAIN, &targets, &["llvm-tools"])?;
    let images =
        BUILDS.iter().map(|build| Ok((*build, self::build(build.0, build.1, false)?))).collect::<Result<Vec<_>>>()?;
    let mut stacks = vec![
        "| target | optimised for | bytes of stack | the worst path | |".to_owned(),
        "|---|---|--:|---|---|".to_owned(),
    ];
    for (target, level) in STACKS {
        let path = build(target, level, true)?.deepest(image::ENTRY)?;
        stacks.push(row(&[
            target,
            &format!("`{level}`"),
            &count(path.bytes),
            &path.steps(),
            &goal(path.bytes, GOAL_STACK),
        ]));
    }
    let largest = images.first().map(|(_, image)| largest(image)).unwrap_or_default();
    Ok(Tables { sizes: sizes(&images), stacks, parts: parts(FIRST)?, largest })
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a small machine")]
fn goal(bytes: u64, goal: u64) -> String {
    format!("goal {}: {}", count(goal), verdict(bytes as f64, goal as f64))
}

fn sizes(images: &[(Build, Image)]) -> Vec<String> {
    let mut lines = vec![
        "| target | optimised for | code | constants | together | of it memcpy and the like | |".to_owned(),
        "|---|---|--:|--:|--:|--:|---|".to_owned(),
    ];
    for (build, image) in images {
        let goal = if *build == FIRST { goal(image.total(), GOAL_SIZE) } else { String::new() };
        let level = format!("`{}`", build.1);
        let numbers = [image.code(), image.constants(), image.total(), image.memory()].map(count);
        lines.push(row(&[build.0, &level, &numbers[0], &numbers[1], &numbers[2], &numbers[3], &goal]));
    }
    lines
}

fn largest(image: &Image) -> Vec<String> {
    let mut lines = vec![format!("{} at {}: the 25 largest of {} bytes", FIRST.0, FIRST.1, count(image.total()))];
    for symbol in image.largest(25) {
        lines.push(format!(
            "{:>8}  {}  {}",
            count(symbol.size),
            if symbol.is_code { "code" } else { "data" },
            symbol.name
        ));
    }
    lines
}

/// Where the bytes are, by an image that says of which line each instruction is.
fn parts((machine, level): Build) -> Result<Vec<String>> {
    command(machine, level).env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only").read()?;
    let image = Image::read(linked(machine))?;
    let said = image.tool("llvm-objdump", "-d -l --no-show-raw-insn")?;
    let mut sums = by_part(&said, &Names::read()?.parts);
    sums.insert("constants: texts, tables, names".to_owned(), image.constants());
    // The last instruction, and what the linker puts between functions.
    let attributed: u64 = sums.values().sum();
    *sums.entry(LIBRARY.to_owned()).or_default() += image.total() - attributed;
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, size)| core::cmp::Reverse(*size));
    let head = ["| part | bytes |", "|---|--:|"].map(str::to_owned);
    Ok(head.into_iter().chain(sums.into_iter().map(|(part, size)| row(&[&part, &count(size)]))).collect())
}

fn by_part(disassembly: &str, parts: &[Part]) -> BTreeMap<String, u64> {
    let patterns: Vec<_> = parts.iter().map(|part| (part.name.as_str(), regex(&part.files))).collect();
    let (heading, source, instruction) =
        (regex(r"^[0-9a-f]+ <(.*)>:$"), regex(r"^; (/\S+):\d+$"), regex(r"^\s*([0-9a-f]+):\s"));
    let mut sums = BTreeMap::<String, u64>::new();
    let (mut function, mut part, mut last) = (String::new(), LIBRARY, None::<(u64, Option<&str>)>);
    for line in disassembly.lines() {
        if let Some(found) = heading.captures(line) {
            found[1].clone_into(&mut function);
            part = LIBRARY;
        } else if let Some(found) = source.captures(line) {
            // What is inlined from a library counts where it was called.
            let file = Image::in_repository(found.get(1).map_or("", |file| file.as_str()));
            part = patterns.iter().find(|(_, pattern)| pattern.is_match(file)).map_or(part, |(name, _)| name);
        } else if let Some(address) = instruction.captures(line).and_then(|found| hex(&found[1])) {
            if let Some((before, Some(part))) = last {
                *sums.entry(part.to_owned()).or_default() += address - before;
            }
            last = Some((address, (function != image::SCAFFOLD).then_some(part)));
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_belong_to_the_part_of_their_line() {
        let here = root();
        let here = here.display();
        let said = format!(
            "00000100 <a>:\n; {here}/src/json/cursor.rs:7\n     100: \tpush\n     102: \tpop\n; /rustc/1/library/core/src/str.rs:9\n     104: \tnop\n00000106 <b>:\n     106: \tnop\n; {here}/src/other.rs:1\n     10a: \tnop\n00000110 <_start>:\n     110: \tnop\n     112: \tnop\n"
        );
        let parts = [("JSON", r"^src/json/"), ("else", "^src/")]
            .map(|(name, files)| Part { name: name.into(), files: files.into() });
        let expected = [("JSON", 6), (LIBRARY, 4), ("else", 6)].map(|(part, size)| (part.to_owned(), size));
        assert_eq!(by_part(&said, &parts), expected.into());
    }

    #[test]
    fn goals_are_reached_or_missed() {
        assert_eq!(goal(600, GOAL_STACK), "goal 600: reached");
        assert_eq!(goal(13_158, GOAL_SIZE), "goal 9,216: **43% over**");
    }
}
