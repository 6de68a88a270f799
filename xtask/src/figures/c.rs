//! What the C border costs, by callgrind, and what a program links, held against limits.
//!
//! Built before by `shells/c/check`: the library, narrowed, tests/counts.c as target/counts, recording-core-counts.

use crate::{
    sh::{Sh, root},
    text::{count, decimal, must_replace, percent_over, regex, row},
    tools,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::PathBuf};

/// A transition through the library: at most so many instructions more than inside Rust.
const TRANSITION_MORE: f64 = 12.0;
/// A whole set through the library: at most so many times what it takes inside Rust.
const SET_TIMES: f64 = 1.04;
const BEGIN: &str = "<!-- costs: written by `cargo xtask figures c` -->";
const END: &str = "<!-- end of costs -->";
const TRANSITION: &str =
    "#include \"recording_core.h\"\nint main(int c, char **v) { (void)v; return rc_apply((rc_state)c, 1).state; }\n";

fn here() -> PathBuf {
    root().join("shells/c")
}

pub(super) fn run(write: bool) -> Result<()> {
    let (page, broken) = measure()?;
    println!("{page}");
    if write {
        let path = root().join("docs/c.md");
        let text = must_replace("docs/c.md", &fs::read_to_string(&path)?, BEGIN, END, &page)?;
        fs::write(path, text)?;
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(())
}

/// What was measured as Markdown, and what breaks a limit.
fn measure() -> Result<(String, Vec<String>)> {
    tools::need_valgrind()?;
    let (inside, through) = (here().join("target/release/recording-core-counts"), here().join("target/counts"));
    if !inside.exists() || !through.exists() {
        bail!("what is counted is not built: `cargo xtask c check` builds it");
    }
    let (inside, through) = (inside.display().to_string(), through.display().to_string());
    let mut broken = Vec::new();
    let mut verdict = |what: &str, more: String, holds: bool| {
        if !holds {
            broken.push(format!("{what} takes {more}"));
        }
        format!("{more}, {}", if holds { "reached" } else { "**not** reached" })
    };
    let (one, other) =
        (instructions(&inside, "transition", 20, 4096)?, instructions(&through, "transition", 20, 4096)?);
    let more = format!("{:.1} more; wanted: {TRANSITION_MORE} at most", other - one);
    let mut lines = vec![
        "| instructions | inside Rust | through the shared library | |".to_owned(),
        "|---|--:|--:|---|".to_owned(),
    ];
    lines.push(row(&[
        "a transition",
        &number(one),
        &number(other),
        &verdict("a transition", more, other - one <= TRANSITION_MORE),
    ]));
    let (one, other) = (instructions(&inside, "set", 100, 2)?, instructions(&through, "set", 100, 2)?);
    let more = format!("{} more; wanted: {} at most", percent_over(other, one, 1), percent_over(SET_TIMES, 1.0, 0));
    lines.push(row(&[
        "a whole `set`, by a desk",
        &number(one),
        &number(other),
        &verdict("a set", more, other / one <= SET_TIMES),
    ]));
    for what in ["callbacks", "steps"] {
        let counted = number(instructions(&through, what, 100, 2)?);
        lines.push(row(&[&format!("a whole `set`, by {what}, the store apart"), "", &counted, ""]));
    }
    lines.extend(
        ["", "| linked from the static library by a program with | code | constants |", "|---|--:|--:|"]
            .map(str::to_owned),
    );
    let serial = fs::read_to_string(here().join("examples/serial.c"))?;
    for (name, source) in [("transitions alone", TRANSITION), ("`examples/serial.c`: a desk and its requests", &serial)]
    {
        let (code, constants) = link(source)?;
        if !(1..100_000).contains(&(code + constants)) {
            broken.push(format!("{name}: {code} bytes of code, {constants} of constants"));
        }
        lines.push(row(&[name, &count(code), &count(constants)]));
    }
    let compiler = Sh::line("rustc --version").quiet()?;
    Ok((format!("Measured on x86-64 with {}, at opt-level 3.\n\n{}", compiler.trim(), lines.join("\n")), broken))
}

fn number(value: f64) -> String {
    let text = decimal(value, 1);
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Instructions of one transition or set: the difference of two numbers of rounds, so that nothing else is in it.
fn instructions(program: &str, what: &str, rounds: u32, each: u32) -> Result<f64> {
    let collected = |rounds: u32| tools::collected(&[program, what, &rounds.to_string()]);
    let more = u32::try_from(collected(2 * rounds)? - collected(rounds)?)?;
    Ok(f64::from(more) / f64::from(rounds) / f64::from(each))
}

/// Bytes of code and of constants that a program takes from the library.
fn link(source: &str) -> Result<(u64, u64)> {
    let place = tempfile::tempdir()?;
    let (program, map) = (place.path().join("program.c"), place.path().join("map"));
    fs::write(&program, source)?;
    let gcc = Sh::line("gcc -O2 -I include -I examples")
        .arg(&program)
        .arg("target/static/librecording_core.a")
        .arg("-Wl,--gc-sections");
    gcc.arg(format!("-Wl,-Map={}", map.display())).arg("-o").arg(place.path().join("program")).dir(here()).quiet()?;
    linked(&fs::read_to_string(map)?)
}

fn linked(map: &str) -> Result<(u64, u64)> {
    // After the sections that were left out; a long name has its numbers on the next line.
    let (_, text) = map.split_once("Linker script and memory map").context("gcc wrote no map")?;
    let pattern = regex(r"(?m)^ (\.\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*librecording_core\.a\(");
    let (mut code, mut constants) = (0, 0);
    for found in pattern.captures_iter(text) {
        let size = super::image::hex(&found[2]).context("a size")?;
        if found[1].starts_with(".text") {
            code += size;
        } else if found[1].starts_with(".rodata") || found[1].starts_with(".data.rel.ro") {
            constants += size;
        }
    }
    Ok((code, constants))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_says_what_is_linked() -> Result<()> {
        let map = "Discarded input sections\n .text 0x0 0x999 lib/librecording_core.a(x.o)\nLinker script and memory map\n .text.rc_apply\n                0x00001000       0x71 /t/librecording_core.a(recording_core.o)\n .rodata        0x00002000      0x400 librecording_core.a(recording_core.o)\n .data          0x3000 0x8 librecording_core.a(recording_core.o)\n .text 0x1 0x5 other.a(x)\n";
        assert_eq!(linked(map)?, (0x71, 0x400));
        assert!(linked("").is_err());
        Ok(())
    }

    #[test]
    fn whole_numbers_have_no_digit_after_the_point() {
        assert_eq!((number(2287.0), number(11.25)), ("2,287".into(), "11.2".into()));
    }
}
