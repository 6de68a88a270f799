//! Tells a service manager how far the server is: the protocol of `sd_notify(3)`.
//!
//! Best effort, as the log: where there is no manager, or it does not listen, nothing is said. It never waits, which is why
//! this is no library: theirs send on a socket that may block.

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It serves: after the start, and after a reload.
    Ready,
    /// It reads its files again.
    Reloading,
    /// It is on its way out.
    Stopping,
}

impl Stage {
    const fn message(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1\n",
            Self::Reloading => b"RELOADING=1\n",
            Self::Stopping => b"STOPPING=1\n",
        }
    }
}

/// Says it to the manager that started this process, if one did.
pub(super) fn say(stage: Stage) {
    #[cfg(unix)]
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        let _ = send(&socket, stage.message());
    }
    #[cfg(not(unix))]
    let _ = stage.message();
}

#[cfg(unix)]
fn send(socket: &std::ffi::OsStr, message: &[u8]) -> std::io::Result<usize> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let address = match socket.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to_addr(message, &address)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[test]
    fn both_kinds_of_address_are_reached_and_a_full_one_does_not_hold_it_up() -> std::io::Result<()> {
        let name = format!("recording-notify-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let _ = std::fs::remove_file(&path);
        let abstract_name = SocketAddr::from_abstract_name(&name)?;
        for (address, receiver) in [
            (path.clone().into_os_string(), UnixDatagram::bind(&path)?),
            (format!("@{name}").into(), UnixDatagram::bind_addr(&abstract_name)?),
        ] {
            for stage in [Stage::Ready, Stage::Reloading, Stage::Stopping] {
                send(&address, stage.message())?;
                let mut message = [0; 64];
                let length = receiver.recv(&mut message)?;
                assert_eq!(message.get(..length), Some(stage.message()));
            }
            // Nothing is read any more: at some time it is full, and says so.
            assert!((0..100_000).any(|_| send(&address, b"READY=1\n").is_err()));
        }
        std::fs::remove_file(path)
    }
}
