//! The PBX says more at once than there is room for: each line has one answer, in order, and what is obeyed was said.

use recording_firmware::{Board, Emulator, Image, Kind, PATIENCE};
use recording_testkit::render;
use std::time::Instant;

use crate::support::{Client, finish, start, vectors_world};

const UCC: &str = "ucc-demo-name";
const STATES: [&str; 4] = ["Started/None/None", "Paused/None/None", "Started/Mark/Save", "Stopped/None/Delete"];

fn answers(emulator: &mut Emulator, count: usize) -> Vec<String> {
    (0..count).map(|_| emulator.pbx.hear()).collect()
}

/// Every line that was refused was refused for what was lost of it.
fn is_refusal(answer: &str) -> bool {
    answer == "error the line is longer than 160 bytes, no UTF-8, or a part of it was lost"
}

fn overrun(board: Board) {
    let image = Image::build(board, Kind::Planted).provisioned(&vectors_world()).expect("it holds");
    let mut emulator = Emulator::start(board, &image);
    assert_eq!(emulator.pbx.hear(), "boot");
    assert_eq!(emulator.recorder.hear(), "off *");
    let (mut lost, mut obeyed) = (0, 0);
    for round in 0..6_usize {
        // All at once, and all of them different: what is put together of two of them is neither.
        let sessions: Vec<_> = (0..board.sessions().min(120))
            .map(|number| {
                let id = format!("{round:08x}-0000-0000-0000-{number:012x}");
                (id, STATES[(number * 7 + number / 3) % STATES.len()])
            })
            .collect();
        let command = |(id, state): &(String, &str)| format!("begin {id} {state} {UCC}\n");
        // The main loop stalls while it comes. In each round the lines are elsewhere.
        let filler = "x".repeat(round * 31) + "\n";
        let said: String =
            ["plant stand\n".to_owned(), filler].into_iter().chain(sessions.iter().map(command)).collect();
        emulator.pbx.say(said.as_bytes());
        assert!(emulator.pbx.hear().starts_with("error a command is"), "it stalled");
        let first = emulator.pbx.hear();
        assert!(round == 0 && first.is_empty() || first.starts_with("error "), "{first}");
        let mut open = Vec::new();
        for ((id, state), answer) in sessions.iter().zip(answers(&mut emulator, sessions.len())) {
            if is_refusal(&answer) {
                lost += 1;
            } else {
                assert_eq!(answer, format!("begun {id} {state} {UCC}"));
                open.push((id, *state));
            }
        }
        assert_eq!(emulator.figure("sessions"), open.len() as u32, "nothing else was begun");
        for (id, state) in &open {
            let order = match state.split('/').next() {
                Some("Started") => "on",
                Some("Paused") => "paused",
                _ => "off",
            };
            assert_eq!(emulator.recorder.hear(), format!("{order} {id} {UCC}"));
        }
        let mut client = Client::connect(emulator.api);
        for (id, _) in &sessions {
            let is_open = client.exchange(&render::read(UCC, id)).text().contains("\"ErrorMessage\":null");
            assert_eq!(is_open, open.iter().any(|(one, _)| *one == id), "{id}");
        }
        // One at a time, as it is meant.
        for (id, state) in &open {
            let ended = emulator.pbx.ask(&format!("end {id} {UCC}"));
            assert!(ended.starts_with(&format!("ended {id} {state} ")), "{ended}");
            assert_eq!(emulator.recorder.hear(), format!("off {id} {UCC}"));
        }
        obeyed += open.len();
    }
    println!("{}: {obeyed} obeyed, {lost} refused", board.name());
    assert!(lost > 0, "nothing was lost: this tested nothing");
    assert!(obeyed > 0, "nothing was obeyed");
    // What has room always is never lost.
    let ids: Vec<_> = (0..4).map(|number| format!("{number:032x}")).collect();
    for round in 0..50 {
        let verb = if round % 2 == 0 { "begin" } else { "end" };
        let said: String = ids.iter().map(|id| format!("{verb} {id} {UCC}\n")).collect();
        assert!(said.len() <= 256, "{}", said.len());
        emulator.pbx.say(said.as_bytes());
        for answer in answers(&mut emulator, ids.len()) {
            assert!(answer.starts_with(if round % 2 == 0 { "begun " } else { "ended " }), "{answer}");
        }
    }
    finish(emulator, "overrun");
}

#[test]
fn an_overrun_line_is_refused_itself_on_lm3s6965evb() {
    overrun(Board::Lm3s6965evb);
}

#[test]
fn an_overrun_line_is_refused_itself_on_mps2_an386() {
    overrun(Board::Mps2An386);
}

/// Bytes that are no commands, as fast as the emulator takes them: as many answers as line ends, and reads go on.
#[test]
fn garbage_has_an_answer_a_line() {
    let mut emulator = start(Board::Lm3s6965evb, &vectors_world());
    assert_eq!(emulator.pbx.hear(), "boot");
    let mut state = 1_u32;
    let mut garbage: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(20_000)
    .collect();
    garbage.push(b'\n');
    let lines = garbage.iter().filter(|&&byte| byte == b'\n').count();
    let until = Instant::now() + PATIENCE;
    emulator.pbx.say(&garbage);
    let mut client = Client::connect(emulator.api);
    let mut reads = 0;
    while emulator.pbx.log.len() < lines + 1 {
        assert_eq!(client.exchange(&render::read(UCC, "1d6c6a58-6739-4f0c-98ff-0968292c8c30")).status, 200);
        reads += 1;
        assert!(Instant::now() < until, "{} answers to {lines} lines", emulator.pbx.log.len() - 1);
    }
    println!("{reads} reads while {lines} lines of garbage were refused");
    for answer in answers(&mut emulator, lines) {
        assert!(answer.is_empty() || answer.starts_with("error "), "{answer}");
    }
    assert!(emulator.pbx.ask("stats").starts_with("stats "), "and no answer too many");
    finish(emulator, "garbage");
}
