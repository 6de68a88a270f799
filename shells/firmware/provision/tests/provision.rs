//! Images made up around a region: what is written, what stays, and what is refused.

use recording_gateway::provisioning::{HEADER_LEN, Place, Room, Site, document, place};
use recording_provision::{Contents, Error, check, find, write, write_unchecked};

const ROOM: Room = Room { document: 600, uccs: 2, agents: 3, text: 60 };
const NETWORK: &str = r#""network":{"address":"192.168.1.20/24","mac":"02-00-00-00-00-fe"}"#;
const SITE: Site = Site { ip: [192, 168, 1, 20], prefix: 24, mac: [2, 0, 0, 0, 0, 0xfe], api: 80, events: 81 };

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
    format!("{{{NETWORK},\"uccs\":[{}]}}", uccs.join(","))
}

/// A world without its network: what the region holds of it, where spaces are in the network's place.
fn text(world: &str) -> String {
    let network = format!("{NETWORK},");
    assert!(world.contains(&network));
    world.replace(&network, &" ".repeat(network.len()))
}

#[test]
fn a_text_is_written_into_its_region_and_nowhere_else() {
    let (before, mut after) = (image(), image());
    let long = world(&[("one", &["sip:a@b", "sip:A@B", "sip:c@d"]), ("two", &[])]);
    // An agent that is named twice is one.
    assert_eq!(
        write(&mut after, long.as_bytes()),
        Ok(Contents { uccs: 2, agents: 2, text: 20, place: Place::Given(SITE) })
    );
    let (at, room) = find(&after).expect("the region");
    assert_eq!(room, ROOM);
    let end = at + HEADER_LEN + ROOM.document as usize;
    assert_eq!(document(&after[at..end]), Ok(text(&long).as_bytes()));
    assert_eq!(place(&after[at..end]), Ok(Place::Given(SITE)));
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
    // Where it is in the document, although the network is taken out.
    let unexpected = format!("invalid JSON at byte {}: expected a value", NETWORK.len() + 10);
    for (document, error) in [
        ("{}".to_owned(), "uccs: is missing"),
        (world(&[("a", &[])]).replace(&format!("{NETWORK},"), ""), "network: is missing"),
        (format!("{{{NETWORK}}}"), "uccs: is missing"),
        (world(&[("a", &[])]).replace("\"uccs\":[", "\"uccs\":[,"), unexpected.as_str()),
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

fn place_of(document: &str) -> Result<Place, String> {
    check(document.as_bytes()).map(|contents| contents.place).map_err(|error| error.to_string())
}

/// Wherever the key is, and however it is written, the rest is as it was.
#[test]
fn the_network_is_found_at_every_place_and_the_rest_is_whole() {
    let whole = world(&[("a", &["sip:x@y"])]);
    let uccs = &whole[whole.find("\"uccs\"").expect("it is there")..whole.len() - 1];
    let escaped = NETWORK.replace("network", "n\\u0065twork");
    let spaced = NETWORK.replace(':', " :\n ").replace("02-00-00-00-00-fe", "02:00:00:00:00:FE");
    for network in [NETWORK, &escaped, &spaced] {
        for document in [
            format!("{{{network},{uccs}}}"),
            format!("{{{uccs},{network}}}"),
            format!(" {{ {network} , {uccs} }} "),
            format!("\n{{ {uccs}\n,\t{network}\n}}\n"),
        ] {
            assert_eq!(place_of(&document), Ok(Place::Given(SITE)), "{document}");
            let mut image = image();
            write(&mut image, document.as_bytes()).expect(&document);
            let (at, room) = find(&image).expect("the region");
            let region = &image[at..at + HEADER_LEN + room.document as usize];
            let text = recording_gateway::provisioning::document(region).expect("a text");
            let text = str::from_utf8(text).expect("it was text");
            let squeezed: String = text.split_ascii_whitespace().collect();
            assert_eq!(squeezed, format!("{{{uccs}}}"), "{document}");
            assert_eq!(text.find("\"uccs\""), document.find("\"uccs\""));
        }
    }
    // What the core refuses it refuses still.
    for (extra, error) in [
        ("\"other\":1", "has a key that is not known"),
        ("\"uccs\":[]", "uccs: is given more than once"),
        (NETWORK, "network: is given more than once"),
    ] {
        for document in [format!("{{{extra},{NETWORK},{uccs}}}"), format!("{{{NETWORK},{uccs},{extra}}}")] {
            let told = place_of(&document).expect_err(&document);
            assert!(told.ends_with(error), "{told}: {document}");
        }
    }
}

#[test]
fn each_key_of_the_network_is_checked() {
    let with = |network: &str| place_of(&world(&[("a", &[])]).replace(NETWORK, &format!("\"network\":{network}")));
    assert_eq!(with("\"build\""), Ok(Place::Build));
    let ports = r#"{"events_port":9,"api_port":65535,"mac":"02-00-00-00-00-fe","address":"192.168.1.20/24"}"#;
    assert_eq!(with(ports), Ok(Place::Given(Site { api: 65535, events: 9, ..SITE })));
    let given = |keys: &str| with(&format!(r#"{{"address":"10.0.0.1/8","mac":"02-00-00-00-00-01"{keys}}}"#));
    assert!(given("").is_ok());
    for (result, error) in [
        (with("\"qemu\""), "network: expected an object, or \"build\""),
        (with("7"), "network: expected an object, or \"build\""),
        (with("{}"), "network.address: is missing"),
        (with(r#"{"address":"10.0.0.1/8"}"#), "network.mac: is missing"),
        (with(r#"{"address":7}"#), "network.address: expected a string"),
        (
            with(r#"{"address":"10.0.0.1"}"#),
            "network.address: \"10.0.0.1\" is not an IPv4 address with its prefix, such as 192.168.1.20/24",
        ),
        (
            with(r#"{"address":"10.0.0.1/8","mac":"2-0-0-0-0-1"}"#),
            "network.mac: \"2-0-0-0-0-1\" is not the address of an interface, such as 02-00-00-00-00-01",
        ),
        (
            with(r#"{"address":"10.0.0.0/8","mac":"02-00-00-00-00-01"}"#),
            "network.address: is not the address of one host",
        ),
        (with(r#"{"address":"10.0.0.1/0","mac":"02-00-00-00-00-01"}"#), "network.address: a prefix has 1 to 32 bits"),
        (
            with(r#"{"address":"10.0.0.1/8","mac":"01-00-00-00-00-01"}"#),
            "network.mac: is not the address of one interface",
        ),
        (given(r#","api_port":0"#), "network.api_port: is no port"),
        (given(r#","api_port":65536"#), "network.api_port: expected a port, 1 to 65535"),
        (given(r#","api_port":81"#), "network.events_port: is the API's too"),
        (given(r#","mac":"02-00-00-00-00-01""#), "network.mac: is given more than once"),
        (given(r#","mtu":1500"#), "network.mtu: is not known"),
        (
            given(r#","gateway":"10.0.0.2""#),
            "network.gateway: is not known; replies go back the way that requests came, without a router",
        ),
    ] {
        assert_eq!(result, Err(error.to_owned()));
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

/// What `docs/firmware.md` shows, and the line of the log that it promises.
#[test]
fn the_document_of_the_page_is_valid() {
    let page = include_str!("../../../../docs/firmware.md");
    let after = |text: &'static str, fence| text.split_once(fence).map_or("", |(_, rest)| rest);
    let document = after(page, "```json\n").split("```").next().unwrap_or_default();
    let Ok(Place::Given(site)) = place_of(document) else { panic!("{document}: {:?}", place_of(document)) };
    let logged = format!("network {} by=provisioning\n", str::from_utf8(site.text().get()).expect("text"));
    assert!(page.contains(&logged), "{logged}");
}
