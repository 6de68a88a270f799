//! Images made up around a region: what is written, what stays, and what is refused.

use recording_gateway::provisioning::{HEADER_LEN, Room, document};
use recording_provision::{Contents, Error, check, find, write, write_unchecked};

const ROOM: Room = Room { document: 600, uccs: 2, agents: 3, text: 60 };

/// A region between other things, as in an ELF file and in the bytes of a flash.
fn image() -> Vec<u8> {
    let mut image = b"\x7fELF and code".repeat(9);
    image.extend(ROOM.header());
    image.extend([0xff; 600]);
    image.extend(b"and what comes behind");
    image
}

fn world(uccs: &[(&str, &[&str])]) -> String {
    let uccs: Vec<_> = uccs
        .iter()
        .map(|(name, agents)| {
            format!(
                "{{\"name\":{name:?},\"recording_api_licensed\":true,\"use_audio_recording\":true,\
                 \"agent_can_edit_audio_recording\":true,\"save_recording_by_default\":true,\"agents\":{agents:?}}}"
            )
        })
        .collect();
    format!("{{\"uccs\":[{}]}}", uccs.join(","))
}

#[test]
fn a_text_is_written_into_its_region_and_nowhere_else() {
    let (before, mut after) = (image(), image());
    let long = world(&[("one", &["sip:a@b", "sip:A@B", "sip:c@d"]), ("two", &[])]);
    // An agent that is named twice is one.
    assert_eq!(write(&mut after, long.as_bytes()), Ok(Contents { uccs: 2, agents: 2, text: 20 }));
    let (at, room) = find(&after).expect("the region");
    assert_eq!(room, ROOM);
    let end = at + HEADER_LEN + ROOM.document as usize;
    assert_eq!(document(&after[at..end]), Ok(long.as_bytes()));
    assert_eq!((&after[..at], &after[end..]), (&before[..at], &before[end..]));
    // A shorter one leaves nothing of it behind.
    let mut fresh = image();
    let short = world(&[("x", &[])]);
    for image in [&mut after, &mut fresh] {
        write(image, short.as_bytes()).expect("it holds");
    }
    assert_eq!(after, fresh);
}

#[test]
fn what_does_not_hold_or_fit_leaves_the_image_as_it_was() {
    let name = "n".repeat(61);
    for (document, error) in [
        ("{}".to_owned(), "uccs: is missing"),
        (world(&[("a/b", &[])]), "uccs[0].name: contains '/'"),
        (world(&[("a", &["b"])]), "uccs[0].agents[0]: does not begin with sip: or sips:"),
        (world(&[("a", &[]), ("a", &[])]), "uccs[1].name: there is a UCC of this name already"),
        (world(&[("a", &[]), ("b", &[]), ("c", &[])]), "3 UCCs; the image has room for 2"),
        (
            world(&[("a", &["sip:1@a", "sip:2@a"]), ("b", &["sip:1@a", "sip:2@a"])]),
            "4 agents; the image has room for 3",
        ),
        (world(&[(&name, &[])]), "61 bytes of names and URIs; the image has room for 60"),
        (world(&[("a", &[])]) + &" ".repeat(600), "bytes of text; the image has room for 600"),
    ] {
        let mut after = image();
        let told = write(&mut after, document.as_bytes()).expect_err(&document).to_string();
        assert!(told.ends_with(error), "{told}");
        assert_eq!(after, image(), "{document}");
    }
}

#[test]
fn an_image_without_exactly_one_region_is_refused() {
    let text = world(&[("a", &[])]);
    assert_eq!(write(&mut b"\x7fELF".to_vec(), text.as_bytes()), Err(Error::NoRegion));
    let mut two = [image(), image()].concat();
    assert_eq!(write(&mut two, text.as_bytes()), Err(Error::Ambiguous(2)));
    for missing in [22, 500, 600 + HEADER_LEN - 16 + 20] {
        let mut cut = image();
        cut.truncate(cut.len() - missing);
        assert_eq!(write(&mut cut, text.as_bytes()), Err(Error::Cut), "{missing}");
    }
    assert!(check(text.as_bytes()).is_ok());
    assert!(write_unchecked(&mut image(), &[b' '; 601]).is_err());
}
