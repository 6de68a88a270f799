//! The whole system as a model: a server with the real machine, its store, two clients, a channel and a recorder.

use core::hash::{Hash, Hasher};
use std::collections::hash_map::DefaultHasher;

use recording_core::recorder::{
    Channel, Kept, Machine, Number, Order, ReadBack, RecorderState, Reported, ResumePolicy,
};
use recording_core::state::RecordingState;
use recording_core::{Action, State};

use recording_test_support::recorder::epoch;

/// A guard that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    SendBeforeStore,
    SilentBeforeConfirmed,
    AnyReply,
    AnyReadBack,
    /// Counted although the order that was pending has been finished since.
    FinishedReadBack,
    OneNumber,
    Overtaking,
    CrashWithoutDrain,
    /// The adapter drains, and the session does not wait for it: it stores the number of its next Record meanwhile.
    DrainBehindTheSession,
    /// What a store does not know is loaded as after a start of the server, when no request waits.
    LoadedWhileTheyWait,
}

/// What can happen, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) channel: Channel,
    pub(crate) planted: Planted,
    pub(crate) resume: ResumePolicy,
    pub(crate) clients: usize,
    /// How many sendings, and how many replies, are under way at most.
    pub(crate) in_flight: usize,
    /// A store that fails, or does not know.
    pub(crate) store_fails: bool,
    /// A recorder that does something by itself.
    pub(crate) own_will: bool,
    /// A recorder that starts again, or forgets the call.
    pub(crate) restarts: bool,
    pub(crate) read_backs: bool,
    /// Sessions that end, and begin again.
    pub(crate) ends: bool,
}

/// A sending under way, and the first one of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) order: Order,
    pub(crate) number: Number,
    pub(crate) first: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replied {
    pub(crate) number: Number,
    pub(crate) first: Number,
    pub(crate) reported: Reported,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Client {
    pub(crate) waits_for: Option<Action>,
    /// It got the reply that nothing is recorded, and its pause has not been ended since.
    pub(crate) was_told_silent: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) bounds: Bounds,
    /// The only thing that a crash leaves of the server.
    pub(crate) store: Option<Kept>,
    pub(crate) machine: Option<Machine>,
    pub(crate) epoch: u64,
    /// The first sending of the pending order.
    pub(crate) first: Option<Number>,
    pub(crate) clients: [Client; 2],
    pub(crate) commands: Vec<Command>,
    pub(crate) replies: Vec<Replied>,
    /// What an adapter that drains waits for, what it holds back meanwhile, and what the recorder said to the latest Record: it
    /// carries the same bytes out once.
    pub(crate) outstanding: Option<Command>,
    pub(crate) held: Option<Command>,
    pub(crate) cached: Option<Replied>,
    pub(crate) recorder: RecorderState,
    /// The recorder records since one of our orders made it.
    pub(crate) by_us: bool,
    pub(crate) knows_call: bool,
    pub(crate) restart_unseen: bool,
    pub(crate) read_back: Option<(ReadBack, Option<RecorderState>)>,
    /// The latest sending when it was asked for.
    pub(crate) read_at: Option<Number>,
    pub(crate) broken: Option<&'static str>,
}

impl World {
    /// A session whose call is being recorded, or has not been.
    pub(crate) fn new(bounds: Bounds, recording: RecordingState) -> Self {
        let started = recording != RecordingState::Uninitialized;
        let mut world = Self {
            bounds,
            store: None,
            machine: None,
            epoch: 0,
            first: None,
            clients: [Client::default(); 2],
            commands: Vec::new(),
            replies: Vec::new(),
            outstanding: None,
            held: None,
            cached: None,
            recorder: if started { RecorderState::Recording } else { RecorderState::Off },
            by_us: started,
            knows_call: true,
            restart_unseen: false,
            read_back: None,
            read_at: None,
            broken: None,
        };
        world.begin(recording);
        world
    }

    pub(crate) fn begin(&mut self, recording: RecordingState) {
        self.epoch += 1;
        let state = State::INITIAL.with_recording(recording);
        let (done, _) = recording_test_support::recorder::stored(Machine::begin(
            state,
            self.bounds.resume,
            epoch(self.epoch),
            self.bounds.channel,
        ));
        self.store = done.machine.as_ref().map(|machine| *machine.kept());
        self.machine = done.machine;
        self.first = None;
        if let Some(sending) = done.sending {
            self.send(sending.order, sending.number);
        }
    }

    /// A sending leaves, or is held back by an adapter that drains.
    pub(crate) fn send(&mut self, order: Order, number: Number) {
        if self.machine.as_ref().is_none_or(|machine| machine.times_sent() <= 1) || self.first.is_none() {
            self.first = Some(number);
        }
        let command = Command { order, number, first: self.first.unwrap_or(number) };
        if self.bounds.channel == Channel::Drained && self.bounds.planted != Planted::Overtaking {
            if self.outstanding.is_some() {
                self.held = Some(command);
                return;
            }
            self.outstanding = Some(command);
        }
        self.commands.push(command);
    }

    /// What the adapter waited for has landed.
    pub(crate) fn landed(&mut self, number: Number) {
        if self.outstanding.is_some_and(|command| command.number == number) {
            self.outstanding = None;
            if let Some(command) = self.held.take() {
                self.outstanding = Some(command);
                self.commands.push(command);
            }
        }
    }

    /// The server is killed and starts again: memory is lost, those who waited hear nothing.
    pub(crate) fn crash(&mut self) {
        self.load();
        self.first = None;
        self.read_back = None;
        for client in &mut self.clients {
            client.waits_for = None;
        }
        (self.outstanding, self.held) = (None, None);
        self.drain();
    }

    /// If there is no session any more, that is what those get who wait. The next one has requests of its own.
    pub(crate) fn answer_if_over(&mut self) {
        if self.store.is_none() {
            self.clients.iter_mut().for_each(|client| client.waits_for = None);
        }
    }

    /// The session is made of what is stored.
    pub(crate) fn load(&mut self) {
        self.epoch += 1;
        let channel = match self.bounds.planted {
            Planted::CrashWithoutDrain | Planted::DrainBehindTheSession => Channel::Ordered,
            _ => self.bounds.channel,
        };
        self.machine = self.store.map(|kept| Machine::load(kept, epoch(self.epoch), channel));
    }

    /// The adapter sends again what the session says is to be drained.
    pub(crate) fn drain(&mut self) {
        let by_adapter = self.bounds.planted == Planted::DrainBehindTheSession;
        let record = self.store.and_then(|kept| kept.record()).filter(|_| by_adapter);
        let Some(number) = record.or_else(|| self.machine.as_ref().and_then(Machine::to_drain)) else { return };
        let command = Command { order: Order::Record, number, first: number };
        match self.outstanding {
            None => self.outstanding = Some(command),
            Some(outstanding) if outstanding.number == number => {}
            Some(_) => self.held = Some(command),
        }
    }

    /// The recorder carries a command out.
    pub(crate) fn obey(&mut self, order: Order) {
        self.recorder = order.target();
        self.by_us = order == Order::Record;
    }

    pub(crate) fn axis(&self) -> Option<RecordingState> {
        let kept = self.store.as_ref().filter(|kept| kept.closing().is_none())?;
        Some(kept.state().recording())
    }

    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.axis(), Some(RecordingState::Paused | RecordingState::Stopped))
    }

    /// Whether one of our orders may be making the recorder record.
    fn may_record(&self) -> bool {
        let is_record = |command: &Command| command.order == Order::Record;
        self.by_us || self.commands.iter().chain(&self.held).any(is_record)
    }

    /// The invariant: what is broken in this state.
    pub(crate) fn violation(&self) -> Option<&'static str> {
        if self.broken.is_some() {
            return self.broken;
        }
        if self.is_silent() && self.may_record() {
            return Some("the stored state is silent while our order may be making the recorder record");
        }
        if self.clients.iter().any(|client| client.was_told_silent) && self.may_record() {
            return Some(
                "a caller was told so, nobody has ended its pause, and our order may make the recorder record",
            );
        }
        None
    }

    /// The state in short, for a trace.
    pub(crate) fn brief(&self) -> String {
        let machine = self.machine.as_ref();
        format!(
            "axis {:?} closing {} order {:?} {:?} latest {:?}; sendings {:?} replies {:?} outstanding {:?} held {:?}; recorder {} by us {} known {} restarted {}; clients {:?}; read {:?}",
            self.axis(),
            self.store.is_some_and(|kept| kept.closing().is_some()),
            machine.and_then(Machine::order),
            machine.and_then(Machine::flight),
            machine.and_then(Machine::latest).map(Number::get),
            self.commands.iter().map(|command| (command.order, command.number.get())).collect::<Vec<_>>(),
            self.replies.iter().map(|replied| (replied.number.get(), replied.reported)).collect::<Vec<_>>(),
            self.outstanding.map(|command| command.number.get()),
            self.held.map(|command| command.number.get()),
            self.recorder,
            self.by_us,
            self.knows_call,
            self.restart_unseen,
            self.clients.map(|client| (client.waits_for, client.was_told_silent)),
            self.read_back,
        )
    }

    /// Forgets replies that mean nothing any more: no later sending has their number.
    pub(crate) fn forget(&mut self) {
        if self.keeps_numbers() {
            return;
        }
        let latest = self.machine.as_ref().and_then(Machine::latest);
        let outstanding = self.outstanding.map(|command| command.number);
        self.replies.retain(|replied| [latest, outstanding].contains(&Some(replied.number)));
        let record = self.store.and_then(|kept| kept.record());
        self.cached = self.cached.filter(|cached| [outstanding, record].contains(&Some(cached.number)));
        if let (Some((token, _)), Some(machine)) = (self.read_back, &self.machine) {
            let counts = token.answered(machine, RecorderState::Off).is_some();
            self.read_back = self.read_back.filter(|_| counts || self.any_read_back());
        }
    }

    const fn any_read_back(&self) -> bool {
        matches!(self.bounds.planted, Planted::AnyReadBack | Planted::FinishedReadBack)
    }

    /// Whether a fault is planted by which numbers count that else mean nothing.
    const fn keeps_numbers(&self) -> bool {
        matches!(self.bounds.planted, Planted::AnyReply | Planted::OneNumber)
    }

    /// What tells this state from others. Of a number it counts which others it is the same as, and of times nothing.
    pub(crate) fn key(&self) -> u64 {
        let machine = self.machine.as_ref();
        let latest = machine.and_then(Machine::latest);
        let record = self.store.and_then(|kept| kept.record());
        let outstanding = self.outstanding.map(|command| command.number);
        let first = self.first.filter(|_| self.keeps_numbers());
        let is = |number: Number, of_first: Number| {
            let number = Some(number);
            (number == latest, number == outstanding, number == record, first == Some(of_first))
        };
        let command = |command: &Command| (command.order, is(command.number, command.first));
        let reply = |replied: &Replied| (is(replied.number, replied.first), format_reported(replied.reported));
        let mut bytes = self.store.map(|kept| kept.to_bytes());
        if let Some(bytes) = &mut bytes {
            bytes[8..24].fill(0);
        }
        let mut replies: Vec<_> = self.replies.iter().map(reply).collect();
        replies.sort_unstable();
        let session = (
            bytes,
            record.is_some(),
            machine.map(|machine| {
                let sent = machine.times_sent().min(2) * u32::from(self.keeps_numbers());
                (machine.order(), machine.flight(), machine.holds_in_question(), machine.has_lost_hold(), sent)
            }),
            self.clients.map(|client| (client.waits_for, client.was_told_silent)),
        );
        let around = (
            self.commands.iter().map(command).collect::<Vec<_>>(),
            replies,
            self.outstanding.as_ref().map(command),
            self.held.as_ref().map(command),
            self.cached.as_ref().map(reply),
            (self.recorder, self.by_us, self.knows_call, self.restart_unseen),
            self.read_back.map(|(token, answer)| {
                let counts = machine.is_some_and(|machine| token.answered(machine, RecorderState::Off).is_some());
                (counts, answer, self.any_read_back() && self.read_at == latest)
            }),
        );
        let mut hasher = DefaultHasher::new();
        (session, around, self.broken).hash(&mut hasher);
        hasher.finish()
    }
}

const fn format_reported(reported: Reported) -> u8 {
    match reported {
        Reported::Is(RecorderState::Recording) => 0,
        Reported::Is(RecorderState::Paused) => 1,
        Reported::Is(RecorderState::Off) => 2,
        Reported::NoSuchCall => 3,
    }
}
