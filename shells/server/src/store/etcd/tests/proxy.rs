//! A proxy before a member that can hold what goes either way, and let it go later.

use core::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of what goes one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// It is kept.
    Held,
    /// What was kept when this was set goes on; the rest never does.
    ThoseHeld(usize),
}

#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) endpoint: String,
    requests: watch::Sender<Way>,
    replies: watch::Sender<Way>,
    /// Pieces that are held, in both directions together.
    held: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
    cut: watch::Sender<u64>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(super) async fn before(endpoint: &str) -> Self {
        let to: SocketAddr = endpoint.strip_prefix("http://").expect("plain").parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let (requests, replies, cut) =
            (watch::Sender::new(Way::Open), watch::Sender::new(Way::Open), watch::Sender::new(0));
        let held = Arc::<Mutex<usize>>::default();
        let ways = (requests.subscribe(), replies.subscribe(), cut.subscribe(), Arc::clone(&held));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (requests, replies, mut cut, held) = ways.clone();
                cut.mark_unchanged();
                connections.spawn(async move {
                    let Ok(member) = TcpStream::connect(to).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_member, to_member) = member.into_split();
                    tokio::select! {
                        // What is held when it is cut is lost, whatever comes after the cut.
                        biased;
                        _ = cut.changed() => {}
                        () = pass(from_client, to_member, requests, Arc::clone(&held)) => {}
                        () = pass(from_member, to_client, replies, held) => {}
                    }
                });
            }
        });
        Self { endpoint, requests, replies, held, task, cut }
    }

    pub(super) fn requests(&self, way: Way) {
        self.requests.send_replace(way);
    }

    pub(super) fn replies(&self, way: Way) {
        self.replies.send_replace(way);
    }

    /// How many pieces are held now.
    pub(super) fn held(&self) -> usize {
        *self.held.lock().expect("sound")
    }

    /// Ends all connections.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>, held: Arc<Mutex<usize>>) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let now = *way.borrow_and_update();
        let go = match now {
            Way::Open => kept.len(),
            Way::Held => 0,
            Way::ThoseHeld(count) => count.min(kept.len()),
        };
        for piece in kept.drain(..go) {
            *held.lock().expect("sound") -= 1;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        if matches!(now, Way::ThoseHeld(_)) {
            // Never again.
            while matches!(from.read(&mut piece).await, Ok(1..)) {}
            return;
        }
        tokio::select! {
            read = from.read(&mut piece) => match read {
                Ok(count @ 1..) => {
                    *held.lock().expect("sound") += 1;
                    kept.push(piece[..count].to_vec());
                }
                _ => return,
            },
            changed = way.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
