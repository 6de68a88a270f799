//! The links between servers and members, each of which can be cut: in one direction or in both.

use anyhow::Result;
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, sleep};

/// One server's link to one member: a port that is connected to the member's.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    to_member: Arc<AtomicBool>,
    to_server: Arc<AtomicBool>,
}

impl Link {
    /// A link that lets everything through.
    pub(crate) fn to(member: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let link = Self { address: listener.local_addr()?, to_member: Arc::default(), to_server: Arc::default() };
        let (to_member, to_server) = (link.to_member.clone(), link.to_server.clone());
        // It ends with the process.
        thread::spawn(move || {
            for server in listener.incoming().map_while(Result::ok) {
                let Ok(member) = TcpStream::connect(member) else { continue };
                let (Ok(back), Ok(forth)) = (member.try_clone(), server.try_clone()) else { continue };
                let (to_member, to_server) = (to_member.clone(), to_server.clone());
                thread::spawn(move || carry(server, member, &to_member));
                thread::spawn(move || carry(back, forth, &to_server));
            }
        });
        Ok(link)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing through: connections stay, and what is sent waits, as on a network that loses every packet.
    pub(crate) fn cut(&self, both: bool) {
        self.to_server.store(true, Ordering::Relaxed);
        self.to_member.store(both, Ordering::Relaxed);
    }

    /// Lets everything through again, also what was sent meanwhile.
    pub(crate) fn heal(&self) {
        self.to_server.store(false, Ordering::Relaxed);
        self.to_member.store(false, Ordering::Relaxed);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let _ = (to.set_nodelay(true), from.set_read_timeout(Some(Duration::from_millis(100))));
    let mut part = [0; 16 * 1024];
    loop {
        let count = match from.read(&mut part) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        while is_cut.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(20));
        }
        if to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_link_keeps_what_is_sent() -> Result<()> {
        let member = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let link = Link::to(member.local_addr()?)?;
        let mut server = TcpStream::connect(link.address())?;
        server.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (mut member, _) = member.accept()?;
        let mut byte = [0];
        server.write_all(b"a")?;
        member.read_exact(&mut byte)?;
        link.cut(false);
        // To the member it is open, back it is not.
        server.write_all(b"b")?;
        member.read_exact(&mut byte)?;
        member.write_all(b"c")?;
        server.set_read_timeout(Some(Duration::from_millis(300)))?;
        assert!(server.read(&mut byte).is_err());
        link.heal();
        server.set_read_timeout(Some(Duration::from_secs(30)))?;
        server.read_exact(&mut byte)?;
        assert_eq!(&byte, b"c");
        Ok(())
    }
}
