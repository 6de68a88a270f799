//! Bytes between sockets and the gateway.

use recording_gateway::connection::IDLE_WHEN_FULL;
use recording_gateway::events::{Listener, Next};
use recording_gateway::http::Outgoing;
use recording_gateway::{Connection, Step};
use smoltcp::socket::tcp;

use super::{API, Client, EVENTS, Hearing, Network};
use crate::Gateway;

/// How many steps a client has in one turn.
const STEPS: usize = 4;

impl Network {
    /// Gives every client and every listener its turn; whether there is more to do at once.
    #[inline(never)]
    pub(crate) fn serve(&mut self, gateway: &mut Gateway, now: u32) -> bool {
        let mut again = false;
        for Client { socket, connection, present } in &mut self.clients {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*socket);
            again |= client(socket, connection, present, gateway, now, self.outgoing);
        }
        self.make_room(now);
        for Hearing { socket, listener } in &mut self.hearing {
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(*socket);
            again |= hear(socket, listener, gateway);
        }
        again
    }

    /// When every place is taken, and none will be free soon, the client that has been idle longest loses its own.
    fn make_room(&mut self, now: u32) {
        let is_free = |client: &Client| {
            let socket = self.sockets.get::<tcp::Socket<'_>>(client.socket);
            if client.present { client.connection.is_closing() } else { socket.is_listening() || !socket.is_open() }
        };
        if self.clients.iter().any(is_free) {
            return;
        }
        let idle = self.clients.iter_mut().filter(|client| client.present);
        let longest = idle.max_by_key(|client| client.connection.idle(now));
        if let Some(client) = longest.filter(|client| client.connection.idle(now) > Some(IDLE_WHEN_FULL)) {
            client.connection.close(now);
            self.sockets.get_mut::<tcp::Socket<'_>>(client.socket).close();
        }
    }
}

fn client(
    socket: &mut tcp::Socket<'_>,
    connection: &mut Connection,
    present: &mut bool,
    gateway: &mut Gateway,
    now: u32,
    outgoing: &mut Outgoing,
) -> bool {
    if !*present {
        if socket.may_send() {
            connection.open(gateway, now);
            *present = true;
        } else {
            return listen(socket, API);
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

fn hear(socket: &mut tcp::Socket<'_>, listener: &mut Option<Listener>, gateway: &mut Gateway) -> bool {
    let Some(place) = listener else {
        if socket.may_send() {
            *listener = Some(Listener::new(&gateway.events));
            return true;
        }
        return listen(socket, EVENTS);
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
