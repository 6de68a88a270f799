//! Connections that are open.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use recording_server::net::Limits;
use recording_server::server::{self, Addresses};

use crate::measure::{Cpu, Outcome, Thing, tried};
use crate::store::one_service;

pub(crate) const THINGS: &[Thing] = &[
    Thing { one: "a connection, opened and used", usual: 20, each: true, time: opened },
    Thing { one: "a request among so many connections", usual: 20, each: false, time: used },
    Thing { one: "a connection, in the place of another one", usual: 40, each: true, time: in_place_of_another },
];

fn exchange(stream: &mut TcpStream) -> Outcome<()> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer)?;
    if answer.get(..count).is_some_and(|answer| answer.ends_with(b"}")) { Ok(()) } else { Err("no answer".into()) }
}

fn open(address: SocketAddr) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    exchange(&mut stream)?;
    Ok(stream)
}

/// Work with a server that takes so many connections.
fn with_server(connections: usize, work: impl FnOnce(SocketAddr) -> Outcome<Duration>) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = runtime.block_on(async {
        let limits = Limits { connections, ..Limits::default() };
        Ok::<_, Box<dyn core::error::Error>>(
            server::start(one_service().await?, Addresses { api: any, admin: any }, limits).await?,
        )
    })?;
    let done = work(running.addresses().admin);
    runtime.block_on(running.stop(Duration::from_secs(10)));
    done
}

fn opened(number: usize) -> Outcome<Duration> {
    tried(|| {
        with_server(number, |address| {
            let began = Cpu::now();
            let open: Outcome<Vec<_>> = (0..number).map(|_| open(address)).collect();
            let elapsed = began.elapsed();
            open?;
            Ok(elapsed)
        })
    })
}

fn used(number: usize) -> Outcome<Duration> {
    const REQUESTS: u32 = 500;
    with_server(number, |address| {
        let open: Outcome<Vec<_>> = (0..number).map(|_| open(address)).collect();
        let mut open = open?;
        let stream = open.last_mut().ok_or("none")?;
        let least = tried(|| {
            let began = Cpu::now();
            for _ in 0..REQUESTS {
                exchange(stream)?;
            }
            Ok(began.elapsed())
        })?;
        Ok(least / REQUESTS)
    })
}

fn in_place_of_another(number: usize) -> Outcome<Duration> {
    with_server(number, |address| {
        let open_all = || (0..number).map(|_| open(address)).collect::<Outcome<Vec<_>>>();
        let mut before = open_all()?;
        tried(|| {
            let began = Cpu::now();
            let after = open_all()?;
            let elapsed = began.elapsed();
            // All of them have lost their places to these.
            before = after;
            Ok(elapsed)
        })
    })
}
