//! A linked image for bare metal: its sections and symbols, read by the tools of LLVM.

use crate::{
    sh::{Sh, root},
    text::regex,
    tools,
};
use anyhow::{Context as _, Result};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

/// What is measured begins here, in `proofs/size`.
pub(crate) const ENTRY: &str = "request_to_reply";
/// What only calls what is measured.
pub(super) const SCAFFOLD: &str = "_start";
/// What every image with a memcpy in it has, whether we are in it or not.
const MEMORY: &str = r"^(compiler_builtins::.*|__aeabi_mem\w+|mem(cpy|set|cmp|move)|bcmp)$";

pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) is_code: bool,
}

pub(crate) struct Image {
    pub(super) path: PathBuf,
    pub(super) sections: HashMap<String, u64>,
    /// By address. Of several at one address the last one stays.
    pub(super) symbols: BTreeMap<u64, Symbol>,
    /// By the names that the linker knows.
    pub(super) addresses: HashMap<String, u64>,
}

impl Image {
    pub(super) fn read(path: PathBuf) -> Result<Self> {
        let mut image = Self { path, sections: HashMap::new(), symbols: BTreeMap::new(), addresses: HashMap::new() };
        image.sections = sections(&image.tool("llvm-size", "-A")?);
        image.symbols = symbols(&image.tool("llvm-nm", "--demangle --print-size --defined-only")?);
        image.addresses = addresses(&image.tool("llvm-nm", "--defined-only")?);
        Ok(image)
    }

    pub(super) fn tool(&self, name: &str, words: &str) -> Result<String> {
        Sh::new(tools::llvm_tool(name)?).args(words.split_whitespace()).arg(&self.path).quiet()
    }

    /// Bytes of a section. A linker script of a device places other sections too: what counts is what is in flash anyway.
    pub(super) fn section(&self, name: &str) -> u64 {
        self.sections.get(name).copied().unwrap_or_default()
    }

    pub(super) fn code(&self) -> u64 {
        self.section(".text") - self.sum(|symbol| symbol.name == SCAFFOLD)
    }

    pub(super) fn constants(&self) -> u64 {
        self.section(".rodata")
    }

    pub(super) fn total(&self) -> u64 {
        self.code() + self.constants()
    }

    pub(super) fn memory(&self) -> u64 {
        let memory = regex(MEMORY);
        self.sum(|symbol| memory.is_match(&symbol.name))
    }

    fn sum(&self, which: impl Fn(&Symbol) -> bool) -> u64 {
        self.symbols.values().filter(|symbol| which(symbol)).map(|symbol| symbol.size).sum()
    }

    pub(super) fn largest(&self, count: usize) -> Vec<&Symbol> {
        let mut symbols: Vec<_> = self.symbols.values().filter(|symbol| symbol.name != SCAFFOLD).collect();
        symbols.sort_by_key(|symbol| core::cmp::Reverse(symbol.size));
        symbols.truncate(count);
        symbols
    }

    /// Bytes of stack of each function, by address, as the compiler noted them.
    pub(super) fn frames(&self) -> Result<HashMap<u64, u64>> {
        let place = tempfile::tempdir()?;
        let dumped = place.path().join("stack_sizes");
        self.tool("llvm-objcopy", &format!("--dump-section=.stack_sizes={}", dumped.display()))?;
        frames(&std::fs::read(dumped)?).context("the notes on stacks end early")
    }

    /// A file's name as the compiler writes it, from the root of the repository if it is in there.
    pub(super) fn in_repository(file: &str) -> &str {
        let here = root();
        file.strip_prefix(&*here.to_string_lossy()).map_or(file, |inside| inside.trim_start_matches('/'))
    }
}

/// A name without the hash that rustc appends.
pub(super) fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

fn sections(said: &str) -> HashMap<String, u64> {
    let pattern = regex(r"(?m)^(\.[\w.]+)\s+(\d+)");
    pattern.captures_iter(said).filter_map(|found| Some((found[1].to_owned(), found[2].parse().ok()?))).collect()
}

fn symbols(said: &str) -> BTreeMap<u64, Symbol> {
    let pattern = regex(r"^([0-9a-f]+) ([0-9a-f]+) (\w) (.*)$");
    let mut symbols = BTreeMap::new();
    for found in said.lines().filter_map(|line| pattern.captures(line)) {
        // What stands in RAM is the caller's.
        if matches!(&found[3], "b" | "B" | "d" | "D") {
            continue;
        }
        let (Some(address), Some(size)) = (hex(&found[1]), hex(&found[2])) else { continue };
        let name = without_hash(&found[4]).replace("recording_core::", "");
        symbols.insert(address & !1, Symbol { name, size, is_code: matches!(&found[3], "t" | "T") });
    }
    symbols
}

fn addresses(said: &str) -> HashMap<String, u64> {
    let pattern = regex(r"(?m)^([0-9a-f]+) \w (\S+)$");
    pattern.captures_iter(said).filter_map(|found| Some((found[2].to_owned(), hex(&found[1])? & !1))).collect()
}

/// An address of four bytes, and a number in LEB128, over and over.
fn frames(data: &[u8]) -> Option<HashMap<u64, u64>> {
    let (mut frames, mut rest) = (HashMap::new(), data);
    while let Some((address, after)) = rest.split_first_chunk::<4>() {
        let length = after.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (number, after) = after.split_at(length);
        let size = number.iter().rev().fold(0_u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
        frames.insert(u64::from(u32::from_le_bytes(*address) & !1), size);
        rest = after;
    }
    rest.is_empty().then_some(frames)
}

pub(super) fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_sizes() {
        let said = "size  :\nsection              size      addr\n.vector_table         240         0\n.text               10406     65748\n.ARM.exidx             16  1\nTotal 1\n";
        let found = sections(said);
        assert_eq!((found[".text"], found[".vector_table"], found[".ARM.exidx"], found.len()), (10_406, 240, 16, 3));
    }

    #[test]
    fn symbols_have_addresses_and_plain_names() {
        let said = "000100f5 0000001c t recording_core::json::text::h0123456789abcdef\n00010111 00000010 T _start\n00010300 00000100 r .Lanon.1\n20000000 00000010 b RAM\n00010400 A nosize\n";
        let found = symbols(said);
        let shown: Vec<_> = found
            .iter()
            .map(|(address, symbol)| (*address, symbol.name.as_str(), symbol.size, symbol.is_code))
            .collect();
        assert_eq!(
            shown,
            [(0x100f4, "json::text", 0x1c, true), (0x10110, "_start", 0x10, true), (0x10300, ".Lanon.1", 0x100, false)]
        );
        assert_eq!(addresses("000100f5 t _RNv1\n00010400 A x y\n"), HashMap::from([("_RNv1".to_owned(), 0x100f4)]));
        assert_eq!(without_hash("a::h0123"), "a::h0123");
    }

    #[test]
    fn notes_on_stacks_are_addresses_and_numbers() {
        assert_eq!(
            frames(&[1, 1, 0, 0, 0x88, 0x04, 0x10, 1, 0, 0, 7]),
            Some(HashMap::from([(0x100, 0x208), (0x110, 7)]))
        );
        assert_eq!(frames(&[1, 1, 0, 0, 0x88]), None);
        assert_eq!(frames(&[1, 1, 0]), None);
    }
}
