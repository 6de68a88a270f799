//! Which recorders there are, and which sessions have one.

use core::fmt;
use core::time::Duration;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use recording_core::Action;
use recording_core::recorder::Order;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::configured::RecorderConfig;
use super::driver::Driver;
use super::holder_names::HolderNames;
use super::port::{Call, Recorder};
use crate::metrics::{RecorderLevel, RecorderLevels};
use crate::session::{Binding, SessionKey};

/// How long a `set` waits for its recorder by default.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(1);

/// A recorder of the config.
#[derive(Debug, Clone)]
pub struct Entered {
    /// What asks it.
    pub recorder: Arc<dyn Recorder>,
    /// Whether the config in force has it. One that is gone still hears what its sessions have to say, and gets no new order.
    pub is_configured: bool,
}

/// The recorders that this process has begun to look for, with what the config said of them.
pub(super) type Known = HashMap<Box<str>, (RecorderConfig, Arc<dyn Recorder>)>;

/// The recorders, and the sessions that have one.
pub struct Recorders {
    known: Mutex<Known>,
    entered: RwLock<HashMap<Box<str>, Entered>>,
    patience: Duration,
    holder_names: HolderNames,
    open: Mutex<Open>,
    /// Wakes the supervisor when a session was added.
    pub(super) added: Notify,
}

impl fmt::Debug for Recorders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open();
        f.debug_struct("Recorders").field("sessions", &open.sessions.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Open {
    sessions: HashMap<SessionKey, Arc<Driver>>,
    /// Whose each call of a recorder is, by the recorder's place: it may have several names.
    calls: HashMap<(Box<str>, Box<str>), SessionKey>,
    /// Those that have no task yet. Each is in `sessions`, too.
    without_task: Vec<Arc<Driver>>,
}

/// Another session has this call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTaken {
    /// What names the call.
    pub call: Box<str>,
}

impl Default for Recorders {
    fn default() -> Self {
        Self::new(DEFAULT_PATIENCE)
    }
}

impl Recorders {
    /// No recorder. A `set` waits for its recorder for `patience`.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            known: Mutex::default(),
            entered: RwLock::default(),
            holder_names: HolderNames::default(),
            patience,
            open: Mutex::default(),
            added: Notify::new(),
        }
    }

    // Nothing under these locks can panic half-way.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a `set` waits for its recorder.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// The URIs of agents by pattern.
    pub(super) const fn holder_names(&self) -> &HolderNames {
        &self.holder_names
    }

    /// Puts these in force. Those that are gone stay for the sessions that have them.
    pub fn replace(&self, recorders: impl IntoIterator<Item = (Box<str>, Arc<dyn Recorder>)>) {
        let mut entered = self.entered.write().unwrap_or_else(PoisonError::into_inner);
        entered.values_mut().for_each(|entered| entered.is_configured = false);
        for (name, recorder) in recorders {
            entered.insert(name, Entered { recorder, is_configured: true });
        }
    }

    /// The recorder of this name.
    #[must_use]
    pub fn entered(&self, name: &str) -> Option<Entered> {
        self.entered.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All of them by name, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<(Box<str>, Entered)> {
        let entered = self.entered.read().unwrap_or_else(PoisonError::into_inner);
        entered.iter().map(|(name, entered)| (name.clone(), entered.clone())).collect()
    }

    /// Whether this recorder may be asked for what the action needs of it.
    #[must_use]
    pub fn is_possible(&self, recorder: &str, action: Action) -> bool {
        self.entered(recorder).is_some_and(|entered| {
            let is_usable = !matches!(entered.recorder.condition().borrow().usable, Some(Err(_)));
            let can = Order::of(action).is_none_or(|order| entered.recorder.capabilities().can(order));
            entered.is_configured && is_usable && can
        })
    }

    /// How many sessions each recorder has, if it has any.
    #[must_use]
    pub fn sessions_of_each(&self) -> HashMap<Box<str>, usize> {
        let mut counts = HashMap::new();
        for driver in self.open().sessions.values() {
            *counts.entry(driver.call().binding.recorder.clone()).or_default() += 1;
        }
        counts
    }

    /// The session, if it has a recorder and is open or closing.
    #[must_use]
    pub fn driver(&self, key: &SessionKey) -> Option<Arc<Driver>> {
        self.open().sessions.get(key).map(Arc::clone)
    }

    /// All of them, in no order.
    #[must_use]
    pub fn drivers(&self) -> Vec<Arc<Driver>> {
        self.open().sessions.values().map(Arc::clone).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open().sessions.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How sessions and recorders stand, for the metrics.
    pub(crate) fn levels(&self) -> RecorderLevels {
        let mut levels = RecorderLevels::default();
        for driver in self.drivers() {
            let view = driver.view();
            levels.unconfirmed += usize::from(view.order.is_some() && !view.is_repeat);
            levels.overdue += usize::from(view.is_overdue);
            levels.holds += view.holds;
            levels.closing += usize::from(view.is_closing);
        }
        let mut recorders = self.all();
        recorders.retain(|(_, entered)| entered.is_configured);
        recorders.sort_by(|(one, _), (other, _)| one.cmp(other));
        levels.recorders = recorders
            .into_iter()
            .map(|(name, entered)| {
                let condition = entered.recorder.condition().borrow().clone();
                RecorderLevel {
                    name,
                    answers: condition.answers,
                    is_usable: matches!(condition.usable, Some(Ok(()))),
                    restarts: condition.restarts,
                    self_tests: [condition.self_tests_passed, condition.self_tests_failed],
                }
            })
            .collect();
        levels
    }

    /// Where the recorder of this name is.
    fn place(&self, recorder: &str) -> Box<str> {
        self.entered(recorder).map_or_else(|| recorder.into(), |entered| entered.recorder.place().into())
    }

    /// Adds a session that is about to begin, and keeps its call for it. `None` if the session is here already.
    pub(super) fn add(&self, call: Call) -> Result<Option<Arc<Driver>>, CallTaken> {
        let recorder = self.place(&call.binding.recorder);
        let mut open = self.open();
        let Open { sessions, calls, .. } = &mut *open;
        let Entry::Vacant(place) = sessions.entry(call.key.clone()) else { return Ok(None) };
        match calls.entry((recorder, call.id.clone())) {
            Entry::Occupied(_) => return Err(CallTaken { call: call.id }),
            Entry::Vacant(vacant) => drop(vacant.insert(call.key.clone())),
        }
        let driver = Driver::new(call.clone());
        driver.claim(call);
        let driver = Arc::clone(place.insert(Arc::new(driver)));
        drop(open);
        Ok(Some(driver))
    }

    /// Adds a session that is to be loaded, whose call it [claims](Self::claim) later. `None` if the session is here already.
    pub(super) fn add_loaded(&self, key: &SessionKey, binding: &Arc<Binding>) -> Option<Arc<Driver>> {
        let mut open = self.open();
        let Entry::Vacant(place) = open.sessions.entry(key.clone()) else { return None };
        let id = format!("{}/{}", key.ucc.as_str(), key.correlation_id).into();
        let call = Call { key: key.clone(), id, binding: Arc::clone(binding) };
        Some(Arc::clone(place.insert(Arc::new(Driver::new(call)))))
    }

    /// The recorder of a session, and the call as that names it: kept for the session from now on.
    ///
    /// # Errors
    ///
    /// Why nothing can be sent for this session at present.
    pub(super) fn claim(&self, driver: &Driver) -> Result<(Arc<dyn Recorder>, Call), String> {
        let Call { key, binding, .. } = driver.call();
        let Some(Entered { recorder, .. }) = self.entered(&binding.recorder) else {
            return Err(format!("the recorder '{}' is not in the config", binding.recorder));
        };
        if let Some(call) = driver.claimed() {
            return Ok((recorder, call.clone()));
        }
        let data: Map<String, Value> = serde_json::from_str(&binding.call).unwrap_or_default();
        let id = recorder.call_id(key, &data)?;
        let mut open = self.open();
        if !open.has(driver) {
            return Err("the session is over".to_owned());
        }
        match open.calls.entry((recorder.place().into(), id.clone())) {
            Entry::Occupied(_) => return Err(format!("another session has the call '{id}'")),
            Entry::Vacant(vacant) => drop(vacant.insert(key.clone())),
        }
        let call = Call { key: key.clone(), id, binding: Arc::clone(binding) };
        driver.claim(call.clone());
        drop(open);
        Ok((recorder, call))
    }

    /// The session has begun, or was loaded: it gets a task.
    pub(super) fn begun(&self, driver: &Arc<Driver>) {
        self.open().without_task.push(Arc::clone(driver));
        self.added.notify_one();
    }

    /// Those that have no task yet.
    pub(super) fn without_task(&self) -> Vec<Arc<Driver>> {
        core::mem::take(&mut self.open().without_task)
    }

    /// The session is over, or did not begin.
    pub(super) fn remove(&self, driver: &Driver) {
        let place = self.place(&driver.call().binding.recorder);
        let mut open = self.open();
        if !open.has(driver) {
            return;
        }
        open.sessions.remove(&driver.call().key);
        if let Some(call) = driver.claimed() {
            open.calls.remove(&(place, call.id.clone()));
        }
    }

    /// How many sessions, calls, and sessions without a task there are.
    #[cfg(test)]
    pub(super) fn left(&self) -> [usize; 3] {
        let open = self.open();
        [open.sessions.len(), open.calls.len(), open.without_task.len()]
    }

    /// Whether the recorder of this name can pause at all. Of one that is not in the config that is not known.
    pub(crate) fn can_pause(&self, recorder: &str) -> bool {
        self.entered(recorder).is_none_or(|entered| entered.recorder.capabilities().can(Order::Pause))
    }
}

impl Open {
    /// Whether this is still the session's driver.
    fn has(&self, driver: &Driver) -> bool {
        self.sessions.get(&driver.call().key).is_some_and(|found| core::ptr::eq(&raw const **found, driver))
    }
}
