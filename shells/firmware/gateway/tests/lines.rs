//! The PBX's line, the recorder's line, and listeners.

mod support;

use recording_core::state::{MarkingState, RecordingState, SavingState};
use recording_core::wire::{CorrelationId, UccName};
use recording_core::{Event, State};
use recording_gateway::events::{GREETING, Listener, Next};
use recording_gateway::pbx::{Answer, LINE_MAX, Surroundings};
use recording_gateway::ring::DAMAGE;
use recording_gateway::{Events, Line, Recorder, recorder};
use support::{ID, Peer, Small, gateway, obey, set};

const OTHER: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

#[test]
fn sessions_begin_in_every_state_and_end_with_their_fate() {
    let mut gateway = gateway();
    for state in State::ALL {
        let spelt = format!("{}/{}/{}", state.recording(), state.marking(), state.saving());
        let begun = obey(&mut gateway, &format!("begin {OTHER} {spelt} ucc-demo-name"));
        assert_eq!(begun, format!("begun {OTHER} {spelt} ucc-demo-name\n"));
        // By the table of the protocol: section 6, without saving by default.
        let fate = match (state.recording(), state.saving()) {
            (RecordingState::Uninitialized, _) => "NothingRecorded",
            (_, SavingState::Save) => "Keep",
            _ => "Discard",
        };
        let ended = obey(&mut gateway, &format!("end {{{}}} ucc-demo-name", OTHER.to_uppercase()));
        assert_eq!(ended, format!("ended {OTHER} {spelt} {fate} ucc-demo-name\n"));
        while gateway.recorder.peek().is_some() {
            gateway.recorder.take();
        }
    }
}

#[test]
fn what_cannot_be_done_is_told_and_not_done() {
    let mut gateway = gateway();
    let before = gateway.recorder.end();
    for (command, why) in [
        ("begin", "id is no GUID"),
        ("begin 1 ucc-demo-name", "id is no GUID"),
        (&format!("begin {OTHER} "), "a UCC's name"),
        (&format!("begin {OTHER}  ucc-demo-name"), "no UCC of this name"),
        (&format!("begin {OTHER} ucc-of-nobody"), "no UCC of this name"),
        (&format!("begin {OTHER} Started/None ucc-demo-name"), "a state is"),
        (&format!("begin {OTHER} Started/None/None/None ucc-demo-name"), "a state is"),
        (&format!("begin {OTHER} Running/None/None ucc-demo-name"), "a state is"),
        (&format!("end {OTHER} ucc-demo-name"), "no such session"),
        (&format!("end {ID} ucc-of-nobody"), "no such session"),
        ("stats now", "a command is"),
        ("BEGIN", "a command is"),
        (&"x".repeat(LINE_MAX + 1), "longer than 160 bytes"),
    ] {
        let answer = obey(&mut gateway, command);
        assert!(answer.starts_with("error ") && answer.contains(why) && answer.ends_with('\n'), "{command}: {answer}");
    }
    assert_eq!((gateway.sessions(), gateway.recorder.end()), (1, before));
    for number in 0..3 {
        let command = format!("begin 0000000000000000000000000000000{number} ucc-demo-name");
        assert!(obey(&mut gateway, &command).starts_with("begun "));
        while gateway.recorder.peek().is_some() {
            gateway.recorder.take();
        }
    }
    assert!(obey(&mut gateway, &format!("begin {OTHER} ucc-demo-name")).contains("as many sessions"));
    let again = obey(&mut gateway, &format!("begin {ID} Stopped/None/None ucc-demo-name"));
    assert_eq!(again, format!("open {ID} Started/None/None ucc-demo-name\n"), "its state stays");
}

#[test]
fn lines_are_read_however_they_come() {
    let mut gateway = gateway();
    let mut line = Line::new();
    let mut answer = Answer::new();
    for byte in *b"stats\r\n" {
        assert!(!line.is_whole());
        line.push(byte);
    }
    assert!(line.is_whole() && line.answer(&mut gateway, Surroundings::default(), &mut answer));
    assert_eq!(answer.get(), b"stats sessions=1 requests=0 changes=0 cut=0\n");
    assert_eq!(obey(&mut gateway, ""), "\n");
    assert!(obey(&mut gateway, "stats").ends_with(" stack=7\n"));
    for byte in [b's', b't', b'a', DAMAGE, b't', b's', b'\n'] {
        line.push(byte);
    }
    assert!(line.answer(&mut gateway, Surroundings::default(), &mut answer));
    assert!(answer.get().starts_with(b"error "), "half a command is none");
    for byte in *b"\xff\xfe\n" {
        line.push(byte);
    }
    assert!(line.answer(&mut gateway, Surroundings::default(), &mut answer));
    assert!(answer.get().starts_with(b"error "));
    let mut unprovisioned = Small::new();
    assert_eq!(obey(&mut unprovisioned, "stats"), "error the provisioning is invalid\n");
}

#[test]
fn every_change_drives_the_recorder() {
    let mut peer = Peer::new();
    peer.drain();
    peer.recorded.clear();
    for action in ["Pause", "Start", "Stop", "Mark", "Pause", "Stop", "Start"] {
        assert_eq!(peer.exchange(set(action).as_bytes())[0].status, 200);
    }
    obey(&mut peer.gateway, &format!("end {ID} ucc-demo-name"));
    peer.drain();
    let expected: String = ["paused", "on", "off", "off", "on", "off"]
        .iter()
        .map(|order| format!("{order} {ID} ucc-demo-name\n"))
        .collect();
    assert_eq!(peer.recorded, expected, "a refused and a repeated action are silent");
}

#[test]
fn a_full_recorder_line_makes_the_pbx_wait() {
    let mut gateway = gateway();
    let (mut line, mut answer) = (Line::new(), Answer::new());
    let mut begun = 1;
    loop {
        for byte in format!("begin 0000000000000000000000000000000{begun} ucc-demo-name\n").bytes() {
            line.push(byte);
        }
        if !line.answer(&mut gateway, Surroundings::default(), &mut answer) {
            break;
        }
        begun += 1;
    }
    assert_eq!((gateway.sessions(), line.is_whole()), (begun, true));
    while gateway.recorder.peek().is_some() {
        gateway.recorder.take();
    }
    assert!(line.answer(&mut gateway, Surroundings::default(), &mut answer));
    assert_eq!(gateway.sessions(), begun + 1, "nothing was lost");
}

#[test]
fn the_longest_line_fits_and_orders_follow_the_recorder() {
    let name = "x".repeat(64);
    let ucc = UccName::new(&name).unwrap();
    let mut line = Recorder::new();
    line.start();
    line.tell("paused", CorrelationId::from_u128(u128::MAX), ucc);
    let mut told = String::new();
    while let Some(byte) = line.peek() {
        told.push(byte.into());
        line.take();
    }
    assert_eq!(told, format!("off *\npaused ffffffff-ffff-ffff-ffff-ffffffffffff {name}\n"));
    assert_eq!(told.len(), "off *\n".len() + recorder::LINE_MAX);
    for state in State::ALL {
        let expected = ["off", "on", "off", "paused"][usize::from(state.recording().code())];
        assert_eq!(recorder::order(state.with_marking(MarkingState::Mark)), expected);
    }
}

#[test]
fn listeners_hear_everything_in_order_or_are_cut() {
    let mut events = Events::new();
    let name = "x".repeat(40);
    let event = Event {
        ucc: UccName::new(&name).unwrap(),
        correlation_id: CorrelationId::from_u128(1),
        action: recording_core::Action::Pause,
    };
    let mut line = event.write(&mut [0; Event::MAX_LEN]).unwrap().to_vec();
    line.push(b'\n');
    events.publish(&event);
    let (mut quick, slow) = (Listener::new(&events), Listener::new(&events));
    assert_eq!(quick.next(&events), Next::Bytes(GREETING));
    quick.took(GREETING.len());
    assert_eq!(quick.next(&events), Next::Nothing, "what was before is not told");
    let room = 1024 / line.len();
    let mut heard = Vec::new();
    for count in 1..=40 {
        events.publish(&event);
        // In pieces of an odd size, over the end of the queue.
        while let Next::Bytes(bytes) = quick.next(&events) {
            let taken = bytes.len().min(7);
            heard.extend_from_slice(&bytes[..taken]);
            quick.took(taken);
        }
        assert_eq!(slow.next(&events) == Next::Cut, count > room, "{count} of {room}");
    }
    assert_eq!(heard, line.repeat(40));
}
