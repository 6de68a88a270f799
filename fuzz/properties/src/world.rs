//! The world of the wire vectors, for the core and for the naive model.

use std::collections::HashMap;
use std::sync::LazyLock;

use recording_core::state::RepeatPolicy;
use recording_core::{Desk, Directory, Session, Settings, State};
use serde_json::Value;

use recording_test_support::naive;

/// The wire vectors, which the seeds are made of too.
pub(crate) static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../tests/vectors/wire.json")).expect("the vectors are JSON")
});

pub(crate) type WorldDesk = Desk<16, Directory<8, 16, 512>>;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) desk: WorldDesk,
    uccs: HashMap<String, (naive::Ucc, Vec<String>)>,
    sessions: HashMap<(String, String), naive::State>,
}

/// The world as it begins.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let world = &VECTORS["world"];
    let mut directory = Directory::new();
    let mut uccs = HashMap::new();
    for ucc in world["uccs"].as_array().expect("a list") {
        let on = |key: &str| ucc[key].as_bool().expect("a boolean");
        let naive = naive::Ucc {
            licensed: on("recording_api_licensed"),
            use_audio_recording: on("use_audio_recording"),
            agent_can_edit: on("agent_can_edit_audio_recording"),
            save_by_default: on("save_recording_by_default"),
            repeats_accepted: ucc["repeats"] == "accept",
        };
        let name = ucc["name"].as_str().expect("a string");
        let key = directory.add_ucc(name.try_into().expect("a name"), settings(naive)).expect("room");
        let mut agents = Vec::new();
        for agent in ucc["agents"].as_array().expect("a list") {
            let agent = agent.as_str().expect("a string");
            directory.add_agent(key, agent.try_into().expect("a URI")).expect("room");
            agents.push(agent.to_owned());
        }
        uccs.insert(name.to_owned(), (naive, agents));
    }
    let mut desk = Desk::new(directory);
    let mut sessions = HashMap::new();
    for session in world["sessions"].as_array().expect("a list") {
        let text = |key: &str| session[key].as_str().expect("a string");
        let code = |names: &[&str], key: &str| names.iter().position(|name| *name == text(key)).expect("a state") as u8;
        let codes =
            (code(&naive::RECORDING, "recording"), code(&naive::MARKING, "marking"), code(&naive::SAVING, "saving"));
        let (ucc, id) = (text("ucc"), text("correlation_id"));
        let (name, correlation_id) = (ucc.try_into().expect("a name"), id.parse().expect("an id"));
        desk.begin(Session { ucc: name, correlation_id, state: state(codes) }).expect("room");
        sessions.insert((ucc.to_owned(), id.to_owned()), codes);
    }
    World { desk, uccs, sessions }
});

impl World {
    /// What the naive model must know to decide.
    pub(crate) fn facts(&self, ucc: &str, id: &str, requester: &str) -> naive::World {
        let known = self.uccs.get(ucc);
        naive::World {
            ucc: known.map(|(settings, _)| *settings),
            is_agent: known.is_some_and(|(_, agents)| agents.iter().any(|agent| naive::sip_same(agent, requester))),
            session: self.sessions.get(&(ucc.to_owned(), id.to_owned())).copied(),
        }
    }
}

/// Settings as the core has them.
pub(crate) const fn settings(ucc: naive::Ucc) -> Settings {
    Settings {
        recording_api_licensed: ucc.licensed,
        use_audio_recording: ucc.use_audio_recording,
        agent_can_edit_audio_recording: ucc.agent_can_edit,
        save_recording_by_default: ucc.save_by_default,
        repeats: if ucc.repeats_accepted { RepeatPolicy::Accept } else { RepeatPolicy::Refuse },
    }
}

/// A state as the core has it.
pub(crate) fn state((recording, marking, saving): naive::State) -> State {
    let axes = (recording.try_into(), marking.try_into(), saving.try_into());
    let (Ok(recording), Ok(marking), Ok(saving)) = axes else { panic!("no state: {axes:?}") };
    State::new(recording, marking, saving)
}

/// A state as the naive model has it.
pub(crate) const fn codes(state: State) -> naive::State {
    (state.recording().code(), state.marking().code(), state.saving().code())
}
