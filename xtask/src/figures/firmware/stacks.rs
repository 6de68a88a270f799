//! How deep the images' stacks get: as painted while the tests ran, and at most, by their calls.

use super::{
    super::{
        image::hex,
        stack::{Calls, Deepest, Walk},
    },
    Board, here, reached,
};
use crate::text::{count, regex, row};
use anyhow::{Context as _, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
};

const GOAL: u64 = 3 * 1024;
/// What ends a life begins a stack of its own, or does not return; the provisioning is read before the loop.
const ENDS: &str = r"rust_begin_unwind|panicking|life::|recording_image::provision$|planted";
const MAIN: &str = r"__cortex_m_rt_main$";
const HANDLERS: &str = r"^SysTick$|pbx_received|wake_for_net";

/// The worst path of the main loop, and of an interrupt on top; what recurses is noted and not followed.
struct Worst {
    main: Deepest,
    handler: u64,
    recursive: BTreeSet<String>,
}

pub(super) fn table(boards: &[Board]) -> Result<Vec<String>> {
    let mut lines = vec![
        "| stack, in bytes | painted, deepest over all tests | static worst path of the main loop | an interrupt on top |".to_owned(),
        "|---|--:|--:|--:|".to_owned(),
    ];
    let mut notes = Vec::new();
    for (at, board) in boards.iter().enumerate() {
        let painted = painted(board)?;
        let deepest = painted.iter().max();
        let shown = deepest.map_or_else(
            || "not measured: run the tests".to_owned(),
            |deepest| format!("{} ({} tests)", count(*deepest), painted.len()),
        );
        let worst = worst(board)?;
        lines.push(row(&[&board.name, &shown, &count(worst.main.bytes), &count(worst.handler)]));
        if at == 0 {
            notes.extend([format!("The path on {}: {}.", board.name, worst.main.steps()), String::new()]);
            notes.extend(deepest.map(|deepest| reached(&format!("Painted, on {}", board.name), *deepest, GOAL)));
            notes.push(reached(
                &format!("Static, with an interrupt, on {}", board.name),
                worst.main.bytes + worst.handler,
                GOAL,
            ));
            if !worst.recursive.is_empty() {
                let names: Vec<_> = worst.recursive.iter().map(|name| format!("`{name}`")).collect();
                // The graph has every function whose address is a constant for what a call through a register leads to.
                notes.push(format!(
                    "- A circle in the graph of calls, followed once: {}. A call through a register counts as one of every function whose address is a constant, so it need not be a recursion",
                    names.join(", ")
                ));
            }
        }
    }
    lines.push(String::new());
    lines.extend(notes);
    Ok(lines)
}

/// What the last run of the tests left, a file a test.
fn painted(board: &Board) -> Result<Vec<u64>> {
    let place = here().join("target/figures");
    let mut depths = Vec::new();
    if place.exists() {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&format!("stack.{}.", board.name)) {
                depths.push(fs::read_to_string(entry.path())?.trim().parse()?);
            }
        }
    }
    Ok(depths)
}

fn worst(board: &Board) -> Result<Worst> {
    let image = &board.image;
    let relocations = image.tool("llvm-objdump", "-r")?;
    let disassembly = image.tool("llvm-objdump", "-d --no-show-raw-insn")?;
    let mut calls = calls(&relocations, &disassembly, &image.functions(), &image.addresses);
    let find = |pattern: &str| -> Vec<u64> {
        let pattern = regex(pattern);
        let named = image
            .symbols
            .iter()
            .filter(|(_, symbol)| symbol.is_code && symbol.size > 0 && pattern.is_match(&symbol.name));
        named.map(|(address, _)| *address).collect()
    };
    for address in find(ENDS) {
        calls.insert(address, BTreeSet::new());
    }
    let mut mains = find(&format!("recording_image::{MAIN}"));
    if mains.is_empty() {
        mains = find(MAIN);
    }
    let [main] = mains[..] else { bail!("{} functions are named like the main loop", mains.len()) };
    let mut walk = Walk::new(image, &calls)?;
    let path = walk.worst(main);
    let handler = find(HANDLERS)
        .into_iter()
        .map(|address| walk.worst(address).bytes)
        .max()
        .context("no interrupt has a handler")?;
    let recursive = walk.cycles.into_iter().flatten().collect();
    Ok(Worst { main: path, handler: handler + board.exception(), recursive })
}

/// Which functions each one calls; one that calls by a pointer may call whatever a constant points to.
fn calls(
    relocations: &str,
    disassembly: &str,
    functions: &BTreeMap<u64, u64>,
    addresses: &HashMap<String, u64>,
) -> Calls {
    let (heading, relocation) =
        (regex(r"^RELOCATION RECORDS FOR \[(.*)\]"), regex(r"^([0-9a-f]+) (R_ARM_\w+)\s+(\S+)"));
    let mut calls: Calls = functions.keys().map(|address| (*address, BTreeSet::new())).collect();
    let (mut pointed, mut section) = (BTreeSet::new(), String::new());
    for line in relocations.lines() {
        if let Some(found) = heading.captures(line) {
            found[1].clone_into(&mut section);
        }
        let Some(found) = relocation.captures(line) else { continue };
        let goal = addresses.get(&found[3]).copied().filter(|goal| calls.contains_key(goal));
        let (Some(place), Some(goal)) = (hex(&found[1]), goal) else { continue };
        if section == ".text" && (found[2].contains("CALL") || found[2].contains("JUMP")) {
            // What stands in no function is assembly that runs before `main` or does not return.
            let holder = functions.range(..=place).next_back().filter(|(start, size)| place < **start + **size);
            if let Some(called) = holder.and_then(|(start, _)| calls.get_mut(start)) {
                called.insert(goal);
            }
        } else if section == ".text" || section == ".rodata" {
            pointed.insert(goal);
        }
    }
    let (function, by_pointer) = (regex("^([0-9a-f]{8}) <"), regex(r"^\s*[0-9a-f]+[: ].*\s(blx|bx)\s+r\d"));
    let mut here = 0;
    for line in disassembly.lines() {
        if let Some(address) = function.captures(line).and_then(|found| hex(&found[1])) {
            here = address;
        } else if let (true, Some(called)) = (by_pointer.is_match(line), calls.get_mut(&here)) {
            called.extend(pointed.iter().filter(|goal| **goal != here));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_by_a_pointer_may_call_whatever_is_pointed_to() {
        let relocations = "RELOCATION RECORDS FOR [.text]:\n00000102 R_ARM_THM_CALL b\n00000180 R_ARM_THM_CALL a\nRELOCATION RECORDS FOR [.rodata]:\n00000200 R_ARM_ABS32 c\nRELOCATION RECORDS FOR [.other]:\n00000300 R_ARM_ABS32 b\n";
        let disassembly = "00000100 <a>:\n     100: \tnop\n00000120 <b>:\n     122:      \tblx\tr3\n00000140 <c>:\n     140: \tbx\tlr\n";
        let functions = [(0x100, 0x20), (0x120, 0x20), (0x140, 0x10)].into();
        let addresses =
            [("a", 0x100), ("b", 0x120), ("c", 0x140)].map(|(name, address)| (name.to_owned(), address)).into();
        let found = calls(relocations, disassembly, &functions, &addresses);
        assert_eq!(found, [(0x100, [0x120].into()), (0x120, [0x140].into()), (0x140, [].into())].into());
    }
}
