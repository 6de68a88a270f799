//! Strategies, a reference state machine and planted faults for testing what speaks the recording API.
