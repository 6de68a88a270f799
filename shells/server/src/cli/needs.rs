//! Which options need which others.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::usage::UsageError;

/// Which option needs all of which others, in the order in which they are reported.
const ALL: [(&str, &[&str]); 15] = [
    ("etcd_cert", &["etcd_key"]),
    ("etcd_key", &["etcd_cert"]),
    ("etcd_user", &["etcd_password"]),
    ("etcd_password", &["etcd_user"]),
    ("audit_max_bytes", &["audit"]),
    ("audit_keep", &["audit"]),
    ("audit_reads", &["audit"]),
    ("tls_cert", &["tls_key"]),
    ("tls_key", &["tls_cert"]),
    ("admin_tls", &["tls_cert", "tls_key"]),
    ("oidc_issuer", &["jwt_audience"]),
    ("oidc_ca", &["oidc_issuer"]),
    ("oidc_max_age", &["oidc_issuer"]),
    ("jwks", &["jwt_issuer"]),
    ("jwks", &["jwt_audience"]),
];

/// Which option needs one of which others.
const ONE: [(&str, &[&str]); 5] = [
    ("jwt_issuer", &["jwks", "oidc_issuer"]),
    ("jwt_audience", &["jwks", "oidc_issuer"]),
    ("jwt_scope", &["jwks", "oidc_issuer"]),
    ("jwt_leeway", &["jwks", "oidc_issuer"]),
    ("jwt_requester_claim", &["jwks", "oidc_issuer"]),
];

/// Refuses an option without those that it needs.
pub(super) fn check(command: &clap::Command, matches: &ArgMatches) -> Result<(), UsageError> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let arg = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id);
    let long = |id: &str| arg(id).and_then(clap::Arg::get_long).unwrap_or_default().to_owned();
    let with_value = |id: &&str| {
        let value = arg(id).and_then(|arg| arg.get_value_names()?.first().cloned()).unwrap_or_default();
        format!("--{} {value}", long(id))
    };
    let refused = |option: &str, others: Vec<String>, joined: &str| {
        Err(UsageError::new(format!("--{} needs {}", long(option), others.join(joined))))
    };
    for (option, others) in ALL {
        let missing: Vec<_> = others.iter().filter(|other| !is_given(other)).map(with_value).collect();
        if is_given(option) && !missing.is_empty() {
            return refused(option, missing, " and ");
        }
    }
    for (option, others) in ONE {
        if is_given(option) && !others.iter().any(|other| is_given(other)) {
            return refused(option, others.iter().map(with_value).collect(), " or ");
        }
    }
    Ok(())
}
