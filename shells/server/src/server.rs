//! Both listeners together.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::DropGuard;
use tracing::{error, info, warn};

use crate::api::Api;
use crate::audit::Trail;
use crate::auth::Guard;
use crate::net::{Acceptor, Limits, Named, Tls, bind};
use crate::service::Service;
use crate::store::Store;
use crate::{admin, agents_watch, hub, recorder};

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// For the recording API.
    pub api: SocketAddr,
    /// For call control and operations.
    pub admin: SocketAddr,
}

/// What stands between the network and the listeners. By default nothing does.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// TLS for the recording API.
    pub api_tls: Option<Arc<Tls>>,
    /// TLS for the admin's requests: the same certificate, or none.
    pub admin_tls: Option<Arc<Tls>>,
    /// Who may call the recording API.
    pub api: Arc<Guard>,
    /// Who may call the admin's requests.
    pub admin: Arc<Guard>,
}

impl Protection {
    /// Reads all its files again. One that is bad changes nothing, and the log says so.
    pub fn reload(&self) {
        if let Some(tls) = self.api_tls.as_ref().or(self.admin_tls.as_ref()) {
            let file = tls.files().certificate.display();
            match tls.reload() {
                Ok(()) => info!(target: "recording", %file, "certificate read again"),
                Err(error) => {
                    error!(target: "recording", "bad certificate: {error}");
                    warn!(target: "recording", %file, "the old certificate stays in force");
                }
            }
        }
        self.api.reload();
        self.admin.reload();
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Running<S> {
    addresses: Addresses,
    service: Arc<Service<S>>,
    protection: Protection,
    /// A server that is dropped without having been stopped ends, too.
    _end: DropGuard,
    /// What must live: first those that accept connections, which end when the server stops.
    parts: Vec<JoinHandle<()>>,
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct StartError {
    /// The option that it comes from.
    pub option: &'static str,
    /// Which one.
    pub address: SocketAddr,
    /// Why not.
    pub source: io::Error,
}

impl StartError {
    const fn new(option: &'static str, address: SocketAddr, source: io::Error) -> Self {
        Self { option, address, source }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, address, .. } = self;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                let another = SocketAddr::new(address.ip(), address.port().checked_add(8).unwrap_or(8088));
                write!(f, "cannot listen on {address}: the port is taken; choose another one, as in {option} {another}")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "cannot listen on {address}: this machine has no such address")
            }
            io::ErrorKind::PermissionDenied => write!(f, "cannot listen on {address}: that is not permitted"),
            _ => write!(f, "cannot listen on {address}: {}", self.source),
        }
    }
}

impl core::error::Error for StartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Starts both listeners, or none, without protection: any client that can reach them may call.
///
/// # Errors
///
/// If one of the addresses cannot be listened on.
pub async fn start<S: Store>(
    service: Arc<Service<S>>,
    addresses: Addresses,
    limits: Limits,
) -> Result<Running<S>, StartError> {
    start_protected(service, addresses, limits, Protection::default()).await
}

/// Starts both listeners, or none.
///
/// # Errors
///
/// If one of the addresses cannot be listened on.
pub async fn start_protected<S: Store>(
    service: Arc<Service<S>>,
    addresses: Addresses,
    limits: Limits,
    protection: Protection,
) -> Result<Running<S>, StartError> {
    let bound = async |address| match bind(address).await {
        Ok(listener) => listener.local_addr().map(|local| (listener, local)),
        Err(error) => Err(error),
    };
    let (api, api_address) =
        bound(addresses.api).await.map_err(|source| StartError::new("--listen", addresses.api, source))?;
    let (admin, admin_address) =
        bound(addresses.admin).await.map_err(|source| StartError::new("--admin", addresses.admin, source))?;

    let health = Arc::clone(service.health());
    // Before the first change can be made.
    let pass_on = hub::pass_on(service.events().backlog(), service.hub().clone());
    let pass_on = tokio::spawn(health.vital("the task that passes events on to listeners", pass_on));
    let sweeper = health.vital("the task that ends connections that no listener uses", service.hub().sweeper());
    let sweeper = tokio::spawn(sweeper);
    let writer = tokio::spawn(health.vital("the thread that writes the store", service.store().ended()));
    let trail = service.trail().map(Trail::is_gone);
    let trail = trail.map(|gone| tokio::spawn(health.vital("the thread that writes the audit trail", gone)));
    let recorders = health.vital("the task that drives recorders", recorder::supervise(Arc::clone(&service)));
    let recorders = tokio::spawn(recorders);
    let agents = health.vital("the task that looks at files of agents", agents_watch::watch(Arc::clone(&service)));
    let agents = tokio::spawn(agents);
    // What a receiver asks after a post is accepted: both ports are bound.
    service.webhooks().begin();
    if let Some(issuer) = protection.api.issuer() {
        service.with_issuer(Arc::clone(issuer.standing()));
        // It must not end the server: what it cannot do shows in the answers to those who need it.
        drop(tokio::spawn(Arc::clone(issuer).run(health.end().clone())));
    }
    let (tasks, end) = (service.tasks(), health.end());
    let api_handler = Api::new(Arc::clone(&service), &protection.api);
    let admin_router = Arc::clone(&protection.admin).before_admin(admin::router(Arc::clone(&service)), admin::is_open);
    let api_handler = Named::new(api_handler, protection.api.hosts_at(api_address.ip()));
    let admin_handler = Named::new(admin_router, protection.admin.hosts_at(admin_address.ip()));
    let api = Acceptor::new(api_handler, limits, protection.api_tls.clone(), tasks.clone(), end.clone()).run(api);
    let admin =
        Acceptor::new(admin_handler, limits, protection.admin_tls.clone(), tasks.clone(), end.clone()).run(admin);
    Ok(Running {
        addresses: Addresses { api: api_address, admin: admin_address },
        service,
        protection,
        _end: end.clone().drop_guard(),
        parts: [
            tokio::spawn(health.vital("the task that accepts connections for the API", api)),
            tokio::spawn(health.vital("the task that accepts connections for the admin", admin)),
            pass_on,
            sweeper,
            writer,
            recorders,
            agents,
        ]
        .into_iter()
        .chain(trail)
        .collect(),
    })
}

impl<S: Store> Running<S> {
    /// Where it listens: with the ports that the system chose, if it was asked to.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What it serves.
    #[must_use]
    pub const fn service(&self) -> &Arc<Service<S>> {
        &self.service
    }

    /// What stands before it.
    #[must_use]
    pub const fn protection(&self) -> &Protection {
        &self.protection
    }

    /// Waits until something has ended that must live as long as the server does, and gives its name. Until then, and
    /// usually for ever, nothing; after that the server is [unhealthy](Service::healthy) and should be stopped.
    pub async fn lost(&self) -> &'static str {
        self.service.health().until_lost().await
    }

    /// Stops accepting, closes idle connections, and finishes what is in flight, for at most `grace`. Says whether
    /// everything was finished. In what is left of `grace`, webhooks get the events that wait for them, if they take them.
    pub async fn stop(self, grace: Duration) -> bool {
        self.service.ending();
        // Whoever listens is told to come back, and finds nobody until the next server is there.
        self.service.hub().close();
        let service = Arc::clone(&self.service);
        let until = Instant::now() + grace;
        let finished = async {
            for listener in self.parts.into_iter().take(2) {
                // It only ends; if it has panicked, that is known.
                let _ = listener.await;
            }
            self.service.tasks().close();
            self.service.tasks().wait().await;
        };
        let is_finished = timeout_at(until, finished).await.is_ok();
        // After the last change. What is left then has no effect on what is returned: it is best effort.
        let _ = timeout_at(until, service.webhooks().drain()).await;
        service.webhooks().abandon();
        is_finished
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::demo;
    use crate::store::MemoryStore;

    /// Whichever of them ends, it is named, and the server is unhealthy; when the server ends, nothing is.
    #[tokio::test]
    async fn each_part_that_must_live_is_watched() -> Result<(), StartError> {
        let parts = [
            "the task that accepts connections for the API",
            "the task that accepts connections for the admin",
            "the task that passes events on to listeners",
            "the task that ends connections that no listener uses",
            "the thread that writes the store",
            "the task that drives recorders",
            "the task that looks at files of agents",
        ];
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for (at, part) in parts.into_iter().enumerate() {
            let service = Arc::new(Service::new(demo::directory(), MemoryStore::new()));
            let running = start(service, Addresses { api: any, admin: any }, Limits::default()).await?;
            assert_eq!(running.service.healthy(), Ok(()));
            if let Some(task) = running.parts.get(at) {
                task.abort();
            }
            assert_eq!(running.lost().await, part);
            assert!(running.service.healthy().is_err() && running.service.ready().await.is_err());
        }
        let service = Arc::new(Service::new(demo::directory(), MemoryStore::new()));
        let running = start(Arc::clone(&service), Addresses { api: any, admin: any }, Limits::default()).await?;
        assert!(running.stop(Duration::from_secs(20)).await);
        assert_eq!(service.healthy(), Ok(()));
        Ok(())
    }

    /// No listener outlives the value that it belongs to, and none counts as lost for that.
    #[tokio::test]
    async fn a_server_that_is_dropped_ends() -> Result<(), StartError> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let service = Arc::new(Service::new(demo::directory(), MemoryStore::new()));
        let running = start(Arc::clone(&service), Addresses { api: any, admin: any }, Limits::default()).await?;
        let Addresses { api, admin } = running.addresses();
        drop(running);
        for address in [api, admin] {
            let closed = async {
                while tokio::net::TcpStream::connect(address).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            assert!(timeout(Duration::from_secs(20), closed).await.is_ok());
        }
        assert_eq!(service.healthy(), Ok(()));
        Ok(())
    }
}
