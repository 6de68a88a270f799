//! All cells of the transition, by id and by name, over HTTP, with the recorder's line.

use recording_firmware::Board;
use recording_testkit::http::Request;
use recording_testkit::{naive, render};

use crate::support::{Client, finish, listen, order, start, state_text, vectors_world};

const CELLS: &str = include_str!("../../../../tests/vectors/transitions.csv");
const UCC: &str = "ucc-demo-name";
const AGENT: &str = "sip:agent@domain.com";

struct Cell {
    from: naive::State,
    action: u8,
    outcome: &'static str,
    to: naive::State,
}

fn cells() -> impl Iterator<Item = Cell> {
    let code = |names: &[&str], name: &str| names.iter().position(|other| *other == name).expect(name) as u8;
    let state = move |recording, marking, saving| {
        (code(&naive::RECORDING, recording), code(&naive::MARKING, marking), code(&naive::SAVING, saving))
    };
    CELLS.lines().skip(1).map(move |line| {
        let columns: Vec<_> = line.split(',').collect();
        let [r, m, s, action, outcome, r_after, m_after, s_after] = columns[..] else { panic!("{line}") };
        let action = (1..=7).find(|code| naive::action_name(*code) == action).expect(action);
        Cell { from: state(r, m, s), action, outcome, to: state(r_after, m_after, s_after) }
    })
}

#[test]
fn every_cell_by_id_and_by_name_over_http() {
    let mut emulator = start(Board::Lm3s6965evb, &vectors_world());
    let events = listen(&emulator);
    let mut client = Client::connect(emulator.api);
    assert_eq!(emulator.pbx.hear(), "boot");
    assert_eq!(emulator.recorder.hear(), "off *");
    let (mut expected_events, mut ran) = (Vec::new(), 0_u32);
    for Cell { from, action, outcome, to } in cells() {
        for spelling in [action.to_string(), format!("\"{}\"", naive::action_name(action))] {
            let id = format!("00000000-0000-4000-8000-{ran:012x}");
            let session = format!("{id} {} {UCC}", state_text(from));
            assert_eq!(emulator.pbx.ask(&format!("begin {session}")), format!("begun {session}"));
            assert_eq!(emulator.recorder.hear(), format!("{} {id} {UCC}", order(from)));

            let target = format!("{}set", render::PREFIX).into_bytes();
            let request = Request::post(target, render::body(&spelling, AGENT, &id, &format!("{UCC:?}")));
            let response = client.exchange(&request);
            let ucc = naive::Ucc {
                licensed: true,
                use_audio_recording: true,
                agent_can_edit: true,
                save_by_default: false,
                repeats_accepted: true,
            };
            let facts = naive::World { ucc: Some(ucc), is_agent: true, session: Some(from) };
            let answer = naive::set(&facts, UCC, &id, AGENT, action);
            assert_eq!((response.status, response.text()), (200, answer.reply), "{session} {spelling}");
            // The table of the specification, which the model shares nothing with.
            let (stored, event) = (answer.store.unwrap_or(from), answer.event);
            assert_eq!((stored, event.is_some()), (to, outcome == "changed"), "{session} {spelling}");

            if let Some(event) = event {
                assert_eq!(emulator.recorder.hear(), format!("{} {id} {UCC}", order(to)), "{session} {spelling}");
                expected_events.push(event);
            }
            let fate = naive::disposition(to, false);
            let ended = format!("ended {id} {} {fate} {UCC}", state_text(to));
            assert_eq!(emulator.pbx.ask(&format!("end {id} {UCC}")), ended, "{session} {spelling}");
            assert_eq!(emulator.recorder.hear(), format!("off {id} {UCC}"));
            ran += 1;
        }
    }
    let last = expected_events.last().expect("many").clone();
    events.wait(0, |line| *line == last).expect("it is heard");
    assert_eq!(events.all()[1..], expected_events);
    println!("{ran} transitions over HTTP: every cell by id and by name, with the recorder's lines and the events");
    assert_eq!(ran, 2 * 252);
    finish(emulator, "cells");
}
