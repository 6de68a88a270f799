//! The options of the store in a cluster of etcd.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::usage::UsageError;

// How a cluster of etcd is reached. This is no doc comment: clap would take it for the program's description.
#[derive(Debug, Args)]
#[command(next_help_heading = "A store that several servers share (--store etcd:PREFIX)")]
pub(super) struct EtcdOptions {
    /// Client URLs of all members of the cluster, with commas between them, as in https://a:2379,https://b:2379
    #[arg(long, value_name = "URLS", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    pub(super) etcd_endpoints: Vec<String>,
    /// Certificate authority of the members in PEM: needed for https, and the only one that is trusted
    #[arg(long, value_name = "FILE")]
    pub(super) etcd_ca: Option<PathBuf>,
    /// Certificate in PEM that this server shows to the members
    #[arg(long, value_name = "FILE")]
    pub(super) etcd_cert: Option<PathBuf>,
    /// Private key of --etcd-cert in PEM
    #[arg(long, value_name = "FILE")]
    pub(super) etcd_key: Option<PathBuf>,
    /// User of etcd, who may read and write the keys that begin with PREFIX/
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) etcd_user: Option<String>,
    /// File whose first line is the password of --etcd-user
    #[arg(long, value_name = "FILE")]
    pub(super) etcd_password: Option<PathBuf>,
    /// Make this server's config the one that all servers are to have, at its start and at each SIGHUP. A server with another
    /// config is not ready. For one server, which gets a new config last
    #[arg(long)]
    pub(super) set_cluster_config: bool,
}

impl EtcdOptions {
    /// Whether what is given fits together, and to whether the store is there at all.
    pub(super) fn check(&self, is_store: bool) -> Result<(), UsageError> {
        let error = |text: &str| Err(UsageError::new(text.to_owned()));
        if !is_store {
            let given = [
                ("--etcd-endpoints", !self.etcd_endpoints.is_empty()),
                ("--etcd-ca", self.etcd_ca.is_some()),
                ("--etcd-cert", self.etcd_cert.is_some()),
                ("--etcd-user", self.etcd_user.is_some()),
                ("--set-cluster-config", self.set_cluster_config),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((option, _)) => error(&format!("{option} needs --store etcd:PREFIX")),
                None => Ok(()),
            };
        }
        if self.etcd_endpoints.is_empty() {
            return error("--store etcd:PREFIX needs --etcd-endpoints URLS");
        }
        if self.etcd_ca.is_none() && self.etcd_endpoints.iter().any(|one| one.starts_with("https://")) {
            return error("--etcd-endpoints with https needs --etcd-ca FILE");
        }
        Ok(())
    }
}

/// How long the start waits for members that do not answer: they may be starting, too.
#[cfg(feature = "etcd")]
const PATIENCE: core::time::Duration = core::time::Duration::from_secs(10);

/// Before they are asked again.
#[cfg(feature = "etcd")]
const PAUSE: core::time::Duration = core::time::Duration::from_millis(250);

/// Opens the store.
#[cfg(feature = "etcd")]
pub(super) fn open(
    options: &EtcdOptions,
    prefix: &str,
    trail: Option<&crate::audit::Trail>,
) -> Result<crate::store::EtcdStore, super::NotStarted> {
    use etcd_kv::Endpoint;
    use tracing::info;

    use crate::store::{EtcdStore, NotOpened};

    let endpoints = options.etcd_endpoints.iter().map(|one| one.parse::<Endpoint>().map_err(|error| error.to_string()));
    let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
    let client = client(options)?;
    let began = std::time::Instant::now();
    let store = loop {
        // This is a thread that may wait.
        let opening = async {
            let store = EtcdStore::open(endpoints.clone(), prefix, client.clone()).await?;
            match trail {
                None => Ok(store),
                Some(trail) => store.audited(trail.clone()).await,
            }
        };
        match tokio::runtime::Handle::current().block_on(opening) {
            Ok(store) => break store,
            Err(NotOpened::Wrong(reason)) => return Err(format!("the store in etcd: {reason}").into()),
            Err(NotOpened::AtPresent(reason)) => {
                if began.elapsed() >= PATIENCE {
                    return Err(super::NotStarted::at_present(format!("the store in etcd: {reason}")));
                }
                std::thread::sleep(PAUSE);
            }
        }
    };
    info!(target: "recording", prefix, sessions = store.len(), "store opened");
    Ok(if options.set_cluster_config { store.setting_config() } else { store })
}

/// Reads the files of certificates, keys and the password again, and has new connections use them.
#[cfg(feature = "etcd")]
pub(super) fn renewal(
    options: &std::sync::Arc<super::options::Options>,
    store: &crate::store::EtcdStore,
) -> super::Renewal {
    use tracing::{error, info, warn};

    let (options, clients) = (std::sync::Arc::clone(options), store.clients());
    std::sync::Arc::new(move || {
        let options = &options.etcd;
        if options.etcd_ca.is_none() && options.etcd_password.is_none() {
            return;
        }
        match client(options) {
            Ok(new) => {
                for client in &clients {
                    client.renew(new.tls.clone(), new.credentials.clone());
                }
                info!(target: "recording", "certificates and password for etcd read again: new connections use them");
            }
            Err(reason) => {
                error!(target: "recording", "bad certificate, key or password for etcd: {reason}");
                warn!(target: "recording", "the old ones stay in force for etcd");
                return;
            }
        }
        // What is open is not closed for that, so a member that does not accept them would be noticed much later.
        let [client, _] = clients.clone();
        let trying = async move {
            let mut tries = tokio::task::JoinSet::new();
            for endpoint in 0..client.endpoints().count() {
                let client = client.clone();
                tries.spawn(async move { client.try_out(endpoint).await });
            }
            let mut accepted = 0;
            while let Some(tried) = tries.join_next().await {
                match tried {
                    Ok(Ok(())) => accepted += 1,
                    Ok(Err(error)) => {
                        let text =
                            "a member of etcd does not accept the new certificates or password, or does not answer";
                        warn!(target: "recording", reason = error.to_string(), "{text}");
                    }
                    Err(error) => {
                        warn!(target: "recording", reason = error.to_string(), "a member of etcd was not tried");
                    }
                }
            }
            if accepted == 0 {
                let text = "no member of etcd accepts the new certificates or password: requests go on by connections that are \
                            open, and fail when these end";
                error!(target: "recording", "{text}");
            }
        };
        // This is a thread that may wait.
        tokio::runtime::Handle::current().block_on(trying);
    })
}

/// How the cluster is asked, by the files as they are now.
#[cfg(feature = "etcd")]
fn client(options: &EtcdOptions) -> Result<etcd_kv::Options, String> {
    use etcd_kv::{Credentials, Options, Tls};

    use crate::place;

    let read =
        |file: &PathBuf| place::read(file).map_err(|error| format!("{}: cannot be read: {error}", file.display()));
    let file = |file: &Option<PathBuf>| file.as_ref().map(read).transpose();
    let tls = match (file(&options.etcd_ca)?, file(&options.etcd_cert)?, file(&options.etcd_key)?) {
        (None, ..) => None,
        (Some(authorities), Some(certificate), Some(key)) => {
            Some(Tls::new(&authorities, Some((&certificate, &key))).map_err(|error| format!("etcd: {error}"))?)
        }
        (Some(authorities), ..) => Some(Tls::new(&authorities, None).map_err(|error| format!("etcd: {error}"))?),
    };
    let credentials = match (&options.etcd_user, file(&options.etcd_password)?) {
        (Some(user), Some(password)) => {
            let password =
                String::from_utf8(password).map_err(|_| "--etcd-password: its file is not UTF-8".to_owned())?;
            let password = password.lines().next().unwrap_or_default().to_owned();
            Some(Credentials { user: user.clone(), password })
        }
        _ => None,
    };
    Ok(Options { tls, credentials, ..Options::default() })
}
