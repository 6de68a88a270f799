//! A network in front of a recorder that loses, doubles, delays and reorders datagrams.

use anyhow::Result;
use core::{
    cmp::Reverse,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};
use fastrand::Rng;
use std::{
    collections::{BinaryHeap, HashMap},
    net::UdpSocket,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

/// How long a socket is waited for before the end is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// What happens to datagrams, both ways. Shares are of 1.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Never arrive.
    pub dropped: f64,
    /// Arrive twice, each after a time of its own.
    pub doubled: f64,
    /// Arrive after `short` or `long`; the others arrive at once.
    pub delayed: f64,
    /// Of those that are delayed, the share that takes long.
    pub late: f64,
    /// The longest of the usual delays.
    pub short: Duration,
    /// The longest of all: under 10 s, which is what the way to a recorder is assumed to take at most.
    pub long: Duration,
    /// Makes the same choices in each run.
    pub seed: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// All that came.
    pub datagrams: u64,
    /// Lost.
    pub dropped: u64,
    /// Sent twice.
    pub doubled: u64,
    /// Sent later.
    pub delayed: u64,
}

/// A datagram on its way.
struct Flying {
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    bytes: Vec<u8>,
}

struct Shared {
    weather: Weather,
    random: Mutex<Rng>,
    /// By the time at which they arrive and the order in which they came.
    flying: Mutex<BinaryHeap<Reverse<(Instant, u64)>>>,
    bodies: Mutex<HashMap<u64, Flying>>,
    next: AtomicU64,
    dropped: AtomicU64,
    doubled: AtomicU64,
    delayed: AtomicU64,
    datagrams: AtomicU64,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The network. Dropped, it passes nothing on any more.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl core::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Proxy {
    /// A network in front of an address.
    ///
    /// # Errors
    ///
    /// If there is no socket.
    pub fn start(to: SocketAddr, weather: Weather) -> Result<Self> {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        front.set_read_timeout(Some(LOOK))?;
        let address = front.local_addr()?;
        let shared = Arc::new(Shared {
            weather,
            random: Mutex::new(Rng::with_seed(weather.seed)),
            flying: Mutex::default(),
            bodies: Mutex::default(),
            next: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            datagrams: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let forward = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || forward(&shared, &front, to))
        };
        let deliver = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || deliver(&shared))
        };
        Ok(Self { address, shared, threads: vec![forward, deliver] })
    }

    /// Where clients send to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let shared = &self.shared;
        Passed {
            datagrams: read(&shared.datagrams),
            dropped: read(&shared.dropped),
            doubled: read(&shared.doubled),
            delayed: read(&shared.delayed),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Takes what clients send, with a socket towards the recorder for each of them.
fn forward(shared: &Arc<Shared>, front: &Arc<UdpSocket>, to: SocketAddr) {
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = [0; 65_536];
    let mut returning = Vec::new();
    while !shared.is_over.load(Ordering::Relaxed) {
        let Ok((length, from)) = front.recv_from(&mut buffer) else { continue };
        let back = if let Some(back) = clients.get(&from) {
            Arc::clone(back)
        } else {
            let Ok(back) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { continue };
            let _ = back.set_read_timeout(Some(LOOK));
            let back = Arc::new(back);
            clients.insert(from, Arc::clone(&back));
            let (shared, front, own) = (Arc::clone(shared), Arc::clone(front), Arc::clone(&back));
            returning.push(thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while !shared.is_over.load(Ordering::Relaxed) {
                    if let Ok((length, _)) = own.recv_from(&mut buffer) {
                        shared.pass(&front, from, &buffer[..length]);
                    }
                }
            }));
            back
        };
        shared.pass(&back, to, &buffer[..length]);
    }
    for thread in returning {
        let _ = thread.join();
    }
}

impl Shared {
    /// Decides what becomes of a datagram.
    fn pass(&self, socket: &Arc<UdpSocket>, to: SocketAddr, bytes: &[u8]) {
        self.datagrams.fetch_add(1, Ordering::Relaxed);
        let mut random = lock(&self.random);
        if random.f64() < self.weather.dropped {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let copies = if random.f64() < self.weather.doubled {
            self.doubled.fetch_add(1, Ordering::Relaxed);
            2
        } else {
            1
        };
        for _ in 0..copies {
            let delay = self.delay(&mut random);
            if delay.is_zero() {
                let _ = socket.send_to(bytes, to);
                continue;
            }
            self.delayed.fetch_add(1, Ordering::Relaxed);
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            lock(&self.bodies).insert(number, Flying { socket: Arc::clone(socket), to, bytes: bytes.to_vec() });
            lock(&self.flying).push(Reverse((Instant::now() + delay, number)));
        }
    }

    fn delay(&self, random: &mut Rng) -> Duration {
        if random.f64() >= self.weather.delayed {
            return Duration::ZERO;
        }
        let longest = if random.f64() < self.weather.late { self.weather.long } else { self.weather.short };
        longest.mul_f64(random.f64())
    }
}

/// Sends on what was delayed, when its time has come.
fn deliver(shared: &Shared) {
    while !shared.is_over.load(Ordering::Relaxed) {
        let now = Instant::now();
        let mut wait = Duration::from_millis(1);
        loop {
            let mut flying = lock(&shared.flying);
            let Some(&Reverse((due, number))) = flying.peek() else { break };
            if due > now {
                wait = wait.min(due - now);
                break;
            }
            flying.pop();
            drop(flying);
            if let Some(datagram) = lock(&shared.bodies).remove(&number) {
                let _ = datagram.socket.send_to(&datagram.bytes, datagram.to);
            }
        }
        thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Weather = Weather {
        dropped: 0.0,
        doubled: 0.0,
        delayed: 0.0,
        late: 0.0,
        short: Duration::from_millis(30),
        long: Duration::from_millis(60),
        seed: 7,
    };

    /// Sends numbers to an echo through a network. Gives what comes back.
    fn echoed(weather: Weather, count: u8) -> Result<(Vec<u8>, Passed)> {
        let echo = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        echo.set_read_timeout(Some(Duration::from_millis(500)))?;
        let proxy = Proxy::start(echo.local_addr()?, weather)?;
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        client.connect(proxy.address())?;
        client.set_read_timeout(Some(Duration::from_millis(500)))?;
        let echoing = thread::spawn(move || {
            let mut buffer = [0; 16];
            while let Ok((length, from)) = echo.recv_from(&mut buffer) {
                let _ = echo.send_to(&buffer[..length], from);
            }
        });
        for number in 0..count {
            client.send(&[number])?;
            thread::sleep(Duration::from_millis(1));
        }
        let mut got = Vec::new();
        let mut buffer = [0; 16];
        while let Ok(length) = client.recv(&mut buffer) {
            got.extend_from_slice(&buffer[..length]);
        }
        let _ = echoing.join();
        Ok((got, proxy.passed()))
    }

    #[test]
    fn in_clear_weather_all_arrives_once_and_in_order() -> Result<()> {
        let (got, passed) = echoed(CLEAR, 50)?;
        assert_eq!(got, (0..50).collect::<Vec<_>>());
        assert_eq!(passed, Passed { datagrams: 100, ..Passed::default() });
        Ok(())
    }

    #[test]
    fn what_is_dropped_and_doubled_is_counted() -> Result<()> {
        let (got, passed) = echoed(Weather { dropped: 0.3, doubled: 0.3, ..CLEAR }, 100)?;
        assert!(passed.dropped > 0 && passed.doubled > 0, "{passed:?}");
        // Each way is counted: what went out and was not lost came back or was lost then.
        let out_and_back = passed.datagrams - passed.dropped + passed.doubled;
        assert_eq!(out_and_back, passed.datagrams - 100 + got.len() as u64, "{passed:?}");
        Ok(())
    }

    #[test]
    fn delays_reorder_and_lose_nothing() -> Result<()> {
        let (mut got, passed) = echoed(Weather { delayed: 0.5, late: 0.2, ..CLEAR }, 100)?;
        assert!(passed.delayed > 0);
        assert!(!got.is_sorted(), "nothing was overtaken");
        got.sort_unstable();
        assert_eq!(got, (0..100).collect::<Vec<_>>());
        Ok(())
    }
}
