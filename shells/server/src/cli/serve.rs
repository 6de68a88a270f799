//! Serving: from the first signal that can come to the last line of the trail.

use core::future::pending;
use core::time::Duration;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

#[cfg(feature = "etcd")]
use super::etcd;
use super::notify::{self, Stage};
use super::options::Options;
use super::reload::Reload;
use super::signals::{Asked, Signals};
use super::values::StoreKind;
use super::{FAILED, LAST_WORDS, NotStarted, Renewal, banner, fail, in_file, notes};
use crate::audit::{self, Trail};
use crate::caller::Caller;
use crate::directory::Directory;
use crate::occurrence::Change;
use crate::output::{self, Output};
use crate::recorder::Recorders;
use crate::server::{self, Protection, Running};
use crate::service::Service;
use crate::store::{FileStore, MemoryStore, OpenError, Store};
use crate::{config, demo, hub};

/// How long the store and the trail may take to be closed, after everything in flight was finished or given up: longer than
/// the trail waits for a line.
const CLOSING: Duration = Duration::from_secs(6);

/// How often a start that takes long is logged: all sessions of a large store are read and checked.
const SILENCE: Duration = Duration::from_secs(10);

/// Serves until a signal says to end.
pub(super) fn serve(options: Box<Options>) -> ExitCode {
    output::start(options.log());
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(format_args!("cannot start: {error}")),
    };
    // Before anything that may take long: until this is done, a signal to read the files again would end the program.
    let listening = {
        let _inside = runtime.enter();
        Signals::listen()
    };
    match listening {
        Ok(signals) => begin(runtime, signals, options),
        Err(error) => fail(format_args!("cannot listen for signals: {error}")),
    }
}

/// What was read and opened before the server can start.
struct Opened {
    directory: Directory,
    protection: Protection,
    store: OpenStore,
}

enum OpenStore {
    Memory(MemoryStore),
    File(FileStore),
    #[cfg(feature = "etcd")]
    Etcd(crate::store::EtcdStore),
}

/// Opens everything on a thread of its own, so that a signal to end is heard however long that takes.
fn begin(runtime: Runtime, mut signals: Signals, options: Box<Options>) -> ExitCode {
    let options = Arc::from(options);
    let opening = runtime.spawn_blocking({
        let options = Arc::clone(&options);
        move || open_all(&options)
    });
    let mut asked_to_reload = false;
    let opened = runtime.block_on(async {
        let opening = patiently(opening, SILENCE, |past| {
            let store = options.store();
            let megabytes = match store {
                StoreKind::File(path) => std::fs::metadata(path).map_or(0, |metadata| metadata.len() >> 20),
                _ => 0,
            };
            info!(target: "recording", %store, megabytes, seconds = past.as_secs(), "still opening the store");
        });
        tokio::select! {
            opened = opening => Some(opened),
            () = asked_to_end(&mut signals, &mut asked_to_reload) => None,
        }
    });
    let Opened { directory, protection, store } = match opened {
        Some(Ok(Ok(opened))) => opened,
        Some(Ok(Err(NotStarted { reason, code }))) => {
            output::complain(&reason);
            return ExitCode::from(code);
        }
        Some(Err(reason)) => return fail(format_args!("cannot start: {reason}")),
        None => {
            info!(target: "recording", "asked to end before the start was done");
            runtime.shutdown_background();
            return ExitCode::SUCCESS;
        }
    };
    let renewal: Option<Renewal> = match &store {
        OpenStore::Memory(_) | OpenStore::File(_) => None,
        #[cfg(feature = "etcd")]
        OpenStore::Etcd(store) => Some(etcd::renewal(&options, store)),
    };
    let start = Start { runtime, signals, options, asked_to_reload, protection, renewal };
    match store {
        OpenStore::Memory(store) => start.with(directory, store),
        OpenStore::File(store) => start.with(directory, store),
        #[cfg(feature = "etcd")]
        OpenStore::Etcd(store) => start.with(directory, store),
    }
}

/// Waits for something, and reports each time that `every` is over how long it has been.
async fn patiently<T>(work: impl Future<Output = T>, every: Duration, mut report: impl FnMut(Duration)) -> T {
    let (began, mut work) = (Instant::now(), core::pin::pin!(work));
    loop {
        match timeout(every, &mut work).await {
            Ok(done) => return done,
            Err(_) => report(began.elapsed()),
        }
    }
}

fn open_all(options: &Options) -> Result<Opened, NotStarted> {
    let directory = match options.config() {
        None => demo::directory(),
        Some(file) => config::load(file)
            .map_err(|errors| errors.first().map_or_else(String::new, |error| in_file(file, error)))?,
    };
    for note in notes(&directory) {
        warn!(target: "recording", "{note}");
    }
    options.store().serves(&directory)?;
    let protection = options.protection.load()?;
    let audit = options.audit();
    let trail = audit.as_ref().map(Trail::open).transpose();
    let trail = trail.map_err(|error| in_trail(audit.as_ref(), &error))?;
    let store = match options.store() {
        StoreKind::Memory => OpenStore::Memory(trail.clone().map_or_else(MemoryStore::new, MemoryStore::audited)),
        StoreKind::File(path) => OpenStore::File(open(path, trail.clone()).map_err(|error| error.to_string())?),
        #[cfg(feature = "etcd")]
        StoreKind::Etcd(prefix) => OpenStore::Etcd(etcd::open(&options.etcd, prefix, trail.as_ref())?),
        #[cfg(not(feature = "etcd"))]
        StoreKind::Etcd(_) => {
            return Err("this build has no store in etcd: build it with --features etcd".to_owned().into());
        }
    };
    if let Some(trail) = &trail {
        let told = trail.started(&options.store().to_string());
        told.map_err(|error| in_trail(audit.as_ref(), &error))?;
    }
    Ok(Opened { directory, protection, store })
}

/// `the audit trail recording.jsonl: …`
fn in_trail(audit: Option<&audit::TrailSettings>, error: &io::Error) -> String {
    let file = audit.map_or(Path::new(""), |audit| &audit.path);
    format!("the audit trail {}: {error}", file.display())
}

/// Opens the store. Some damaged files make the database panic, which becomes an error as any other; its message would
/// only stand in the way.
fn open(path: &Path, trail: Option<Trail>) -> Result<FileStore, OpenError> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let store = FileStore::open(path, trail);
    std::panic::set_hook(hook);
    let store = store?;
    info!(target: "recording", file = %path.display(), sessions = store.len(), "store opened");
    Ok(store)
}

struct Start {
    runtime: Runtime,
    signals: Signals,
    options: Arc<Options>,
    asked_to_reload: bool,
    protection: Protection,
    renewal: Option<Renewal>,
}

impl Start {
    fn with<S: Store>(self, directory: Directory, store: S) -> ExitCode {
        let Self { runtime, mut signals, options, asked_to_reload, protection, renewal } = self;
        let recorders = Recorders::new(options.recorder_wait());
        let service = Service::new(directory, store).with_recorders(recorders);
        let trail = service.trail().cloned();
        let name = match options.server_name() {
            Ok(name) => name,
            Err(reason) => return fail(reason),
        };
        let listening = signalr_hub::HubOptions {
            connections: options.listeners(),
            server: Some(name),
            ..signalr_hub::HubOptions::default()
        };
        let service = Arc::new(service.with_hub(hub::new(options.event_case(), listening)));
        let serving = Serving { options: &options, service: Arc::clone(&service), asked_to_reload, renewal };
        let code = runtime.block_on(serving.run(&mut signals, protection));
        // What remains waits for the disk, which may take as long as it likes; the end does not.
        let (tell, told) = mpsc::channel();
        let closing = thread::Builder::new().name("closing".into()).spawn(move || {
            runtime.shutdown_timeout(LAST_WORDS);
            // The last of it: this is where a store finishes what it was asked for.
            drop(service);
            let _ = tell.send(trail.map_or(Ok(()), |trail| trail.ended()));
        });
        match closing.map(|_| told.recv_timeout(CLOSING)) {
            Ok(Ok(Ok(()))) => code,
            Ok(Ok(Err(error))) => {
                error!(target: "recording", reason = error.to_string(), "the audit trail cannot be written");
                code
            }
            Ok(Err(_)) | Err(_) => {
                output::complain(&"the store or the audit trail could not be closed in time");
                if code == ExitCode::SUCCESS { ExitCode::from(FAILED) } else { code }
            }
        }
    }
}

/// Waits for a signal to end, and remembers if one to reload came before.
async fn asked_to_end(signals: &mut Signals, to_reload: &mut bool) {
    while signals.next().await != Asked::End {
        *to_reload = true;
    }
}

struct Serving<'o, S> {
    options: &'o Options,
    service: Arc<Service<S>>,
    asked_to_reload: bool,
    renewal: Option<Renewal>,
}

/// Why serving ends.
enum Why {
    Asked,
    /// This has ended, which must not.
    Lost(&'static str),
}

impl<S: Store> Serving<'_, S> {
    async fn run(self, signals: &mut Signals, protection: Protection) -> ExitCode {
        let Self { options, service, mut asked_to_reload, renewal } = self;
        let is_demo = options.config().is_none();
        if let (true, Some(key)) = (is_demo, demo::session()) {
            // One that was kept in a file stays as it is.
            let note =
                service.note(&Change::Begin { key: &key, state: demo::STATE, recorder: None }, Caller::default());
            if let Err(error) = service.store().compare_and_set(&key, None, Some(demo::STATE.into()), note).await {
                return fail(format_args!("the demo's session cannot be opened: {error}"));
            }
        }
        // In the runtime, in which they are looked for.
        if let Err(reason) = service.configure_outgoing(&service.directory().current()) {
            return fail(reason);
        }
        if matches!(options.store(), StoreKind::Memory) && !service.directory().current().recorders().is_empty() {
            let text = "with --store memory what was ordered of recorders is forgotten when the server ends: nothing that is \
                        pending is sent again then, and no silence is watched";
            warn!(target: "recording", "{text}");
        }
        match service.load_recorded().await {
            Ok(0) => {}
            Ok(sessions) => info!(target: "recording", sessions, "sessions with a recorder are driven again"),
            Err(error) => return fail(format_args!("the sessions with a recorder cannot be read: {error}")),
        }
        let started = server::start_protected(service, options.addresses(), options.limits(), protection).await;
        let running = match started {
            Ok(running) => running,
            Err(error) => return fail(error),
        };
        let out = Output::to("output", output::standard_output());
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = banner::print(&mut text, &running, is_demo.then_some(options.store()));
        out.line(&text);
        let server::Addresses { api, admin } = running.addresses();
        let server_name = running.service().hub().options().server.as_ref().map(tracing::field::display);
        info!(target: "recording", %api, %admin, server_name, "listening");
        options.protection.warn(running.addresses());
        notify::say(Stage::Ready);

        let why = until_the_end(&running, signals, options, (asked_to_reload, renewal)).await;
        notify::say(Stage::Stopping);
        let service = Arc::clone(running.service());
        let code = match why {
            Why::Asked => {
                let text = "ending: no new connections, finishing what is in flight; asked again, it ends at once";
                info!(target: "recording", "{text}");
                ExitCode::SUCCESS
            }
            Why::Lost(what) => {
                output::complain(&format_args!("{what} has ended, so the server cannot go on"));
                ExitCode::from(FAILED)
            }
        };
        tokio::select! {
            finished = running.stop(options.grace()) => {
                if !finished {
                    warn!(target: "recording", "not everything in flight was finished in time");
                }
            }
            // Whoever asks a second time does not want to wait.
            () = asked_to_end(signals, &mut asked_to_reload) => {
                warn!(target: "recording", "asked again: ending at once");
                service.webhooks().abandon();
            }
        }
        out.flush(LAST_WORDS);
        code
    }
}

/// Serves, and reads the files again when asked to, one time after the other and never in the way of a signal.
async fn until_the_end<S: Store>(
    running: &Running<S>,
    signals: &mut Signals,
    options: &Options,
    (mut asked_to_reload, renewal): (bool, Option<Renewal>),
) -> Why {
    let reload = Reload {
        service: Arc::clone(running.service()),
        protection: running.protection().clone(),
        config: options.config().cloned(),
        store: options.store().clone(),
        renewal,
    };
    let mut reloading: Option<JoinHandle<()>> = None;
    loop {
        if asked_to_reload && reloading.is_none() {
            asked_to_reload = false;
            notify::say(Stage::Reloading);
            let reload = reload.clone();
            reloading = Some(tokio::task::spawn_blocking(move || reload.all()));
        }
        let done = async {
            match &mut reloading {
                Some(reloading) => drop(reloading.await),
                None => pending().await,
            }
        };
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::End => return Why::Asked,
                Asked::Reload => asked_to_reload = true,
            },
            what = running.lost() => return Why::Lost(what),
            () = done => {
                reloading = None;
                notify::say(Stage::Ready);
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::options::{Command, read};
    use super::*;

    /// A start that takes 35 s, on a clock that jumps.
    #[tokio::test(start_paused = true)]
    async fn a_long_start_is_reported_every_ten_seconds() {
        let mut reports = Vec::new();
        let long = async {
            tokio::time::sleep(Duration::from_secs(35)).await;
            7
        };
        assert_eq!(patiently(long, SILENCE, |past| reports.push(past.as_secs())).await, 7);
        assert_eq!(reports, [10, 20, 30]);
        assert_eq!(patiently(async { 7 }, SILENCE, |_| reports.clear()).await, 7);
        assert_eq!(reports.len(), 3, "what is done at once is not reported");
    }

    /// What must live has ended: the program ends with a code that has a service manager start it again.
    #[tokio::test]
    async fn a_lost_part_ends_the_program() -> io::Result<()> {
        let free = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let Ok(Command::Serve(options)) = read(free.map(Into::into)) else { panic!("good options") };
        let service = Arc::new(Service::new(demo::directory(), MemoryStore::new()));
        let health = Arc::clone(service.health());
        let ends = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            health.vital("what ends", async { panic!("planted") }).await;
        });
        let serving = Serving { options: &options, service, asked_to_reload: false, renewal: None };
        let code = serving.run(&mut Signals::silent()?, Protection::default()).await;
        assert_eq!(code, ExitCode::from(FAILED));
        assert!(ends.await.is_err());
        Ok(())
    }
}
