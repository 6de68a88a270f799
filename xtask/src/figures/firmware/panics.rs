//! Calls that end in a panic, by the function that holds them.

use super::{
    super::image::{Image, without_hash},
    Board, cells, heading,
};
use crate::text::regex;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};

const PANICS: &str =
    r"panicking::|(unwrap|expect|slice_error|slice_index)_fail|slice_(start|end)_index|copy_from_slice::len";
/// Whose a function is, by its name; the first that matches counts.
const OWNERS: [(&str, &str); 6] = [
    ("smoltcp", "smoltcp"),
    ("serde|ryu", "serde-json-core"),
    ("recording_core", "core"),
    ("recording_gateway", "gateway"),
    ("recording_image", "image, with what is inlined there"),
    ("heapless|managed", "smoltcp"),
];

/// How many calls there are, by the function that calls and the one that is called.
type Sites = BTreeMap<(String, String), usize>;

fn sites(image: &Image) -> Result<Sites> {
    Ok(parse(&image.tool("llvm-objdump", "-d --no-show-raw-insn --demangle")?))
}

fn parse(disassembly: &str) -> Sites {
    let (function, call, panics) =
        (regex(r"^[0-9a-f]{8} <(.*)>:$"), regex(r"\sbl?(?:\.w)?\s+0x[0-9a-f]+ <(.*)>"), regex(PANICS));
    let (mut sites, mut here) = (Sites::new(), String::new());
    for line in disassembly.lines() {
        if let Some(found) = function.captures(line) {
            without_hash(&found[1]).clone_into(&mut here);
        } else if let Some(found) = call.captures(line) {
            let goal = without_hash(&found[1]);
            if panics.is_match(goal) && !goal.contains("+0x") && !panics.is_match(&here) {
                *sites.entry((here.clone(), goal.to_owned())).or_default() += 1;
            }
        }
    }
    sites
}

pub(super) fn list(image: &Image) -> Result<String> {
    let mut sites: Vec<_> = sites(image)?.into_iter().collect();
    sites.sort_by_key(|(_, count)| core::cmp::Reverse(*count));
    Ok(sites
        .iter()
        .map(|((function, goal), count)| format!("{count:>5}  {function}  ->  {goal}"))
        .collect::<Vec<_>>()
        .join("\n"))
}

fn owner(name: &str) -> &'static str {
    OWNERS.iter().find(|(pattern, _)| regex(pattern).is_match(name)).map_or("standard library", |(_, part)| part)
}

pub(super) fn table(boards: &[Board]) -> Result<Vec<String>> {
    // Calls, and the functions that hold them, for each board.
    let mut rows = BTreeMap::<&str, Vec<(usize, BTreeSet<String>)>>::new();
    for (at, board) in boards.iter().enumerate() {
        for ((function, _), count) in sites(&board.image)? {
            let row = rows.entry(owner(&function)).or_insert_with(|| vec![(0, BTreeSet::new()); boards.len()]);
            let row = &mut row[at];
            row.0 += count;
            row.1.insert(function);
        }
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, boards)| core::cmp::Reverse(boards.iter().map(|(count, _)| *count).max()));
    let cell = |(count, functions): &(usize, BTreeSet<String>)| {
        if *count == 0 { "0".to_owned() } else { format!("{count} in {}", functions.len()) }
    };
    let lines = rows.iter().map(|(part, counts)| cells(part, counts.iter().map(cell)));
    Ok(heading("calls that end in a panic, in the functions of", boards).into_iter().chain(lines).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_end_in_a_panic_are_found() {
        let said = "00000100 <smoltcp::wire::parse::h0123456789abcdef>:\n     100: \tbl\t0x200 <core::panicking::panic::h0123456789abcdef> @ imm\n     104: \tb.w\t0x200 <core::panicking::panic>\n     108: \tbl\t0x300 <memcpy>\n     10c: \tbeq\t0x200 <core::panicking::panic+0x2>\n00000200 <core::panicking::panic>:\n     200: \tbl\t0x400 <core::panicking::panic_fmt>\n";
        let expected = (("smoltcp::wire::parse".to_owned(), "core::panicking::panic".to_owned()), 2);
        assert_eq!(parse(said), [expected].into());
        assert_eq!(
            (owner("heapless::vec"), owner("core::str"), owner("recording_core::x")),
            ("smoltcp", "standard library", "core")
        );
    }
}
