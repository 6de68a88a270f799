//! Sessions, and what a start finds of them and of the trail.

use core::future::Future;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use recording_core::State;
use recording_core::wire::{CorrelationId, UccName};
use recording_server::audit::{Trail, TrailSettings};
use recording_server::service::Service;
use recording_server::store::{FileStore, MemoryStore, SessionKey, Store};
use recording_server::{admin, api, demo};
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::measure::{Cpu, Outcome, Thing, tried};

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a session, begun", usual: 1000, each: true, time: begun },
    Thing { one: "a session of pages of all, listed", usual: 1000, each: true, time: listed },
    Thing { one: "a set among so many sessions", usual: 1000, each: false, time: set },
    Thing { one: "a session of a file, at a start", usual: 1000, each: true, time: started },
    Thing {
        one: "a line of the trail without a change, at a start after a kill",
        usual: 1000,
        each: true,
        time: lines,
    },
    Thing {
        one: "a change that the store does not have, withdrawn at a start",
        usual: 100,
        each: true,
        time: withdrawn,
    },
    Thing { one: "an archive of the trail, at a start and three rotations", usual: 10, each: true, time: archives },
];

/// A directory, gone when dropped.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Outcome<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // In memory if that can be: it is not the disk that is measured.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("growth-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

pub(crate) async fn asks(
    router: &Router,
    method: &str,
    target: &str,
    authorization: &str,
    body: &str,
) -> Outcome<(u16, String)> {
    let mut request = Request::builder().method(method).uri(target);
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let Ok(response) = router.clone().call(request.body(Body::from(body.to_owned()))?).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 24).await?;
    Ok((status, String::from_utf8(body.to_vec())?))
}

/// The demo's world, and its session.
pub(crate) async fn one_service() -> Outcome<Arc<Service<MemoryStore>>> {
    let service = Service::new(demo::directory(), MemoryStore::new());
    let key = demo::session().ok_or("no session")?;
    let _ = service.store().begin(&key, demo::STATE).await?;
    Ok(Arc::new(service))
}

/// Spread, as those of real calls are.
const fn id(number: usize) -> CorrelationId {
    CorrelationId::from_u128((number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37_79b9_7f4a_7c15))
}

fn key(number: usize) -> Outcome<SessionKey> {
    Ok(SessionKey::new(UccName::new(demo::UCC)?, id(number)))
}

async fn fill(number: usize) -> Outcome<Arc<Service<MemoryStore>>> {
    let service = one_service().await?;
    for number in 1..number {
        let _ = service.store().begin(&key(number)?, demo::STATE).await?;
    }
    Ok(service)
}

fn begun(number: usize) -> Outcome<Duration> {
    tried(|| {
        block_on(async {
            let began = Cpu::now();
            fill(number).await?;
            Ok(began.elapsed())
        })
    })
}

fn listed(number: usize) -> Outcome<Duration> {
    block_on(async {
        let router = admin::router(fill(number).await?);
        let mut least = Duration::MAX;
        for _ in 0..3 {
            let (began, mut after, mut seen) = (Cpu::now(), String::new(), 0);
            loop {
                let (_, page) = asks(&router, "GET", &format!("/sessions?limit=1000{after}"), "", "").await?;
                seen += page.matches("CorrelationId").count();
                let next = page.rsplit_once(r#""Next":""#).and_then(|(_, next)| next.split('"').next());
                match next {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, number);
            least = least.min(began.elapsed());
        }
        Ok(least)
    })
}

fn set(number: usize) -> Outcome<Duration> {
    const SETS: usize = 1000;
    block_on(async {
        let router = api::router(fill(number).await?);
        let mut least = Duration::MAX;
        for run in 0..5 {
            // Pause and Start in turns: each is a change.
            let action = if run % 2 == 0 { 3 } else { 1 };
            let bodies: Vec<_> = (0..SETS)
                .map(|set| {
                    let (id, ucc, agent) = (id(1 + set * (number - 1) / SETS), demo::UCC, demo::AGENT);
                    format!(
                        r#"{{"Action":{action},"RequesterSipUri":"{agent}","CorrelationId":"{id}","UCCName":"{ucc}"}}"#
                    )
                })
                .collect();
            let began = Cpu::now();
            for body in &bodies {
                let (status, said) = asks(&router, "POST", "/attendantservice/api/recording/set", "", body).await?;
                if status != 200 {
                    return Err(said.into());
                }
            }
            least = least.min(began.elapsed());
        }
        Ok(least / SETS as u32)
    })
}

fn started(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let file = place.file("sessions");
    block_on(async {
        let store = Arc::new(FileStore::open(&file, None)?);
        for from in (0..number).step_by(1000) {
            let mut group = JoinSet::new();
            for number in from..number.min(from + 1000) {
                let (store, key) = (Arc::clone(&store), key(number)?);
                group.spawn(async move { store.begin(&key, State::INITIAL).await });
            }
            while let Some(begun) = group.join_next().await {
                let _ = begun??;
            }
        }
        Ok(())
    })?;
    tried(|| {
        let began = Cpu::now();
        let store = FileStore::open(&file, None)?;
        let elapsed = began.elapsed();
        assert_eq!(store.len(), number);
        Ok(elapsed)
    })
}

fn settings(place: &Place) -> TrailSettings {
    TrailSettings { path: place.file("trail"), max_bytes: 1 << 40, keep: 10, reads: true }
}

/// A store and the trail of a server that was killed: a change, and after that a read. Gives the lines of both.
fn killed(place: &Place) -> Outcome<(String, String)> {
    let trail = Trail::open(&settings(place))?;
    block_on(async {
        let store = FileStore::open(&place.file("sessions"), Some(trail.clone()))?;
        trail.started("file")?;
        // The service's is the last one, so that all lines are written when that is dropped.
        drop(trail);
        let _ = store.begin(&demo::session().ok_or("no session")?, demo::STATE).await?;
        let router = api::router(Arc::new(Service::new(demo::directory(), store)));
        let (id, ucc, agent) = (demo::SESSION, demo::UCC, demo::AGENT);
        let body = format!(r#"{{"Action":3,"RequesterSipUri":"{agent}","CorrelationId":"{id}","UCCName":"{ucc}"}}"#);
        let (status, said) = asks(&router, "POST", "/attendantservice/api/recording/set", "", &body).await?;
        if status != 200 {
            return Err(said.into());
        }
        asks(&router, "GET", &format!("/attendantservice/api/recording/{ucc}/{id}"), "", "").await?;
        Ok(())
    })?;
    let text = fs::read_to_string(place.file("trail"))?;
    let last = |outcome: &str| {
        let line = text.lines().rfind(|line| line.contains(outcome));
        line.map(str::to_owned).ok_or(format!("no line with {outcome} in {text}"))
    };
    Ok((last(r#""Outcome":"changed""#)?, last(r#""Call":"state""#)?))
}

fn start(place: &Place) -> Outcome<Duration> {
    let began = Cpu::now();
    let trail = Trail::open(&settings(place))?;
    let store = FileStore::open(&place.file("sessions"), Some(trail))?;
    let elapsed = began.elapsed();
    drop(store);
    Ok(elapsed)
}

fn lines(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let (_, read) = killed(&place)?;
    let before = fs::read_to_string(place.file("trail"))?;
    fs::write(place.file("trail"), before + &format!("{read}\n").repeat(number))?;
    tried(|| start(&place))
}

fn withdrawn(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let (changed, _) = killed(&place)?;
    let mut text = fs::read_to_string(place.file("trail"))?;
    let (line, revision) = changed.rsplit_once(r#""Revision":"#).ok_or("no revision")?;
    let stored: usize = revision.trim_end_matches('}').parse()?;
    for revision in stored + 1..=stored + number {
        text.push_str(&format!("{line}\"Revision\":{revision}}}\n"));
    }
    tried(|| {
        fs::write(place.file("trail"), &text)?;
        let elapsed = start(&place)?;
        assert_eq!(fs::read_to_string(place.file("trail"))?.matches(r#""Outcome":"withdrawn""#).count(), number);
        Ok(elapsed)
    })
}

fn archives(number: usize) -> Outcome<Duration> {
    let place = Place::new()?;
    let (_, read) = killed(&place)?;
    for archive in 1..=number {
        fs::write(place.file(&format!("trail.{archive}")), format!("{read}\n"))?;
    }
    let settings = TrailSettings { max_bytes: 1, keep: u32::try_from(number)?, ..settings(&place) };
    tried(|| {
        let began = Cpu::now();
        let trail = Trail::open(&settings)?;
        let _store = FileStore::open(&place.file("sessions"), Some(trail.clone()))?;
        for _ in 0..3 {
            trail.started("file")?;
        }
        Ok(began.elapsed())
    })
}
