use std::time::Instant as Clock;

use tokio::time::Instant;

use super::*;

fn slot(token: &str) -> Arc<Slot<()>> {
    Arc::new(Slot::new(token.to_owned(), Instant::now()))
}

fn caller(name: &str) -> Arc<str> {
    name.into()
}

impl Places<()> {
    fn opens(&mut self, token: &str, name: &str) -> Result<Option<String>, NotOpened> {
        self.prepare(&slot(token), &caller(name)).map_err(|Full| NotOpened::Full)?;
        let goes = self.open(token, &caller(name), Transport::WebSocket)?;
        Ok(goes.map(|removed| removed.slot.token.clone()))
    }
}

/// The naive way, for every order of 4 callers' steps: the counts are what they should be, and nothing is kept twice.
#[test]
fn the_books_are_kept() {
    for number in 0..4_u32.pow(6) {
        let mut places = Places::new(3);
        for step in 0..6 {
            let act = number / 4_u32.pow(step) % 4;
            let token = format!("{step}");
            match act {
                0 => drop(places.prepare(&slot(&token), &caller("a"))),
                1 => drop(places.open_new(&slot(&token), &caller("b"), Transport::WebSocket)),
                2 => drop(places.opens(&token, "c")),
                _ => drop(places.remove(&format!("{}", step / 2))),
            }
            let open = places.by_token.values().filter(|place| place.transport.is_some()).count();
            assert_eq!((places.open.total, places.unopened.total), (open, places.by_token.len() - open));
            assert!(open <= 3 && places.unopened.total <= 3);
            for held in [&places.open, &places.unopened] {
                let ranks: usize = held.ranks.iter().map(|(count, _)| count).sum();
                let slots: usize = held.callers.values().map(BTreeMap::len).sum();
                assert_eq!((ranks, slots, held.ranks.len()), (held.total, held.total, held.callers.len()));
            }
        }
    }
}

/// One caller may have everything, until another one comes: that one gets its share, and no more.
#[test]
fn no_caller_keeps_another_one_out() {
    let mut places = Places::new(64);
    for number in 0..64 {
        assert_eq!(places.opens(&format!("flood {number}"), "flood"), Ok(None));
    }
    assert_eq!(places.opens("one more", "flood"), Err(NotOpened::Full));
    for number in 0..4 {
        // The newest goes.
        assert_eq!(places.opens(&format!("good {number}"), "good"), Ok(Some(format!("flood {}", 63 - number))));
    }
    assert_eq!(places.opens("good 4", "good"), Err(NotOpened::Full));
    assert_eq!(places.opens("one more", "flood"), Err(NotOpened::Full));
    assert_eq!(places.opens("other", "other"), Ok(Some("flood 59".to_owned())));
    // No caller loses a place to one that would then have as many.
    let mut places = Places::new(2);
    assert_eq!((places.opens("1", "a"), places.opens("2", "b")), (Ok(None), Ok(None)));
    assert_eq!(places.opens("3", "c"), Err(NotOpened::Full));
}

/// A flood of negotiations pushes out its own, and not that of another caller.
#[test]
fn negotiations_of_others_outlive_a_flood() {
    let mut places = Places::new(32);
    places.prepare(&slot("good"), &caller("good")).unwrap();
    for number in 0..1000 {
        places.prepare(&slot(&format!("{number}")), &caller("flood")).unwrap();
    }
    assert!(places.get("good").is_some());
    assert_eq!(places.unopened.total, 32);
    assert!(places.get("0").is_none() && places.get("999").is_some());
}

/// WebSockets that were not negotiated come and go, by one caller or by many: each takes a place as an opened one does, and
/// no negotiation, of whomever, is pushed out by them.
#[test]
fn connections_that_were_not_negotiated_take_no_place_of_those_that_were() {
    let mut places = Places::new(32);
    for number in 0..32 {
        places.prepare(&slot(&format!("good {number}")), &caller("good")).unwrap();
    }
    for number in 0..1000 {
        let (token, flood) = (format!("{number}"), caller(&format!("flood {}", number % 3)));
        assert!(places.open_new(&slot(&token), &flood, Transport::WebSocket).unwrap().is_none());
        assert_eq!((places.open.total, places.unopened.total), (1, 32));
        assert_eq!(places.remove(&token).unwrap().transport, Some(Transport::WebSocket));
    }
    // All places taken: who is new gets its share, at the cost of the one that has most.
    for number in 0..32 {
        assert!(
            places.open_new(&slot(&format!("{number}")), &caller("flood"), Transport::WebSocket).unwrap().is_none()
        );
    }
    assert!(places.open_new(&slot("more"), &caller("flood"), Transport::WebSocket).is_err());
    let goes = places.open_new(&slot("new"), &caller("new"), Transport::WebSocket).unwrap().unwrap();
    assert_eq!((goes.slot.token.as_str(), places.open.total, places.unopened.total), ("31", 32, 32));
    assert!((0..32).all(|number| places.get(&format!("good {number}")).is_some()));
}

/// What a negotiation costs does not grow with how many are unopened: ten times as many, in one run.
#[test]
fn a_flood_of_negotiations_costs_the_same_however_many_there_are() {
    let time = |most: usize| {
        let mut places = Places::new(most);
        let flood = caller("flood");
        for number in 0..most {
            places.prepare(&slot(&format!("first {number}")), &flood).unwrap();
        }
        let slots: Vec<_> = (0..4000).map(|number| slot(&format!("{number}"))).collect();
        let begin = Clock::now();
        slots.iter().for_each(|slot| places.prepare(slot, &flood).unwrap());
        assert_eq!(places.unopened.total, most);
        begin.elapsed()
    };
    // The best of several: the machine is busy with other things.
    let best = |most| (0..5).map(|_| time(most)).min().unwrap();
    let (few, many) = (best(1000), best(10_000));
    assert!(many < 5 * few, "{few:?} with 1,000 and {many:?} with 10,000");
}
