//! The world of the wire vectors, as a desk.

use recording_core::state::RepeatPolicy;
use recording_core::{Desk, Directory, Session, Settings, State};
use serde_json::Value;

pub type WorldDesk = Desk<16, Directory<16, 64, 4096>>;

pub fn desk(world: &Value) -> WorldDesk {
    let mut directory = Directory::new();
    for ucc in world["uccs"].as_array().expect("a list") {
        let on = |key: &str| ucc[key].as_bool().expect("a boolean");
        let settings = Settings {
            recording_api_licensed: on("recording_api_licensed"),
            use_audio_recording: on("use_audio_recording"),
            agent_can_edit_audio_recording: on("agent_can_edit_audio_recording"),
            save_recording_by_default: on("save_recording_by_default"),
            repeats: match ucc["repeats"].as_str() {
                Some("accept") => RepeatPolicy::Accept,
                Some("refuse") => RepeatPolicy::Refuse,
                other => panic!("repeats: {other:?}"),
            },
        };
        let name = ucc["name"].as_str().expect("a string").try_into().expect("a name");
        let key = directory.add_ucc(name, settings).expect("room");
        for agent in ucc["agents"].as_array().expect("a list") {
            let uri = agent.as_str().expect("a string").try_into().expect("a URI");
            directory.add_agent(key, uri).expect("room");
        }
    }
    let mut desk = Desk::new(directory);
    for session in world["sessions"].as_array().expect("a list") {
        let text = |key: &str| session[key].as_str().expect("a string");
        let state = State::new(
            text("recording").parse().expect("a state"),
            text("marking").parse().expect("a state"),
            text("saving").parse().expect("a state"),
        );
        let session = Session {
            ucc: text("ucc").try_into().expect("a name"),
            correlation_id: text("correlation_id").parse().expect("an id"),
            state,
        };
        desk.begin(session).expect("room");
    }
    desk
}
