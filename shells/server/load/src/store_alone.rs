//! What the store does without a server around it.
//!
//! ```text
//! store-alone commit FILE SESSIONS GROUP SECONDS   opens sessions, then changes them in groups; prints changes a second
//! store-alone median FILE CHANGES PAUSE            changes one session again and again, each time after so many milliseconds;
//!                                                  prints the median in milliseconds
//! store-alone fill FILE SESSIONS                   opens sessions
//! store-alone memory SESSIONS                      opens sessions in memory; prints bytes a session
//! ```

use core::error::Error;
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use recording_core::State;
use recording_core::wire::{CorrelationId, UccName};
use recording_server::audit::Note;
use recording_server::store::{FileStore, MemoryStore, SessionKey, Store, Swap};
use tokio::task::JoinSet;

/// A large store takes minutes to fill.
const SILENCE: Duration = Duration::from_secs(9);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The key of a session, as the load's config and requests have it: ids are spread, as those of real calls are.
fn key(number: u64) -> Outcome<SessionKey> {
    let spread = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number);
    Ok(SessionKey::new(UccName::new("ucc-demo-name")?, CorrelationId::from_u128(spread)))
}

async fn fill<S: Store>(store: &Arc<S>, sessions: u64) -> Outcome<()> {
    let mut said = Instant::now();
    for from in (0..sessions).step_by(1000) {
        if said.elapsed() > SILENCE {
            eprintln!("store-alone: {from} of {sessions} sessions are open");
            said = Instant::now();
        }
        let mut group = JoinSet::new();
        for number in from..sessions.min(from + 1000) {
            let (store, key) = (Arc::clone(store), key(number)?);
            group.spawn(async move { store.begin(&key, State::INITIAL).await });
        }
        while let Some(begun) = group.join_next().await {
            if begun?? == Swap::Conflict {
                return Err("a session was open already".into());
            }
        }
    }
    Ok(())
}

/// Changes sessions in groups: all of a group at once, the next group when all are stored.
async fn commit(file: &Path, sessions: u64, group: u64, time: Duration) -> Outcome<()> {
    let store = Arc::new(FileStore::open(file, None)?);
    fill(&store, sessions).await?;
    let (began, mut changes, mut states) = (Instant::now(), 0, State::ALL.iter().cycle());
    while began.elapsed() < time {
        let mut waiting = JoinSet::new();
        let session = states.next().map(|&state| state.into());
        for number in changes..changes + group {
            let (store, key, session) = (Arc::clone(&store), key(number % sessions)?, session.clone());
            let found = store.read(&key).await?.map(|found| found.revision);
            waiting.spawn(async move { store.compare_and_set(&key, found, session, Note::none()).await });
        }
        while let Some(stored) = waiting.join_next().await {
            let _ = stored??;
        }
        changes += group;
    }
    println!("{:.0}", changes as f64 / began.elapsed().as_secs_f64());
    Ok(())
}

/// One change after the other.
async fn median(file: &Path, changes: usize, pause: Duration) -> Outcome<()> {
    let store = Arc::new(FileStore::open(file, None)?);
    fill(&store, 1).await?;
    let (key, mut times) = (key(0)?, Vec::new());
    for state in State::ALL.into_iter().cycle().take(changes) {
        let found = store.read(&key).await?.map(|found| found.revision);
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let _ = store.compare_and_set(&key, found, Some(state.into()), Note::none()).await?;
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!("{:.4}", 1000.0 * times.get(times.len() / 2).ok_or("no changes")?);
    Ok(())
}

/// Bytes that the process has in memory.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(1024 * line.trim().trim_end_matches(" kB").parse::<u64>()?)
}

async fn memory(sessions: u64) -> Outcome<()> {
    let store = Arc::new(MemoryStore::new());
    let before = resident()?;
    for number in 0..sessions {
        let _ = store.begin(&key(number)?, State::INITIAL).await?;
    }
    println!("{:.0}", (resident()? - before) as f64 / sessions as f64);
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["commit", file, sessions, group, seconds] => {
            commit(Path::new(file), sessions.parse()?, group.parse()?, Duration::from_secs(seconds.parse()?)).await
        }
        ["median", file, changes, pause] => {
            median(Path::new(file), changes.parse()?, Duration::from_millis(pause.parse()?)).await
        }
        ["fill", file, sessions] => fill(&Arc::new(FileStore::open(Path::new(file), None)?), sessions.parse()?).await,
        ["memory", sessions] => memory(sessions.parse()?).await,
        _ => Err("see the first lines of store_alone.rs".into()),
    }
}
