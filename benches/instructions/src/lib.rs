//! What is counted and timed: the page's own bytes, a desk as a gateway would have it, a fixed sequence of actions.
//!
//! The instruction counts (`benches/core.rs`) and the comparison with other crates (`benches/peers`) run the same
//! workloads from here.

pub mod world;

use core::hint::black_box;

use recording_core::state::Outcome;
use recording_core::{Action, State};

/// The page's body of a `set`, the action as its id. 134 bytes.
pub const BODY_ID: &str = r#"{"Action":1,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;

/// The same, the action as its name. 139 bytes.
pub const BODY_NAME: &str = r#"{"Action":"Mark","RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}"#;

/// The same as [`BODY_ID`] with its keys in another order and white space between.
pub const BODY_SPACED: &str = r#"{ "UCCName": "ucc-demo-name", "CorrelationId": "1d6c6a58-6739-4f0c-98ff-0968292c8c30", "RequesterSipUri": "sip:agent@domain.com", "Action": 1 }"#;

/// The page's reply to a read. 154 bytes.
pub const REPLY: &str = r#"{"CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","RecordingState":0,"MarkingState":1,"SavingState":1,"ErrorMessage":null,"UCCName":"ucc-demo-name"}"#;

/// How many actions the chain has.
pub const STEPS: usize = 4096;

/// Numbers that look random and are the same everywhere: xorshift64* from a fixed seed.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The beginning of the sequence.
    #[must_use]
    pub const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// The next number below `end`.
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.next() as u128 * end as u128) >> 64) as u64
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self::new()
    }
}

/// The actions of the chain, all seven equally likely.
#[must_use]
pub fn actions() -> Vec<Action> {
    let mut numbers = Numbers::new();
    let action = |_| Action::from_code(numbers.below(7) as u8 + 1).expect("1 to 7 are the codes");
    (0..STEPS).map(action).collect()
}

/// The chain: one session, each step from the state that the step before led to. The optimiser knows no action before
/// its step.
#[inline]
#[must_use]
pub fn chain(from: State, actions: &[Action]) -> State {
    let mut state = from;
    for action in actions {
        state = state.apply(*black_box(action)).state();
    }
    state
}

/// The chain, looking at every outcome as a shell does: state, changes and refusals.
#[inline]
#[must_use]
pub fn chain_told(from: State, actions: &[Action]) -> (State, usize, usize) {
    let (mut state, mut changed, mut refused) = (from, 0, 0);
    for action in actions {
        match state.apply(*black_box(action)) {
            Outcome::Changed { to, .. } => {
                state = to;
                changed += 1;
            }
            Outcome::Unchanged { .. } => {}
            Outcome::Refused { .. } => refused += 1,
        }
    }
    (state, changed, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The workload is the one that the figures speak of.
    #[test]
    fn the_chain_is_as_described() {
        let actions = actions();
        assert_eq!(actions.len(), STEPS);
        let (state, changed, refused) = chain_told(State::INITIAL, &actions);
        assert_eq!(chain(State::INITIAL, &actions), state);
        let percent = refused as f64 * 100.0 / STEPS as f64;
        assert!((6.5..7.7).contains(&percent), "{percent} % refused");
        assert!(changed > STEPS / 3);
        println!("chain of {STEPS}: {changed} changed, {refused} refused ({percent:.1} %)");
    }

    #[test]
    fn the_bytes_are_the_pages() {
        assert_eq!([BODY_ID.len(), BODY_NAME.len(), REPLY.len()], [134, 139, 154]);
    }
}
