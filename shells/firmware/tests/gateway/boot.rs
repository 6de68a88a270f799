//! How lives begin and end: provisioning good and bad, power cuts, the watchdog, faults.

use recording_firmware::{Board, Emulator, Image, Kind};
use recording_testkit::render;

use crate::support::{Client, listen, start, vectors_world};

const UCC: &str = "ucc-demo-name";
const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
const REFUSED: &str = "{\"ErrorMessage\":{\"ErrorType\":1,\"Message\":\"The gateway's provisioning is invalid; until it \
                       is replaced, nothing is served.\"}}";

/// A board whose provisioning is invalid: it says why, and guesses nothing.
fn refuses(board: Board, image: &[u8], why: &str) {
    let mut emulator = Emulator::start(board, image);
    let (line, _) = emulator.log.wait(0, |line| line.starts_with("provisioning")).expect("it is told");
    assert_eq!(line, format!("provisioning REFUSED: {why}"));
    for request in [render::read(UCC, ID), render::capabilities(UCC), render::set(UCC, ID, "sip:agent@domain.com", 3)] {
        let response = Client::connect(emulator.api).exchange(&request);
        assert_eq!((response.status, response.text().as_str()), (503, REFUSED));
    }
    assert_eq!(emulator.pbx.hear(), "boot");
    assert_eq!(emulator.pbx.ask(&format!("begin {ID} {UCC}")), "error the provisioning is invalid");
}

#[test]
fn a_bad_provisioning_is_named_and_everything_refused() {
    let board = Board::Lm3s6965evb;
    let image = Image::build(board, Kind::Product);
    refuses(board, image.bytes(), "there is none");

    let whole = image.provisioned(&vectors_world()).expect("it holds");
    let mut damaged = whole.clone();
    let at = damaged.windows(7).position(|window| window == b"\"uccs\":").expect("the text is there");
    damaged[at + 20] ^= 1;
    refuses(board, &damaged, "its checksum is wrong: it was not written to its end");

    // What the tool would not have written.
    for (document, why) in [
        ("{\"uccs\":[{}]}", "uccs[0].recording_api_licensed: is missing"),
        ("{\"uccs\":[", "invalid JSON at byte 9: expected a value"),
    ] {
        let mut image = image.bytes().to_vec();
        recording_provision::write_unchecked(&mut image, document.as_bytes()).expect("there is a region");
        assert!(recording_provision::check(document.as_bytes()).is_err());
        refuses(board, &image, why);
    }
}

/// The site's own address, interface and ports, of which the build knows nothing.
#[test]
fn a_gateway_is_where_its_provisioning_says() {
    let site = r#"{"address":"192.168.77.9/24","mac":"02-00-00-00-77-09","api_port":8088,"events_port":8089}"#;
    let world = vectors_world().replace("\"build\"", site);
    let image = Image::build(Board::Mps2An505, Kind::Product).provisioned(&world).expect("it holds");
    let mut emulator = Emulator::start(Board::Mps2An505, &image);
    let at = "address=192.168.77.9/24 mac=02-00-00-00-77-09 api=8088 events=8089";
    let (line, _) = emulator.log.wait(0, |line| line.starts_with("network")).expect("it is logged");
    assert_eq!(line, format!("network {at} by=provisioning"));
    let (line, _) = emulator.log.wait(0, |line| line.starts_with("READY")).expect("it is logged");
    assert_eq!(line, "READY api=8088 events=8089");
    assert_eq!(emulator.pbx.hear(), "boot");
    let _heard = listen(&emulator);
    unknown(&mut emulator);

    // A damaged text is reported where the gateway is, too.
    let mut damaged = image.clone();
    let text = damaged.windows(7).position(|window| window == b"\"uccs\":").expect("the text is there");
    damaged[text + 20] ^= 1;
    refuses(Board::Mps2An505, &damaged, "its checksum is wrong: it was not written to its end");

    // One whose place is damaged is at that of the build, and says so.
    let mut lost = image;
    let place = lost.windows(6).position(|window| window == [2, 0, 0, 0, 0x77, 9]).expect("its interface");
    lost[place] ^= 4;
    let emulator = Emulator::start(Board::Mps2An505, &lost);
    let (line, next) = emulator.log.wait(0, |line| line.starts_with("network")).expect("it is logged");
    assert_eq!(line, "network UNKNOWN: its checksum is wrong: it was not written to its end");
    let (line, _) = emulator.log.wait(next, |line| line.starts_with("network")).expect("it is logged");
    assert_eq!(line, "network address=10.0.2.15/24 mac=02-00-00-52-47-01 api=80 events=81 by=build");
    assert_eq!(Client::connect(emulator.api).exchange(&render::read(UCC, ID)).status, 200);
}

/// A provisioning is written into the plain bytes of the flash as well, and the board runs from those.
#[test]
fn the_plain_bytes_of_the_flash_are_an_image_too() {
    for board in Board::ALL {
        let mut flash = Image::build(board, Kind::Product).flash();
        recording_provision::write(&mut flash, vectors_world().as_bytes()).expect("it holds");
        let mut emulator = Emulator::start(board, &flash);
        assert_eq!(emulator.pbx.hear(), "boot");
        unknown(&mut emulator);
    }
}

/// The board has room for what it claims: as many UCCs, agents and sessions, each of them reached.
#[test]
fn a_full_board_serves_all_of_it() {
    for board in Board::ALL {
        let uccs = board.uccs();
        let ucc = |number: usize| {
            serde_json::json!({
                "name": format!("ucc-{number:02}"),
                "recording_api_licensed": true,
                "use_audio_recording": true,
                "agent_can_edit_audio_recording": true,
                "save_recording_by_default": false,
                "agents": (0..16).map(|agent| format!("sip:{agent:02}@{number:02}.site.example")).collect::<Vec<_>>(),
            })
        };
        let world = |uccs: usize| {
            serde_json::json!({"network": "build", "uccs": (0..uccs).map(ucc).collect::<Vec<_>>()}).to_string()
        };
        let image = Image::build(board, Kind::Product);
        let refused = image.provisioned(&world(uccs + 1)).expect_err("one too many");
        assert_eq!(refused.to_string(), format!("{} UCCs; the image has room for {uccs}", uccs + 1));
        let mut emulator = start(board, &world(uccs));
        assert_eq!(emulator.pbx.hear(), "boot");
        let session = |number: usize| (format!("{number:032x}"), format!("ucc-{:02}", number % uccs));
        for number in 0..board.sessions() {
            let (id, ucc) = session(number);
            let answer = emulator.pbx.ask(&format!("begin {id} Started/None/None {ucc}"));
            assert!(answer.starts_with("begun"), "{number}: {answer}");
        }
        let answer = emulator.pbx.ask(&format!("begin {ID} ucc-00"));
        assert_eq!(answer, "error as many sessions are open as there is room for");
        let mut client = Client::connect(emulator.api);
        for number in 0..board.sessions() {
            let (id, ucc) = session(number);
            let agent = format!("sip:{:02}@{:02}.site.example", number / uccs % 16, number % uccs);
            let response = client.exchange(&render::set(&ucc, &id, &agent, 3));
            assert!(response.text().contains("\"RecordingState\":3,"), "{number}: {}", response.text());
        }
        assert_eq!(emulator.figure("sessions"), board.sessions() as u32);
        crate::support::finish(emulator, "full");
    }
}

/// All sessions are gone: nothing claims to be paused, and the recorders and the PBX learn of it.
fn begins_anew(emulator: &mut Emulator) {
    let (_, behind) = emulator.recorder.log.wait(0, |line| line.starts_with("paused")).expect("it was paused");
    emulator.recorder.log.wait(behind, |line| line == "off *").expect("the recorders are told");
    assert_eq!(emulator.pbx.hear(), "boot");
    unknown(emulator);
}

fn unknown(emulator: &mut Emulator) {
    let response = Client::connect(emulator.api).exchange(&render::read(UCC, ID));
    assert_eq!(
        response.text(),
        format!(
            "{{\"CorrelationId\":\"{ID}\",\"RecordingState\":0,\"MarkingState\":0,\"SavingState\":0,\"ErrorMessage\":\
             {{\"ErrorType\":2,\"Message\":\"No Audio session with correlation Id:'{ID}' was found.\"}},\"UCCName\":\
             \"{UCC}\"}}"
        )
    );
    assert_eq!(emulator.figure("sessions"), 0);
}

fn paused(emulator: &mut Emulator) {
    assert_eq!(emulator.pbx.hear(), "boot");
    assert!(emulator.pbx.ask(&format!("begin {ID} Started/None/None {UCC}")).starts_with("begun"));
    let response = Client::connect(emulator.api).exchange(&render::set(UCC, ID, "sip:agent@domain.com", 3));
    assert!(response.text().contains("\"RecordingState\":3,"));
}

/// The power goes at any moment: here while a change is on its way, at every turn another moment of it.
#[test]
fn a_power_cut_leaves_nothing_behind() {
    for cut in 0..6_u64 {
        let mut emulator = start(Board::Mps2An386, &vectors_world());
        paused(&mut emulator);
        let mut client = Client::connect(emulator.api);
        client.send(&crate::support::bytes(&render::set(UCC, ID, "sip:agent@domain.com", 1)));
        std::thread::sleep(std::time::Duration::from_micros(cut * cut * 100));
        drop(emulator);

        let mut emulator = start(Board::Mps2An386, &vectors_world());
        let (boot, _) = emulator.log.wait(0, |line| line.starts_with("boot")).expect("it starts");
        assert_eq!(boot, "boot board=mps2-an386 after=power");
        assert_eq!(emulator.recorder.hear(), "off *");
        assert_eq!(emulator.pbx.hear(), "boot");
        unknown(&mut emulator);
    }
}

/// What breaks the image is logged, and the board starts again.
fn breaks(board: Board, how: &str, logged: Option<&str>, after: &str) {
    let image = Image::build(board, Kind::Planted).provisioned(&vectors_world()).expect("it holds");
    let mut emulator = Emulator::start(board, &image);
    let _heard = listen(&emulator);
    paused(&mut emulator);
    let before = emulator.log.len();
    emulator.pbx.say(format!("plant {how}\n").as_bytes());
    let (boot, _) = emulator.log.wait(before, |line| line.starts_with("boot ")).expect("it starts again");
    assert_eq!(boot, format!("boot board={} after={after}", board.name()));
    let (_, ready) = emulator.log.wait(before, |line| line.starts_with("READY")).expect("it serves again");
    let lines = emulator.log.all()[before..ready].to_vec();
    match logged {
        None => assert!(lines[0].starts_with("boot "), "{lines:#?}"),
        Some(text) => assert!(lines[0].starts_with(text), "{lines:#?}"),
    }
    println!("{how} on {}: {lines:#?}", board.name());
    begins_anew(&mut emulator);
}

#[test]
fn the_watchdog_ends_a_hang() {
    for board in Board::ALL {
        breaks(board, "hang", None, "reset");
    }
}

#[test]
fn a_stack_overflow_is_caught_and_logged() {
    for board in Board::ALL {
        breaks(board, "overflow", Some("FAULT: stack overflow, "), "fault");
    }
}

#[test]
fn a_fault_is_logged() {
    for board in Board::ALL {
        breaks(board, "fault", Some("FAULT at "), "fault");
    }
}

#[test]
fn a_panic_is_logged() {
    for board in Board::ALL {
        breaks(board, "panic", Some("PANIC, called from "), "panic");
    }
}

/// An image that logs by defmt serves as any other, without a probe that reads; and its texts are in the file only, where
/// a probe's host looks them up.
#[test]
fn an_image_with_defmt_serves_without_a_probe() {
    let board = Board::Mps2An505;
    let image = Image::build(board, Kind::Defmt);
    let holds = |image: &Image, text: &str| image.bytes().windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["boot board={=str} after={=str}", "changed: {}"] {
        assert!(holds(&image, text), "{text}");
        assert!(!holds(&Image::build(board, Kind::Product), text), "{text}");
        assert!(!image.flash().windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    let image = image.provisioned(&vectors_world()).expect("it holds");
    let mut emulator = Emulator::start(board, &image);
    paused(&mut emulator);
    // More than the buffer to the probe holds: nothing waits for it.
    let mut client = Client::connect(emulator.api);
    for action in [1, 3].into_iter().cycle().take(200) {
        let response = client.exchange(&render::set(UCC, ID, "sip:agent@domain.com", action));
        assert!(response.text().contains(&format!("\"RecordingState\":{action},")), "{}", response.text());
    }
}

/// The image that is used knows none of the commands that break it.
#[test]
fn nothing_is_planted_in_the_product() {
    let mut emulator = start(Board::Lm3s6965evb, &vectors_world());
    assert_eq!(emulator.pbx.hear(), "boot");
    for how in ["hang", "overflow", "fault", "panic"] {
        assert!(emulator.pbx.ask(&format!("plant {how}")).starts_with("error a command is"));
    }
    assert_eq!(emulator.log.all().iter().filter(|line| line.starts_with("boot ")).count(), 1);
}
