//! TCP: smoltcp, its sockets, and the gateway's connections and listeners on them.

mod device;
mod serve;

use core::mem::MaybeUninit;

use recording_gateway::events::Listener;
use recording_gateway::http::Outgoing;
use recording_gateway::link::Peer;
use recording_gateway::provisioning::Site;
use recording_gateway::{Clock, Connection};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Address};

pub(crate) use device::{Frames, Wire};

use crate::Gateway;
use crate::board::{CONNECTIONS, FRAME, LISTENERS, Net, RECEIVE};

pub(crate) const SOCKETS: usize = CONNECTIONS + LISTENERS;
/// How many frames are taken in one turn.
const FRAMES_PER_TURN: usize = 8;
/// How long a peer may leave data without a word. It counts from the last word, whenever the data came: so it is longer
/// than a client may be silent before it gets the answer that it was too slow.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How often a silent listener is asked whether it is still there.
const ALIVE: Duration = Duration::from_secs(20);
/// What a listener's socket holds of events: two of the longest.
const LISTENER_SEND: usize = 512;
const LISTENER_RECEIVE: usize = 64;

/// What cannot be: there are as many buffers as places.
const ONE_EACH: &str = "a place without a buffer";

/// The memory of it all: nothing but zeros at the start.
pub(crate) struct Memory {
    frames: Frames,
    receive: [[u8; RECEIVE]; CONNECTIONS],
    send: [[u8; Outgoing::MAX_LEN]; CONNECTIONS],
    listener_receive: [[u8; LISTENER_RECEIVE]; LISTENERS],
    listener_send: [[u8; LISTENER_SEND]; LISTENERS],
    connections: [Connection; CONNECTIONS],
    outgoing: Outgoing,
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self {
            frames: Frames { received: [0; FRAME], sent: [0; FRAME] },
            receive: [[0; RECEIVE]; CONNECTIONS],
            send: [[0; Outgoing::MAX_LEN]; CONNECTIONS],
            listener_receive: [[0; LISTENER_RECEIVE]; LISTENERS],
            listener_send: [[0; LISTENER_SEND]; LISTENERS],
            connections: [const { Connection::new() }; CONNECTIONS],
            outgoing: Outgoing::new(),
        }
    }
}

/// A client's place.
struct Client {
    socket: SocketHandle,
    connection: &'static mut Connection,
    /// Whether there is a client.
    present: bool,
    /// When the place was free last, or the client was there.
    settled: u32,
}

/// A listener's place.
struct Hearing {
    socket: SocketHandle,
    listener: Option<Listener>,
    /// When the place was free last, or the listener was there with both its sides.
    settled: u32,
}

/// The network.
pub(crate) struct Network {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    clients: [Client; CONNECTIONS],
    hearing: [Hearing; LISTENERS],
    outgoing: &'static mut Outgoing,
    clock: Clock,
    ports: Ports,
}

/// Where clients and listeners come.
#[derive(Clone, Copy)]
struct Ports {
    api: u16,
    events: u16,
}

/// Room for the sockets.
pub(crate) type Storage = [MaybeUninit<SocketStorage<'static>>; SOCKETS];

impl Network {
    /// Starts the network, in place.
    #[inline(never)]
    pub(crate) fn start(
        place: &'static mut MaybeUninit<Self>,
        net: Net,
        site: &Site,
        memory: &'static mut Memory,
        storage: &'static mut Storage,
    ) -> &'static mut Self {
        for socket in storage.iter_mut() {
            socket.write(SocketStorage::EMPTY);
        }
        // SAFETY: all of them were written.
        let storage = unsafe { &mut *(&raw mut *storage).cast::<[SocketStorage<'static>; SOCKETS]>() };
        place.write(Self::new(net, site, memory, storage))
    }

    #[inline(always)]
    fn new(net: Net, site: &Site, memory: &'static mut Memory, storage: &'static mut [SocketStorage<'static>]) -> Self {
        let [a, b, c, d] = site.ip;
        let mut wire = Wire::new(net, &mut memory.frames, Peer { ip: site.ip, mac: site.mac });
        let mut config = Config::new(HardwareAddress::Ip);
        // Nothing here draws random numbers: sequence numbers begin by what differs between boards.
        config.random_seed = site.mac.iter().fold(0, |seed, &byte| seed << 8 | u64::from(byte));
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        let own = Ipv4Address::new(a, b, c, d);
        interface.update_ip_addrs(|addresses| {
            // There is room for one.
            let _ = addresses.push(IpCidr::new(own.into(), site.prefix));
        });
        // Wherever a peer is, the link knows the way.
        let _ = interface.routes_mut().add_default_ipv4_route(own);

        let mut sockets = SocketSet::new(storage);
        let mut add = |receive: &'static mut [u8], send: &'static mut [u8], alive| {
            let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(receive), tcp::SocketBuffer::new(send));
            socket.set_nagle_enabled(false);
            socket.set_timeout(Some(UNACKNOWLEDGED));
            socket.set_keep_alive(alive);
            sockets.add(socket)
        };
        let mut buffers = memory.receive.iter_mut().zip(&mut memory.send);
        let mut connections = memory.connections.iter_mut();
        let clients = core::array::from_fn(|_| {
            let (receive, send) = buffers.next().unwrap_or_else(|| crate::life::give_up(ONE_EACH));
            let connection = connections.next().unwrap_or_else(|| crate::life::give_up(ONE_EACH));
            Client { socket: add(receive, send, None), connection, present: false, settled: 0 }
        });
        let mut buffers = memory.listener_receive.iter_mut().zip(&mut memory.listener_send);
        let hearing = core::array::from_fn(|_| {
            let (receive, send) = buffers.next().unwrap_or_else(|| crate::life::give_up(ONE_EACH));
            Hearing { socket: add(receive, send, Some(ALIVE)), listener: None, settled: 0 }
        });
        let (outgoing, ports) = (&mut memory.outgoing, Ports { api: site.api, events: site.events });
        Self { wire, interface, sockets, clients, hearing, outgoing, clock: Clock::new(), ports }
    }

    /// Takes frames in, but not all that may come.
    #[inline(never)]
    pub(crate) fn receive(&mut self, gateway: &mut Gateway, now: u32) {
        let instant = self.instant(now);
        self.interface.poll_maintenance(instant);
        for _ in 0..FRAMES_PER_TURN {
            let Some(came) = self.wire.fetch() else { break };
            let Some((peer, wish)) = came else { continue };
            if let Some(wish) = wish {
                self.make_room(gateway, peer, wish, now);
            }
            let sockets = &self.sockets;
            self.wire.heard(peer, |ip| serve::is_connected(sockets, ip));
            let _ = self.interface.poll_ingress_single(instant, &mut self.wire, &mut self.sockets);
        }
    }

    /// Seconds since the start.
    pub(crate) const fn seconds(&self) -> u32 {
        self.clock.seconds()
    }

    /// Sends what there is to send.
    #[inline(never)]
    pub(crate) fn transmit(&mut self, now: u32) {
        // Each socket has one segment a turn.
        let now = self.instant(now);
        let _ = self.interface.poll_egress(now, &mut self.wire, &mut self.sockets);
    }

    fn instant(&mut self, now: u32) -> Instant {
        Instant::from_millis(self.clock.at(now) as i64)
    }

    /// Whether a frame waits.
    pub(crate) fn has_frame(&self) -> bool {
        self.wire.has_frame()
    }
}
