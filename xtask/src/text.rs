//! Numbers and tables as they are written in Markdown, and pieces of pages that are written again.

use anyhow::{Result, bail};
use regex::Regex;
use std::path::Path;

/// A pattern that is known to be one.
pub(crate) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this program are tested")
}

/// What the first group of a pattern found first.
pub(crate) fn found<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    Some(regex(pattern).captures(text)?.get(1)?.as_str())
}

/// With commas between thousands, and so many digits after the point.
pub(crate) fn decimal(value: f64, digits: usize) -> String {
    let plain = format!("{:.*}", digits, value.abs());
    let (whole, rest) = plain.find('.').map_or((plain.as_str(), ""), |at| plain.split_at(at));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}{rest}", if value < 0.0 { "-" } else { "" })
}

/// A count with commas between thousands.
#[expect(clippy::cast_precision_loss, reason = "counts of this program are far below 2^52")]
pub(crate) fn count(value: u64) -> String {
    decimal(value as f64, 0)
}

/// Three digits that say something, as many as there are before the point at least.
pub(crate) fn three_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // By the value as it is rounded: 9.996 is 10.0.
    let magnitude = |value: f64| value.abs().log10().floor();
    let scale = 10_f64.powf(2.0 - magnitude(value));
    let rounded = (value * scale).round() / scale;
    let digits = (2.0 - magnitude(rounded)).clamp(0.0, 12.0);
    let text = (0..13)
        .find(|&at| f64::from(at) >= digits)
        .map_or_else(|| rounded.to_string(), |at| format!("{rounded:.at$}", at = at as usize));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// By how much of it a value is above or below another, in percent.
pub(crate) fn percent_over(value: f64, goal: f64, digits: usize) -> String {
    format!("{:.*}%", digits, (value / goal - 1.0) * 100.0)
}

/// Whether a size is at most what is wanted, in the words of the pages.
pub(crate) fn verdict(value: f64, goal: f64) -> String {
    if value <= goal { "reached".to_owned() } else { format!("**{} over**", percent_over(value, goal, 0)) }
}

/// A link of a page as a path from the folder that the page's own path is from; `None` if it leaves that.
pub(crate) fn joined(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = Path::new(page).parent()?.iter().filter_map(|part| part.to_str()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// A line of a table.
pub(crate) fn row(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// A text whose part between two marks is replaced; `None` if it does not have both.
pub(crate) fn replaced(text: &str, begin: &str, end: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{part}\n{end}{after}"))
}

/// The same, of a page that must have both marks.
pub(crate) fn must_replace(name: &str, text: &str, begin: &str, end: &str, part: &str) -> Result<String> {
    match replaced(text, begin, end, part) {
        Some(text) => Ok(text),
        None => bail!("{name} has no block between {begin} and {end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        for (value, digits, text) in [
            (0.0, 0, "0"),
            (999.0, 0, "999"),
            (1000.0, 0, "1,000"),
            (1234567.0, 0, "1,234,567"),
            (928.25, 1, "928.2"),
            (-1234.5, 1, "-1,234.5"),
        ] {
            assert_eq!(decimal(value, digits), text);
        }
        assert_eq!(count(57_344), "57,344");
    }

    #[test]
    fn three_digits_say_something() {
        for (value, text) in [
            (1.84, "1.84"),
            (48.7, "48.7"),
            (110.2, "110"),
            (95.04, "95"),
            (0.012_345, "0.0123"),
            (9.996, "10"),
            (79.0, "79"),
            (1234.0, "1230"),
            (0.0, "0"),
        ] {
            assert_eq!(three_digits(value), text);
        }
    }

    #[test]
    fn a_goal_is_reached_or_missed_by_percents() {
        assert_eq!(verdict(600.0, 600.0), "reached");
        assert_eq!(verdict(13_158.0, 9216.0), "**43% over**");
        assert_eq!(percent_over(928.0, 1400.0, 1), "-33.7%");
    }

    #[test]
    fn a_link_is_from_the_folder_of_its_page() {
        let paths = [("README.md", "docs/a.md"), ("docs/b.md", "./a.md"), ("x/y/z.md", "../../docs//a.md")];
        for (page, link) in paths {
            assert_eq!(joined(page, link).as_deref(), Some("docs/a.md"), "{page}");
        }
        assert_eq!(joined("docs/a.md", "../../b.md"), None);
    }

    #[test]
    fn a_block_is_replaced_between_its_marks() {
        assert_eq!(replaced("a <b> old <e> c", "<b>", "<e>", "new").as_deref(), Some("a <b>\nnew\n<e> c"));
        assert_eq!(replaced("a <e> old <b> c", "<b>", "<e>", "new"), None);
        assert!(must_replace("page", "", "<b>", "<e>", "").is_err());
    }
}
