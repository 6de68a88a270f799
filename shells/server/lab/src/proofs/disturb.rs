//! What goes wrong while calls are paused.

use anyhow::Result;
use core::time::Duration;
use fastrand::Rng;
use recording_lab::{
    Rtpengine,
    calls::Progress,
    drive::ByServer,
    proxy::{Passed, Proxy, Weather},
    server::Server,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    None,
    /// The server is killed (SIGKILL) and started again on its store.
    ServerKilled,
    /// rtpengine is killed (SIGKILL) and started again, and has lost all calls.
    RecorderKilled,
    /// rtpengine is frozen (SIGSTOP) until just after an agent asked for a Start.
    RecorderFrozen,
    /// Datagrams to rtpengine and back are lost, doubled, delayed and reordered.
    Network,
    /// The same network, and the server is killed and rtpengine frozen in turns. A recorder that is killed is not in it: what is
    /// delayed across its restart is outside what is assumed.
    Together,
}

impl Disturbance {
    pub(super) const fn has_bad_network(self) -> bool {
        matches!(self, Self::Network | Self::Together)
    }

    /// How long a run takes at least, so that it happens often enough.
    pub(super) const fn shortest(self) -> Duration {
        Duration::from_secs(match self {
            Self::None => 0,
            Self::RecorderFrozen | Self::Network => 8,
            Self::RecorderKilled => 12,
            Self::ServerKilled | Self::Together => 16,
        })
    }
}

pub(super) const fn weather(seed: u64) -> Weather {
    Weather {
        dropped: 0.1,
        doubled: 0.1,
        delayed: 0.3,
        late: 0.05,
        short: Duration::from_millis(120),
        long: Duration::from_secs(3),
        seed,
    }
}

/// Disturbs until it is time to end; all programs work again then. Gives how often it did.
pub(super) fn go(
    disturbance: Disturbance,
    progress: &Progress,
    daemon: &mut Rtpengine,
    mut server: Option<(&mut Server, &ByServer)>,
    seed: u64,
) -> Result<u32> {
    let mut random = Rng::with_seed(seed ^ 0xd157);
    let mut wait = |from: u64, to: u64| Duration::from_millis(random.u64(from..to));
    let mut times = 0;
    // Everything is at work first.
    progress.wait(Duration::from_millis(500));
    while !progress.is_over() {
        match disturbance {
            Disturbance::None | Disturbance::Network => {
                progress.wait(Duration::from_millis(50));
                continue;
            }
            Disturbance::Together if times % 2 == 1 => {
                progress.wait(wait(50, 600));
                freeze(progress, daemon, wait(50, 800))?;
            }
            Disturbance::ServerKilled | Disturbance::Together => {
                // A server tests its recorder for two seconds before it has it record. It is killed in that time too.
                progress.wait(if times % 3 == 2 { wait(100, 1000) } else { wait(2500, 4500) });
                if let Some((server, driver)) = &mut server {
                    server.kill();
                    progress.wait(wait(0, 50));
                    server.restart()?;
                    driver.moved(server.addresses());
                }
            }
            Disturbance::RecorderKilled => {
                progress.wait(wait(2000, 4000));
                daemon.kill();
                progress.wait(wait(0, 300));
                daemon.restart()?;
                progress.recorder_restarted();
            }
            Disturbance::RecorderFrozen => {
                progress.wait(wait(50, 600));
                freeze(progress, daemon, wait(50, 1200))?;
            }
        }
        times += 1;
    }
    Ok(times)
}

/// Freezes the daemon for a while, and then until just after a Start was asked for, if one is.
fn freeze(progress: &Progress, daemon: &Rtpengine, time: Duration) -> Result<()> {
    daemon.freeze()?;
    progress.wait(time);
    let before = progress.starts();
    let mut left = 300;
    while progress.starts() == before && left > 0 && !progress.is_over() {
        progress.wait(Duration::from_millis(1));
        left -= 1;
    }
    progress.wait(Duration::from_millis(10));
    daemon.thaw()
}

/// For people, after the counts.
pub(super) fn described(disturbance: Disturbance, times: u32, proxy: Option<&Proxy>) -> String {
    match disturbance {
        Disturbance::None => String::new(),
        Disturbance::ServerKilled => format!("; the server was killed {times} times"),
        Disturbance::RecorderKilled => format!("; rtpengine was killed {times} times"),
        Disturbance::RecorderFrozen => format!("; rtpengine was frozen {times} times"),
        Disturbance::Network | Disturbance::Together => {
            let Passed { datagrams, dropped, doubled, delayed } = proxy.map(Proxy::passed).unwrap_or_default();
            let in_turns = match disturbance {
                Disturbance::Together => format!("the server was killed or rtpengine frozen {times} times; "),
                _ => String::new(),
            };
            format!("; {in_turns}of {datagrams} datagrams {dropped} were dropped, {doubled} doubled, {delayed} delayed")
        }
    }
}
