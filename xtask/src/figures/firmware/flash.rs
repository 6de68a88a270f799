//! Where the bytes of flash and RAM are.

use super::{Board, cells, heading, here, reached};
use crate::{
    names::Part,
    sh::root,
    text::{count, regex},
};
use anyhow::{Context as _, Result};
use regex::Regex;
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

const GOAL_FLASH: u64 = 56 * 1024;
const GOAL_RAM: u64 = 40 * 1024;
const GOAL_CORE: u64 = 10 * 1024;
const CORE: &str = "core: from request to reply and event";
const LIBRARY: &str = "standard library";
/// The big static variables of the image, and what they hold.
const STATICS: [(&str, &str); 5] = [
    ("MEMORY", "connections, buffers, frames"),
    ("GATEWAY", "sessions, directory, queues"),
    ("NETWORK", "TCP"),
    ("STORAGE", "sockets"),
    ("PBX", "what the PBX said"),
];

/// Bytes for each board, by what they are for.
type Rows = BTreeMap<String, Vec<u64>>;

#[derive(Deserialize)]
struct Parts {
    parts: Vec<Part>,
}

fn parts() -> Result<Vec<Part>> {
    let text = fs::read_to_string(here().join("parts.toml"))?;
    Ok(toml::from_str::<Parts>(&text).context("shells/firmware/parts.toml")?.parts)
}

pub(super) fn flash(boards: &[Board]) -> Result<Vec<String>> {
    let parts = parts()?;
    let none = vec![0; boards.len()];
    let (mut rows, mut total) = (Rows::new(), none.clone());
    for (at, Board { image, .. }) in boards.iter().enumerate() {
        let disassembly = image.tool("llvm-objdump", "-d -l --section=.text")?;
        let mut code = by_part(&disassembly, &parts);
        let attributed: u64 = code.values().sum();
        code.insert("not attributed".to_owned(), image.section(".text").saturating_sub(attributed));
        code.insert("texts and tables".to_owned(), image.section(".rodata"));
        code.insert("interrupt vectors".to_owned(), image.section(".vector_table"));
        total[at] = code.values().sum();
        for (part, size) in code {
            rows.entry(part).or_insert_with(|| none.clone())[at] = size;
        }
    }
    let mut lines = heading("flash, in bytes", boards).to_vec();
    let core = rows.get(CORE).map(|sizes| sizes[0]).with_context(|| format!("no part is named {CORE}"))?;
    let mut sorted: Vec<_> = rows.into_iter().filter(|(_, sizes)| *sizes != none).collect();
    sorted.sort_by_key(|(_, sizes)| core::cmp::Reverse(sizes.iter().max().copied()));
    lines.extend(sorted.iter().map(|(part, sizes)| line(part, sizes)));
    lines.push(line("**together**", &total));
    let regions: Vec<_> = boards.iter().map(|board| board.image.section(".provisioning")).collect();
    lines.push(line("next to it, the provisioning's region", &regions));
    lines.push(String::new());
    lines.push(reached(&format!("The image for {}", boards[0].name), total[0], GOAL_FLASH));
    lines.push(reached("The core's part of it, from request to reply and event", core, GOAL_CORE));
    Ok(lines)
}

fn line(part: &str, sizes: &[u64]) -> String {
    cells(part, sizes.iter().map(|size| count(*size)))
}

/// Bytes of code by part. What was inlined from the standard library belongs to the code around it.
fn by_part(disassembly: &str, parts: &[Part]) -> BTreeMap<String, u64> {
    let patterns: Vec<_> = parts.iter().map(|part| (part.name.as_str(), regex(&part.files))).collect();
    let (function, source) = (regex("^[0-9a-f]{8} <"), regex(r"^; (/.*|[^ ]+\.(?:rs|c|s)):(\d+)$"));
    let instruction = regex(r"^\s*([0-9a-f]+):\s+((?:[0-9a-f]{4} ?)+)\s");
    let mut sizes = BTreeMap::<String, u64>::new();
    let mut add = |part: &str, size: u64| *sizes.entry(part.to_owned()).or_default() += size;
    // What comes before the first part of a function waits for it.
    let (mut pending, mut last, mut here) = (0, None, None);
    for line in disassembly.lines() {
        if function.is_match(line) {
            add(LIBRARY, pending);
            (pending, last, here) = (0, None, None);
        } else if let Some(found) = source.captures(line) {
            here = part_of(&found[1], &patterns);
        } else if let Some(found) = instruction.captures(line) {
            let size = found[2].chars().filter(|char| *char != ' ').count() as u64 / 2;
            if let Some(part) = here {
                add(part, size + pending);
                (pending, last) = (0, Some(part));
            } else if let Some(part) = last {
                add(part, size);
            } else {
                pending += size;
            }
        }
    }
    add(LIBRARY, pending);
    sizes
}

fn part_of<'a>(source: &str, patterns: &[(&'a str, Regex)]) -> Option<&'a str> {
    // The runtime of the compiler comes with the standard library, and is not it.
    let runtime = source.contains("compiler-builtins");
    if !runtime && ["/rustc/", "/library/core/", "/library/alloc/"].iter().any(|part| source.contains(part)) {
        return None;
    }
    if runtime {
        return patterns.last().map(|(name, _)| *name);
    }
    // The core is the crate at the root: whatever is under its `src`.
    let source = source.replace(&format!("{}/src/", root().display()), "recording-core/src/");
    patterns.iter().find(|(_, pattern)| pattern.is_match(&source)).map(|(name, _)| *name)
}

pub(super) fn ram(boards: &[Board]) -> Result<Vec<String>> {
    let none = vec![0; boards.len()];
    let mut rows: Vec<(&str, Vec<u64>)> = STATICS.iter().map(|(_, what)| (*what, none.clone())).collect();
    let (mut other, mut stacks, mut total) = (none.clone(), none.clone(), none);
    for (at, Board { image, .. }) in boards.iter().enumerate() {
        let named = statics(&image.tool("llvm-nm", "--demangle --print-size --defined-only")?);
        for ((name, _), (_, sizes)) in STATICS.iter().zip(&mut rows) {
            sizes[at] = named.get(*name).copied().unwrap_or_default();
        }
        let all = image.section(".data") + image.section(".bss") + image.section(".uninit");
        let address =
            |name: &str| image.addresses.get(name).copied().with_context(|| format!("the image has no {name}"));
        other[at] = all.saturating_sub(named.values().sum());
        stacks[at] = address("_stack_start")? - address("_stack_end")?;
        total[at] = all + stacks[at];
    }
    let goal = reached(&format!("The image for {}", boards[0].name), total[0], GOAL_RAM);
    let mut lines = heading("RAM, in bytes", boards).to_vec();
    rows.extend([("other", other), ("the stack's region", stacks), ("**together**", total)]);
    lines.extend(rows.iter().map(|(part, sizes)| line(part, sizes)));
    lines.extend([String::new(), goal]);
    Ok(lines)
}

/// The sizes of the image's big static variables.
fn statics(said: &str) -> BTreeMap<String, u64> {
    let pattern = regex(r"^[0-9a-f]+ ([0-9a-f]+) [bd] recording_image::.*?(\w+)(?:::h[0-9a-f]{16})?$");
    let mut sizes = BTreeMap::new();
    for found in said.lines().filter_map(|line| pattern.captures(line)) {
        let known = STATICS.iter().any(|(name, _)| *name == &found[2]);
        if let (true, Some(size)) = (known, super::super::image::hex(&found[1])) {
            *sizes.entry(found[2].to_owned()).or_default() += size;
        }
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_name_that_is_used() -> Result<()> {
        let parts = parts()?;
        assert!(parts.iter().any(|part| part.name == CORE));
        assert!(parts.last().is_some_and(|part| part.files.contains("compiler-builtins")));
        Ok(())
    }

    #[test]
    fn inlined_code_belongs_to_the_code_around_it() -> Result<()> {
        let here = root();
        let here = here.display();
        let said = format!(
            "00000100 <a>:\n; /rustc/1/library/core/src/str.rs:1\n     100: b5b0      \tpush\n; {here}/src/state.rs:3\n     102: f000 f801 \tbl\n; /rustc/1/library/core/src/str.rs:9\n     106: bf00      \tnop\n00000108 <b>:\n; /rustc/1/library/alloc/src/x.rs:1\n     108: bf00      \tnop\n0000010a <c>:\n; /x/compiler-builtins/src/mem.rs:1\n     10a: bf00      \tnop\n; /x/smoltcp-0.12/src/lib.rs:2\n     10c: bf00      \tnop\n"
        );
        let found = by_part(&said, &parts()?);
        let expected =
            [(CORE, 8), (LIBRARY, 2), ("compiler's runtime: memcpy, division", 2), ("TCP, IP, Ethernet: smoltcp", 2)];
        assert_eq!(found, expected.map(|(part, size)| (part.to_owned(), size)).into());
        Ok(())
    }

    #[test]
    fn big_statics_are_known_by_name() {
        let said = "20000000 00004d14 b recording_image::main_loop::MEMORY::h0123456789abcdef\n20001000 00000010 d recording_image::x::OTHER\n20002000 00000180 b recording_image::NETWORK\n00000100 00000010 t recording_image::NETWORK\n";
        assert_eq!(statics(said), [("MEMORY".to_owned(), 0x4d14), ("NETWORK".to_owned(), 0x180)].into());
    }
}
