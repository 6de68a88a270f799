//! Bytes between sockets and the gateway.

use recording_gateway::connection::when_full::HANDSHAKE;
use recording_gateway::events::{Listener, Next};
use recording_gateway::http::Outgoing;
use recording_gateway::link::{Ip, Peer, Wish};
use recording_gateway::{Connection, Step, since};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::{Client, Hearing, Network, Ports};
use crate::Gateway;

/// How many steps a client has in one turn.
const STEPS: usize = 4;

impl Network {
    /// Gives every client and every listener its turn; whether there is more to do at once.
    #[inline(never)]
    pub(crate) fn serve(&mut self, gateway: &mut Gateway, now: u32) -> bool {
        let mut again = false;
        let Ports { api, events } = self.ports;
        for Client { socket, connection, present, settled } in &mut self.clients {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*socket);
            if *present || socket.is_listening() {
                *settled = now;
            }
            again |= client(socket, connection, present, gateway, now, self.outgoing, api);
        }
        for Hearing { socket, listener, settled } in &mut self.hearing {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*socket);
            if matches!(socket.state(), tcp::State::Listen | tcp::State::Established) {
                *settled = now;
            }
            again |= hear(socket, listener, gateway, events);
        }
        again
    }

    /// A host wants a connection, and it may be that every place is taken: then the client that is furthest over its time
    /// loses its own. If there is none, the wish is refused, as it is by any full server.
    #[inline(never)]
    pub(super) fn make_room(&mut self, gateway: &mut Gateway, peer: Peer, wish: Wish, now: u32) {
        let remote = IpEndpoint::new(address(peer.ip), wish.from);
        let is_again = |socket: &tcp::Socket<'_>| socket.remote_endpoint() == Some(remote);
        if tcp_sockets(&self.sockets).any(is_again) {
            return;
        }
        // One that is closed has nothing to lose.
        let over = |socket: &tcp::Socket<'_>, overdue: Option<u32>| match socket.state() {
            tcp::State::Listen => None,
            tcp::State::Closed => Some(u32::MAX),
            _ => overdue,
        };
        let half_open = |settled| since(now, settled).checked_sub(HANDSHAKE);
        let (place, port) = match wish.to {
            to if to == self.ports.api => {
                if self.clients.iter().any(|client| self.is_listening(client.socket)) {
                    return;
                }
                let overdue = |client: &Client| {
                    let socket = self.sockets.get::<tcp::Socket<'_>>(client.socket);
                    let connection = &client.connection;
                    over(
                        socket,
                        if client.present {
                            connection.overdue(now, socket.send_queue() > 0)
                        } else {
                            half_open(client.settled)
                        },
                    )
                };
                let Some((_, place)) = furthest(self.clients.iter().map(overdue)) else { return };
                let Some(client) = self.clients.get_mut(place) else { return };
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(client.socket);
                let step = if client.present { client.connection.give_way(self.outgoing) } else { Step::Abort };
                if step == Step::Send && socket.send_queue() == 0 {
                    send(socket, &self.outgoing.pieces());
                }
                if step == Step::Abort {
                    socket.abort();
                } else {
                    socket.close();
                }
                client.connection.gone(gateway);
                client.present = false;
                client.settled = now;
                (client.socket, to)
            }
            to if to == self.ports.events => {
                if self.hearing.iter().any(|hearing| self.is_listening(hearing.socket)) {
                    return;
                }
                let overdue = |hearing: &Hearing| {
                    over(self.sockets.get::<tcp::Socket<'_>>(hearing.socket), half_open(hearing.settled))
                };
                let Some((_, place)) = furthest(self.hearing.iter().map(overdue)) else { return };
                let Some(hearing) = self.hearing.get_mut(place) else { return };
                hearing.listener = None;
                hearing.settled = now;
                self.sockets.get_mut::<tcp::Socket<'_>>(hearing.socket).abort();
                (hearing.socket, to)
            }
            _ => return,
        };
        // Its answer is on its way before the place is another's. Whatever it sends after that is refused.
        self.transmit(now);
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(place);
        socket.abort();
        listen(socket, port);
    }

    fn is_listening(&self, socket: SocketHandle) -> bool {
        self.sockets.get::<tcp::Socket<'_>>(socket).is_listening()
    }
}

const fn address([a, b, c, d]: Ip) -> IpAddress {
    IpAddress::v4(a, b, c, d)
}

fn tcp_sockets<'a>(sockets: &'a SocketSet<'static>) -> impl Iterator<Item = &'a tcp::Socket<'static>> {
    sockets.iter().map(|(_, socket)| {
        let Socket::Tcp(socket) = socket;
        socket
    })
}

/// Whether there is a connection with a host at this address.
pub(super) fn is_connected(sockets: &SocketSet<'static>, ip: Ip) -> bool {
    tcp_sockets(sockets).any(|socket| socket.remote_endpoint().is_some_and(|remote| remote.addr == address(ip)))
}

/// Which of the places is furthest over its time.
fn furthest(overdue: impl Iterator<Item = Option<u32>>) -> Option<(u32, usize)> {
    overdue.enumerate().filter_map(|(place, overdue)| Some((overdue?, place))).max()
}

fn client(
    socket: &mut tcp::Socket<'_>,
    connection: &mut Connection,
    present: &mut bool,
    gateway: &mut Gateway,
    now: u32,
    outgoing: &mut Outgoing,
    port: u16,
) -> bool {
    if !*present {
        if socket.may_send() {
            connection.open(gateway, now);
            *present = true;
        } else {
            return listen(socket, port);
        }
    }
    // In TIME-WAIT both sides have closed; the place is needed.
    if socket.state() == tcp::State::TimeWait {
        socket.abort();
    }
    if !socket.is_open() {
        connection.gone(gateway);
        *present = false;
        return true;
    }
    if socket.can_recv() {
        let taken = socket.recv_slice(connection.room()).unwrap_or_default();
        connection.received(taken, now);
    }
    if !socket.may_recv() {
        connection.ended();
    }
    for _ in 0..STEPS {
        let room = socket.send_capacity().saturating_sub(socket.send_queue());
        let step = connection.step(gateway, now, room >= Outgoing::MAX_LEN, outgoing);
        match step {
            Step::Wait => return false,
            Step::Again => {}
            Step::Send => send(socket, &outgoing.pieces()),
            Step::SendHeld => send(socket, &[gateway.held()]),
            Step::Close => socket.close(),
            Step::Abort => socket.abort(),
        }
    }
    true
}

/// There was room for all of it; a client that is gone gets nothing.
fn send(socket: &mut tcp::Socket<'_>, pieces: &[&[u8]]) {
    for piece in pieces {
        let _ = socket.send_slice(piece);
    }
}

fn hear(socket: &mut tcp::Socket<'_>, listener: &mut Option<Listener>, gateway: &mut Gateway, port: u16) -> bool {
    let Some(place) = listener else {
        if socket.may_send() {
            *listener = Some(Listener::new(&gateway.events));
            return true;
        }
        return listen(socket, port);
    };
    if socket.state() == tcp::State::TimeWait {
        socket.abort();
    }
    if !socket.is_open() {
        *listener = None;
        return true;
    }
    // A listener has nothing to say.
    if socket.can_recv() {
        let _ = socket.recv(|bytes| (bytes.len(), ()));
    }
    if !socket.may_recv() {
        socket.close();
    }
    match place.next(&gateway.events) {
        Next::Nothing => {}
        Next::Bytes(bytes) if socket.can_send() => {
            let taken = socket.send_slice(bytes).unwrap_or_default();
            place.took(taken);
            return taken > 0;
        }
        Next::Bytes(_) => {}
        Next::Cut => {
            gateway.counts.cut = gateway.counts.cut.wrapping_add(1);
            socket.abort();
            return true;
        }
    }
    false
}

/// Waits for somebody, if the socket does not yet. What an aborted one still had to say has been said by then.
fn listen(socket: &mut tcp::Socket<'_>, port: u16) -> bool {
    if !socket.is_open() {
        // It is closed, and the port is not zero: neither error can come.
        let _ = socket.listen(port);
    }
    false
}
