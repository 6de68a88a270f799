//! Lists of exceptions: each with its reason, and held exactly.

use crate::sh::root;
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::{collections::HashMap, fs};

/// File, what is there, and the line that it is in.
pub(super) type Place = (String, String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    reason: String,
    #[serde(alias = "regions", alias = "mutants")]
    places: Vec<Place>,
}

/// The exceptions of a file in `proofs/`.
pub(super) fn read(name: &str) -> Result<Vec<Place>> {
    let text = fs::read_to_string(root().join("proofs").join(name)).context(name.to_owned())?;
    parse(&text).context(name.to_owned())
}

fn parse(text: &str) -> Result<Vec<Place>> {
    let document: Document = toml::from_str(text)?;
    if let Some(without) = document.exception.iter().find(|exception| exception.reason.trim().is_empty()) {
        bail!("an exception has no reason: {:?}", without.places.first());
    }
    Ok(document.exception.into_iter().flat_map(|exception| exception.places).collect())
}

/// Exceptions that are crossed off one by one, in the order in which they were first named.
pub(super) struct Open {
    counts: HashMap<Place, usize>,
    order: Vec<Place>,
}

impl Open {
    pub(super) fn new(places: impl IntoIterator<Item = Place>) -> Self {
        let mut open = Self { counts: HashMap::new(), order: Vec::new() };
        for place in places {
            if !open.counts.contains_key(&place) {
                open.order.push(place.clone());
            }
            *open.counts.entry(place).or_default() += 1;
        }
        open
    }

    /// Whether this is one of those that are left; it is none of them any more.
    pub(super) fn cross_off(&mut self, place: &Place) -> bool {
        match self.counts.get_mut(place) {
            Some(count @ 1..) => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn left(&self) -> impl Iterator<Item = &Place> {
        self.order.iter().filter(|place| self.counts.get(*place).is_some_and(|&count| count > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_reasons_and_places() -> Result<()> {
        let places = parse(
            "[[exception]]\nreason = \"why\"\nregions = [['a', 'b', 'c'], ['a', 'b', 'c']]\n[[exception]]\nreason = \"so\"\nmutants = []",
        )?;
        assert_eq!(places.len(), 2);
        assert!(parse("[[exception]]\nreason = ' '\nregions = [['a', 'b', 'c']]").is_err());
        assert!(parse("[[exception]]\nregions = [['a', 'b', 'c']]").is_err());
        assert!(parse("[[exception]]\nreason = 'why'\nregions = [['a', 'b']]").is_err());
        Ok(())
    }

    #[test]
    fn each_exception_counts_as_often_as_it_is_named() {
        let place = |name: &str| (name.to_owned(), String::new(), String::new());
        let mut open = Open::new([place("twice"), place("once"), place("twice"), place("never")]);
        assert!(open.cross_off(&place("twice")) && open.cross_off(&place("once")));
        assert!(!open.cross_off(&place("once")) && !open.cross_off(&place("unknown")));
        assert_eq!(open.left().collect::<Vec<_>>(), [&place("twice"), &place("never")]);
    }

    #[test]
    fn the_lists_of_today_can_be_read() -> Result<()> {
        assert!(!read("coverage/exceptions.toml")?.is_empty());
        assert!(!read("mutants/exceptions.toml")?.is_empty());
        Ok(())
    }
}
