//! The worst path through the calls of a linked image.

use super::image::{Image, hex};
use crate::text::regex;
use anyhow::{Context as _, Result, bail};
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

/// Which functions each function calls.
pub(super) type Calls = BTreeMap<u64, BTreeSet<u64>>;

/// A path of calls, as frames, and how deep it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deepest {
    pub(crate) bytes: u64,
    pub(crate) frames: Vec<(String, u64)>,
}

impl Deepest {
    pub(super) fn steps(&self) -> String {
        self.frames.iter().map(|(name, size)| format!("`{name}` {size}")).collect::<Vec<_>>().join(", ")
    }
}

impl Image {
    /// The worst path from `entry`. A jump out of a function counts as a call: an upper bound.
    pub(crate) fn deepest(&self, entry: &str) -> Result<Deepest> {
        let calls = self.calls()?;
        let mut walk = Walk::new(self, &calls)?;
        let start = self
            .symbols
            .iter()
            .find(|(_, symbol)| symbol.name == entry)
            .with_context(|| format!("no function {entry}"))?;
        let path = walk.worst(*start.0);
        if let Some(cycle) = walk.cycles.first() {
            bail!("recursion: {}", cycle.join(" -> "));
        }
        Ok(path)
    }

    /// The functions, by address, and which of them each refers to: calls, jumps, and addresses that it takes to call them.
    fn calls(&self) -> Result<Calls> {
        calls(&self.tool("llvm-objdump", "-r")?, &self.functions(), &self.addresses)
    }

    pub(super) fn functions(&self) -> BTreeMap<u64, u64> {
        let code = self.symbols.iter().filter(|(_, symbol)| symbol.is_code && symbol.size > 0);
        code.map(|(address, symbol)| (*address, symbol.size)).collect()
    }

    /// Bytes of stack that the instructions of each function speak of, for those without a note.
    pub(super) fn pushed(&self) -> Result<HashMap<u64, u64>> {
        let starts = self.symbols.keys().copied().collect();
        Ok(pushed(&self.tool("llvm-objdump", "-d --no-show-raw-insn")?, &starts))
    }
}

fn calls(relocations: &str, functions: &BTreeMap<u64, u64>, addresses: &HashMap<String, u64>) -> Result<Calls> {
    let mut calls: Calls = functions.keys().map(|address| (*address, BTreeSet::new())).collect();
    let heading = regex(r"^RELOCATION RECORDS FOR \[(.*)\]");
    let relocation = regex(r"^([0-9a-f]+) R_ARM_\w+\s+(\S+)");
    let mut section = String::new();
    for line in relocations.lines() {
        if let Some(found) = heading.captures(line) {
            found[1].clone_into(&mut section);
        }
        let Some(found) = relocation.captures(line) else { continue };
        let place = hex(&found[1]).context("an address")?;
        let goal = addresses.get(&found[2]).copied().filter(|goal| calls.contains_key(goal));
        let unnamed = &found[2] == ".text";
        match (section.as_str(), goal) {
            (".text", Some(goal)) => {
                let holder = calls.range_mut(..=place).next_back().context("code before the first function")?;
                holder.1.insert(goal);
            }
            (".text", None) if unnamed => bail!("at {place:#x} stands a pointer to a function without a name"),
            (".text" | ".stack_sizes", _) => {}
            (_, goal) if unnamed || goal.is_some() => {
                bail!("{section} holds a pointer to a function: who calls it is not known")
            }
            _ => {}
        }
    }
    Ok(calls)
}

fn pushed(disassembly: &str, starts: &BTreeSet<u64>) -> HashMap<u64, u64> {
    let instruction = regex(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)");
    let subtraction = regex(r"^sp,(?: sp,)? #(0x[0-9a-f]+|\d+)");
    let (mut pushed, mut here) = (HashMap::new(), None);
    for line in disassembly.lines() {
        let Some(found) = instruction.captures(line) else { continue };
        let (Some(address), name, operands) = (hex(&found[1]), &found[2], &found[3]) else { continue };
        if starts.contains(&address) {
            here = Some(address);
        }
        let size = if name.starts_with("push") || name.starts_with("stmdb\tsp!") {
            4 * operands.trim_matches(['{', '}']).split(',').map(registers).sum::<u64>()
        } else if let (true, Some(by)) = (name.starts_with("sub"), subtraction.captures(operands)) {
            by[1].strip_prefix("0x").map_or_else(|| by[1].parse().ok(), hex).unwrap_or_default()
        } else {
            0
        };
        if let Some(here) = here {
            *pushed.entry(here).or_default() += size;
        }
    }
    pushed
}

/// How many words `r4` or `d8-d9` is, of a list of registers that are pushed.
fn registers(part: &str) -> u64 {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| regex(r"[rd](\d+)"));
    let bounds: Vec<u64> = NUMBER.captures_iter(part).filter_map(|found| found[1].parse().ok()).collect();
    let many = if let [first, last] = bounds[..] { last - first + 1 } else { 1 };
    many * if part.contains('d') { 2 } else { 1 }
}

/// Looks for the deepest path; where it meets itself it goes on, and notes the cycle.
pub(super) struct Walk<'a> {
    calls: &'a Calls,
    sizes: HashMap<u64, u64>,
    names: HashMap<u64, String>,
    done: HashMap<u64, Deepest>,
    open: Vec<u64>,
    pub(super) cycles: Vec<Vec<String>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(image: &Image, calls: &'a Calls) -> Result<Self> {
        let (frames, pushed) = (image.frames()?, image.pushed()?);
        // What was compiled beforehand, like memcpy, has no notes: its pushes are read.
        let size = |address: &u64| frames.get(address).or_else(|| pushed.get(address)).copied().unwrap_or_default();
        let sizes = calls.keys().map(|address| (*address, size(address))).collect();
        let names = image.symbols.iter().map(|(address, symbol)| (*address, symbol.name.clone())).collect();
        Ok(Self::over(calls, sizes, names))
    }

    fn over(calls: &'a Calls, sizes: HashMap<u64, u64>, names: HashMap<u64, String>) -> Self {
        Self { calls, sizes, names, done: HashMap::new(), open: Vec::new(), cycles: Vec::new() }
    }

    pub(super) fn worst(&mut self, function: u64) -> Deepest {
        if let Some(known) = self.done.get(&function) {
            return known.clone();
        }
        if let Some(at) = self.open.iter().position(|open| *open == function) {
            let cycle = self.open[at..].iter().chain([&function]).map(|address| self.name(*address)).collect();
            self.cycles.push(cycle);
            return Deepest::default();
        }
        self.open.push(function);
        let calls = self.calls;
        let mut below = Deepest::default();
        for called in calls.get(&function).into_iter().flatten() {
            let path = self.worst(*called);
            if path.bytes > below.bytes || below.frames.is_empty() {
                below = path;
            }
        }
        self.open.pop();
        let size = self.sizes.get(&function).copied().unwrap_or_default();
        let mut path = Deepest { bytes: below.bytes + size, frames: vec![(self.name(function), size)] };
        path.frames.append(&mut below.frames);
        self.done.insert(function, path.clone());
        path
    }

    fn name(&self, address: u64) -> String {
        self.names.get(&address).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELOCATIONS: &str = "RELOCATION RECORDS FOR [.text]:\nOFFSET   TYPE  VALUE\n00000102 R_ARM_THM_CALL           b\n00000124 R_ARM_THM_JUMP24         c\n00000128 R_ARM_ABS32              table\nRELOCATION RECORDS FOR [.stack_sizes]:\n00000000 R_ARM_ABS32              .text\n";

    fn names() -> HashMap<String, u64> {
        [("a", 0x100), ("b", 0x120), ("c", 0x140), ("table", 0x200)]
            .map(|(name, address)| (name.to_owned(), address))
            .into()
    }

    fn functions() -> BTreeMap<u64, u64> {
        [(0x100, 0x20), (0x120, 0x20), (0x140, 0x10)].into()
    }

    #[test]
    fn relocations_say_who_calls_whom() -> Result<()> {
        let found = calls(RELOCATIONS, &functions(), &names())?;
        assert_eq!(found, [(0x100, [0x120].into()), (0x120, [0x140].into()), (0x140, [].into())].into());
        Ok(())
    }

    #[test]
    fn pointers_to_functions_are_refused() {
        for planted in [
            "RELOCATION RECORDS FOR [.rodata]:\n00000200 R_ARM_ABS32 a\n",
            "RELOCATION RECORDS FOR [.text]:\n00000102 R_ARM_ABS32 .text\n",
        ] {
            assert!(calls(planted, &functions(), &names()).is_err(), "{planted}");
        }
    }

    #[test]
    fn pushes_are_counted_in_words() {
        let said = "00000100 <a>:\n     100:      \tpush\t{r4, r5, r7, lr}\n     102:      \tsub\tsp, #16\n     104: \tvpush\t{d8}\n00000120 <b>:\n     120: \tsub.w\tsp, sp, #0x400\n     124: \tpush.w\t{r4-r11, lr}\n";
        assert_eq!(pushed(said, &[0x100, 0x120].into()), [(0x100, 32), (0x120, 1024 + 36)].into());
        assert_eq!((registers(" d8-d9"), registers("lr"), registers("r4-r7")), (4, 1, 4));
    }

    #[test]
    fn the_deepest_path_counts_and_cycles_are_noted() {
        let calls: Calls = [(1, [2, 3].into()), (2, [4].into()), (3, [].into()), (4, [].into())].into();
        let sizes: HashMap<_, _> = [(1, 8), (2, 16), (3, 100), (4, 90)].into();
        let names: HashMap<_, _> = (1..=4).map(|address| (address, format!("f{address}"))).collect();
        let mut walk = Walk::over(&calls, sizes.clone(), names.clone());
        let path = walk.worst(1);
        assert_eq!((path.bytes, path.steps().as_str()), (114, "`f1` 8, `f2` 16, `f4` 90"));
        assert!(walk.cycles.is_empty());
        let round: Calls = [(1, [2].into()), (2, [1].into())].into();
        let mut walk = Walk::over(&round, sizes, names);
        walk.worst(1);
        assert_eq!(walk.cycles, [["f1", "f2", "f1"]]);
    }
}
