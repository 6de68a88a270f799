//! A small rtpengine: what the measured ones do with cookies, calls and packets, with a network that a test scripts.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::super::bencode::Value;

/// When the copies of a datagram arrive. None: it is lost.
pub(super) type Copies = Vec<Duration>;

/// What the network does with a datagram, by its bytes.
pub(super) type Network = Box<dyn FnMut(&str) -> Copies + Send>;

/// One copy, at once.
pub(super) fn at_once() -> Copies {
    vec![Duration::ZERO]
}

/// A command that was carried out, and not answered from the cache.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) command: String,
    pub(super) call: String,
}

/// What is wrong with a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// 12.5 writes on in a native pause.
    WritesInPause,
    /// 12.5 gives each segment the name of the first.
    Overwrites,
    /// The method `proc` without its kernel module, a full disk.
    RecordsNothing,
    /// A version that would not remember cookies.
    ForgetsCookies,
    /// 10.5 does not know `pause recording`.
    HasNoPause,
    WritesAfterStop,
    /// It loses one packet of the second part.
    LosesOne,
    /// After a pause it does not go on.
    StaysSilent,
}

#[derive(Debug, Default)]
struct Call {
    is_recording: bool,
    is_paused: bool,
    sockets: Vec<std::net::UdpSocket>,
    /// The segments' packets.
    segments: Vec<Vec<Vec<u8>>>,
}

pub(super) struct State {
    began: Instant,
    cookies: [HashMap<String, Vec<u8>>; 2],
    swapped: Instant,
    calls: BTreeMap<String, Call>,
    queue: Vec<(Vec<u8>, SocketAddr)>,
    froze: Instant,
    /// The first command after a thaw is carried out by the clock of the freeze.
    stood_still: Option<Instant>,
    pub(super) fault: Fault,
    pub(super) is_frozen: bool,
    /// It does not even exist.
    pub(super) is_away: bool,
    /// How much longer than now it says to be running.
    pub(super) older_by: Duration,
    pub(super) spool: Option<PathBuf>,
    pub(super) done: Vec<Done>,
    /// All that was sent to it, whether it arrived or not.
    pub(super) sent: Vec<(Instant, String)>,
    pub(super) to: Network,
    pub(super) from: Network,
    /// What it answers to a command instead, by the command's name.
    pub(super) says: HashMap<&'static str, Vec<u8>>,
}

pub(super) struct Daemon {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    socket: Arc<UdpSocket>,
    task: JoinHandle<()>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Daemon {
    pub(super) async fn start() -> Self {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port"));
        let now = Instant::now();
        let state = State {
            began: now,
            cookies: Default::default(),
            swapped: now,
            calls: BTreeMap::new(),
            queue: Vec::new(),
            froze: now,
            stood_still: None,
            fault: Fault::None,
            is_frozen: false,
            is_away: false,
            older_by: Duration::ZERO,
            spool: None,
            done: Vec::new(),
            sent: Vec::new(),
            to: Box::new(|_| at_once()),
            from: Box::new(|_| at_once()),
            says: HashMap::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let task = tokio::spawn(serve(Arc::clone(&socket), Arc::clone(&state)));
        Self { address: socket.local_addr().expect("an address"), state, socket, task }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    /// A call that is set up, and not recorded.
    pub(super) fn has_call(&self, id: &str) {
        self.state().calls.insert(id.to_owned(), Call::default());
    }

    pub(super) fn is_recording(&self, id: &str) -> bool {
        self.state().calls.get(id).is_some_and(|call| call.is_recording)
    }

    /// The commands for a call that were carried out.
    pub(super) fn done(&self, call: &str) -> Vec<String> {
        self.state().done.iter().filter(|done| done.call == call).map(|done| done.command.clone()).collect()
    }

    /// How many datagrams with this in it were sent.
    pub(super) fn sent(&self, with: &str) -> usize {
        self.state().sent.iter().filter(|(_, datagram)| datagram.contains(with)).count()
    }

    /// Killed and started: no calls, unless it has them in redis, and no cookies.
    pub(super) fn restart(&self, keeps_calls: bool) {
        let mut state = self.state();
        state.began = Instant::now();
        state.cookies = Default::default();
        state.queue.clear();
        if keeps_calls {
            for call in state.calls.values_mut() {
                (call.is_recording, call.is_paused) = (false, false);
            }
        } else {
            state.calls.clear();
        }
    }

    pub(super) fn freeze(&self) {
        let mut state = self.state();
        (state.is_frozen, state.froze) = (true, Instant::now());
    }

    /// Goes on: with what waits in its socket first.
    pub(super) fn thaw(&self) {
        let queue = {
            let mut state = self.state();
            state.is_frozen = false;
            state.stood_still = Some(state.froze);
            core::mem::take(&mut state.queue)
        };
        for (datagram, from) in queue {
            arrive(&self.socket, &self.state, datagram, from);
        }
    }
}

async fn serve(socket: Arc<UdpSocket>, state: Arc<Mutex<State>>) {
    let mut buffer = vec![0; 65_536];
    loop {
        // An error is about a reply that came too late for its reader.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let datagram = buffer[..length].to_vec();
        let copies = {
            let mut state = state.lock().expect("no panic");
            let text = String::from_utf8_lossy(&datagram).into_owned();
            state.sent.push((Instant::now(), text.clone()));
            (state.to)(&text)
        };
        for delay in copies {
            let (socket, state, datagram) = (Arc::clone(&socket), Arc::clone(&state), datagram.clone());
            after(delay, move || arrive(&socket, &state, datagram, from));
        }
    }
}

fn after(delay: Duration, work: impl FnOnce() + Send + 'static) {
    if delay.is_zero() {
        return work();
    }
    tokio::spawn(async move {
        sleep(delay).await;
        work();
    });
}

fn arrive(socket: &Arc<UdpSocket>, state: &Arc<Mutex<State>>, datagram: Vec<u8>, from: SocketAddr) {
    let (reply, copies) = {
        let mut state = state.lock().expect("no panic");
        if state.is_away {
            return;
        }
        if state.is_frozen {
            state.queue.push((datagram, from));
            return;
        }
        let reply = state.answer(&datagram);
        let copies = (state.from)(&String::from_utf8_lossy(&reply));
        (reply, copies)
    };
    for delay in copies {
        let (socket, reply) = (Arc::clone(socket), reply.clone());
        after(delay, move || drop(socket.try_send_to(&reply, from)));
    }
}

impl State {
    fn answer(&mut self, datagram: &[u8]) -> Vec<u8> {
        let space = datagram.iter().position(|byte| *byte == b' ').expect("a cookie");
        let cookie = String::from_utf8(datagram[..space].to_vec()).expect("a text");
        if self.swapped.elapsed() >= Duration::from_secs(30) {
            self.cookies.swap(0, 1);
            self.cookies[0].clear();
            self.swapped = Instant::now();
        }
        let known = self.cookies.iter().find_map(|cookies| cookies.get(&cookie));
        if let Some(known) = known.filter(|_| self.fault != Fault::ForgetsCookies) {
            return [cookie.as_bytes(), b" ", known].concat();
        }
        let value = Value::decode(&datagram[space + 1..]).expect("bencode");
        let text = |key| value.get(key).and_then(Value::as_text).unwrap_or_default().to_owned();
        let (command, call) = (text("command"), text("call-id"));
        self.done.push(Done { command: command.clone(), call: call.clone() });
        let reply = match self.says.get(&*command) {
            Some(said) => said.clone(),
            None => self.carry_out(&command, &call),
        };
        self.cookies[0].insert(cookie.clone(), reply.clone());
        [cookie.as_bytes(), b" ", &reply].concat()
    }

    fn carry_out(&mut self, command: &str, id: &str) -> Vec<u8> {
        let error = |reason| encode(&[("result", Value::text("error")), ("error-reason", Value::text(reason))]);
        let ok = encode(&[("result", Value::text("ok"))]);
        self.read_packets();
        let (fault, calls) = (self.fault, self.calls.len());
        match command {
            "ping" => return encode(&[("result", Value::text("pong"))]),
            "statistics" => {
                let now = self.stood_still.take().unwrap_or_else(Instant::now);
                let uptime = (now.duration_since(self.began) + self.older_by).as_secs().to_string();
                let total = Value::dictionary([("uptime", Value::text(&uptime))]);
                return encode(&[("totalstatistics", total), ("result", Value::text("ok"))]);
            }
            "offer" => drop(self.calls.entry(id.to_owned()).or_default()),
            _ => {}
        }
        let Some(call) = self.calls.get_mut(id) else { return error("Unknown call-id") };
        match command {
            "offer" | "answer" => {
                let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
                socket.set_nonblocking(true).expect("a socket");
                let port = socket.local_addr().expect("an address").port();
                call.sockets.push(socket);
                let sdp = format!("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {port} RTP/AVP 8\r\n");
                return encode(&[("result", Value::text("ok")), ("sdp", Value::text(&sdp))]);
            }
            "start recording" => {
                let goes_on = core::mem::take(&mut call.is_paused);
                let starts = !core::mem::replace(&mut call.is_recording, true);
                if starts && !goes_on {
                    call.segments.push(Vec::new());
                }
            }
            "pause recording" if fault == Fault::HasNoPause => return error("Unrecognized command"),
            "pause recording" => (call.is_recording, call.is_paused) = (false, true),
            "stop recording" => (call.is_recording, call.is_paused) = (false, false),
            "query" => {
                let recording = Value::dictionary([("call recording", Value::Integer(call.is_recording.into()))]);
                return encode(&[("result", Value::text("ok")), ("recording", recording)]);
            }
            "delete" => {
                let call = self.calls.remove(id).expect("it is known");
                self.write(id, &call, calls);
            }
            _ => return error("Unrecognized command"),
        }
        ok
    }

    /// What came before this command is handled as it was ordered then.
    fn read_packets(&mut self) {
        let fault = self.fault;
        for call in self.calls.values_mut() {
            let has_stopped = !call.is_recording && !call.is_paused && call.segments.len() > 1;
            let is_paused = !call.is_recording && call.segments.len() == 1;
            let goes_on = call.is_recording && call.segments.len() > 1;
            let is_written = match fault {
                Fault::WritesInPause => call.is_recording || is_paused || call.is_paused,
                Fault::WritesAfterStop => call.is_recording || has_stopped,
                Fault::StaysSilent => call.is_recording && !goes_on,
                Fault::RecordsNothing => false,
                _ => call.is_recording,
            };
            let (mut buffer, mut lost) = ([0; 2048], fault != Fault::LosesOne || !goes_on);
            for socket in &call.sockets {
                while let Ok(length) = socket.recv(&mut buffer) {
                    let loses = !core::mem::replace(&mut lost, true);
                    if let Some(segment) = call.segments.last_mut().filter(|_| is_written && !loses) {
                        segment.push(buffer[..length].to_vec());
                    }
                }
            }
        }
    }

    fn write(&self, id: &str, call: &Call, salt: usize) {
        let Some(spool) = &self.spool else { return };
        if self.fault == Fault::RecordsNothing {
            return;
        }
        for (at, segment) in call.segments.iter().enumerate() {
            let at = if self.fault == Fault::Overwrites { 0 } else { at };
            let name = format!("{id}-{:016x}", at + salt);
            std::fs::write(spool.join(format!("pcaps/{name}.pcap")), segment.concat()).expect("a file");
            std::fs::write(spool.join(format!("metadata/rtpengine-meta-{name}.txt")), "").expect("a file");
        }
    }
}

fn encode(entries: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entries = entries.iter().map(|(key, value)| (key.as_bytes(), value.clone()));
    Value::Dictionary(entries.collect()).encode(&mut bytes);
    bytes
}
