//! A gateway with one UCC and one session, and a client at it.
#![allow(dead_code, unreachable_pub)]

use recording_gateway::http::Outgoing;
use recording_gateway::pbx::{Answer, Surroundings};
use recording_gateway::provisioning::{Room, crc32};
use recording_gateway::{Connection, Gateway, Line, Step};

pub type Small = Gateway<4, 2, 4, 256>;

pub const ID: &str = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
pub const SET: &str = "{\"Action\":{action},\"RequesterSipUri\":\"sip:agent@domain.com\",\
    \"CorrelationId\":\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\",\"UCCName\":\"ucc-demo-name\"}";
pub const UCC: &str = "{\"uccs\":[{\"name\":\"ucc-demo-name\",\"recording_api_licensed\":true,\"use_audio_recording\":true,\
    \"agent_can_edit_audio_recording\":true,\"save_recording_by_default\":false,\"agents\":[\"sip:agent@domain.com\"]}]}";

/// A region of the flash with a text in it.
pub fn region(text: &str) -> Vec<u8> {
    let room = Room { document: text.len() as u32, uccs: 0, agents: 0, text: 0 };
    let mut region = room.header().to_vec();
    let numbers = region.len() - 8;
    region[numbers..numbers + 4].copy_from_slice(&(text.len() as u32).to_le_bytes());
    region[numbers + 4..].copy_from_slice(&crc32(text.as_bytes()).to_le_bytes());
    region.extend_from_slice(text.as_bytes());
    region
}

pub fn gateway() -> Small {
    let mut gateway = Small::new();
    gateway.provision(&region(UCC)).expect("it holds");
    assert_eq!(
        obey(&mut gateway, &format!("begin {ID} Started/None/None ucc-demo-name")),
        format!("begun {ID} Started/None/None ucc-demo-name\n")
    );
    gateway
}

/// What the PBX gets for a line.
pub fn obey(gateway: &mut Small, command: &str) -> String {
    let (mut line, mut answer) = (Line::new(), Answer::new());
    for byte in command.bytes().chain(*b"\n") {
        line.push(byte);
    }
    let figures = [("stack", 7)];
    assert!(line.answer(gateway, Surroundings { figures: &figures }, &mut answer), "the recorder's line has room");
    String::from_utf8(answer.get().to_vec()).expect("text")
}

pub fn read(headers: &str) -> String {
    format!("GET /attendantservice/api/recording/ucc-demo-name/{ID} HTTP/1.1\r\nHost: gw\r\n{headers}\r\n")
}

pub fn post(body: &str) -> String {
    format!(
        "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A `set` of the session, by an action's number, or its name in or without quotes.
pub fn set(action: &str) -> String {
    let bare = action.starts_with(|first: char| first.is_ascii_digit() || first == '"');
    post(&SET.replace("{action}", &if bare { action.to_owned() } else { format!("\"{action}\"") }))
}

#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// A client, its connection and the gateway after it.
pub struct Peer {
    pub gateway: Small,
    pub connection: Connection,
    pub now: u32,
    pub closed: bool,
    pub aborted: bool,
    /// The recorder's line takes nothing.
    pub recorder_stands: bool,
    pub recorded: String,
    /// Replies have no bodies.
    pub to_head: bool,
}

impl Peer {
    pub fn new() -> Self {
        let (mut gateway, mut connection) = (gateway(), Connection::new());
        connection.open(&mut gateway, 0);
        Self {
            gateway,
            connection,
            now: 0,
            closed: false,
            aborted: false,
            recorder_stands: false,
            recorded: String::new(),
            to_head: false,
        }
    }

    /// Lets the recorder's line take what there is.
    pub fn drain(&mut self) {
        let recorder = &mut self.gateway.recorder;
        while let (false, Some(byte)) = (self.recorder_stands, recorder.peek()) {
            self.recorded.push(byte.into());
            recorder.take();
        }
        recorder.all_gone();
    }

    /// Sends bytes and gives those that come back.
    pub fn raw(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let (mut came, mut out) = (Vec::new(), Outgoing::new());
        loop {
            let room = self.connection.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.connection.received(count, self.now);
            loop {
                let step = self.connection.step(&mut self.gateway, self.now, true, &mut out);
                match step {
                    Step::Send => came.extend(out.pieces().concat()),
                    Step::SendHeld => came.extend(self.gateway.held()),
                    Step::Close => self.closed = true,
                    Step::Again => {}
                    Step::Wait | Step::Abort => {
                        self.aborted |= step == Step::Abort;
                        let before = self.recorded.len();
                        self.drain();
                        if self.recorded.len() == before || step == Step::Abort {
                            break;
                        }
                    }
                }
            }
            if bytes.is_empty() {
                return came;
            }
        }
    }

    pub fn pass(&mut self, time: u32) -> Vec<u8> {
        self.now = self.now.wrapping_add(time);
        self.raw(b"")
    }

    /// Sends bytes and gives the replies.
    pub fn exchange(&mut self, bytes: &[u8]) -> Vec<Received> {
        let came = String::from_utf8(self.raw(bytes)).expect("text");
        let mut rest = came.as_str();
        let mut replies = Vec::new();
        while !rest.is_empty() {
            let (head, behind) = rest.split_once("\r\n\r\n").expect("a whole head");
            let status = head["HTTP/1.1 ".len()..][..3].parse().expect("a status");
            let length = head
                .split("Content-Length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().expect("a value").parse::<usize>().expect("a length"));
            assert!(head.contains("Cache-Control: no-store"));
            let (body, behind) = behind.split_at(if self.to_head { 0 } else { length });
            replies.push(Received { status, head: head.to_owned(), body: body.to_owned() });
            rest = behind;
        }
        replies
    }
}
