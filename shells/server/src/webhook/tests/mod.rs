//! Webhooks without a network: the queue against a naive account of it, and the task with receivers that a test scripts.

mod queue;
mod task;

use core::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use recording_core::wire::{CorrelationId, UccName};

use super::queue::{Limits, Noted};
use crate::session::SessionKey;

const LIMITS: Limits = Limits { bytes: 1 << 20, age: Duration::from_secs(3600), parallel: 4 };

fn key(number: u128) -> SessionKey {
    SessionKey::new(UccName::new("ucc").expect("a name"), CorrelationId::from_u128(number))
}

fn noted(number: u64, bytes: usize) -> Noted {
    let json = Bytes::from(vec![b' '; bytes]);
    Noted { kind: "event", json, number, sequence: number, at: SystemTime::UNIX_EPOCH }
}
