//! TLS with client certificates.

use std::fs;
use std::path::Path;

use etcd_kv::messages::WatchCreateRequest;
use etcd_kv::{Kind, Options, Outcome, Tls};
use etcd_members::{Cluster, Setup, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{client, client_of, get, patient, put};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::new(vec![]).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("an authority")
}

fn issue(authority: &Authority, name: &str, usage: &[ExtendedKeyUsagePurpose]) -> (String, String) {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    parameters.extended_key_usages = usage.to_vec();
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.signed_by(&key, authority).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

struct Secured {
    cluster: Cluster,
    authority: String,
    client: (String, String),
    folder: TempDir,
}

fn secured() -> Secured {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let folder = TempDir::new().expect("a folder");
    let authority = authority();
    // etcd asks itself, too, with the same certificate.
    let server = issue(&authority, "127.0.0.1", &[ServerAuth, ClientAuth]);
    let client = issue(&authority, "client", &[ClientAuth]);
    let write = |name: &str, text: &str| {
        let path = Path::join(folder.path(), name);
        fs::write(&path, text).expect("written");
        path
    };
    let tls = TlsFiles {
        authority: write("ca.pem", &authority.pem()),
        certificate: write("server.pem", &server.0),
        key: write("server.key", &server.1),
        client_certificate: write("client.pem", &client.0),
        client_key: write("client.key", &client.1),
    };
    let cluster = Cluster::start(1, &Setup { tls: Some(tls), ..Setup::default() }).expect("a member");
    Secured { cluster, authority: authority.pem(), client, folder }
}

fn tls(authority: &str, identity: Option<&(String, String)>) -> Options {
    let identity = identity.map(|(certificate, key)| (certificate.as_bytes(), key.as_bytes()));
    let tls = Tls::new(authority.as_bytes(), identity).expect("TLS");
    Options { tls: Some(tls), total: core::time::Duration::from_millis(500), ..patient() }
}

#[tokio::test]
async fn a_client_with_a_certificate_is_served() {
    // The members read their files at each connection.
    let Secured { cluster, authority, client: identity, folder: _folder } = secured();
    let client = client(&cluster, Options { total: patient().total, ..tls(&authority, Some(&identity)) });
    put(&client, "a", "1").await.expect("written");
    assert_eq!(get(&client, "a").await.expect("read").expect("a key").value, "1");
    let mut watch = client.watch(WatchCreateRequest::prefix("a", 1)).await.expect("a watch");
    assert_eq!(watch.next().await.expect("news").events.len(), 1);
    let (state, outline) =
        (client.status(0).await.expect("a state"), client.outline(0, "a").await.expect("an outline"));
    assert_eq!(outline.version, state.version);
}

#[tokio::test]
async fn who_does_not_trust_or_is_not_trusted_gets_nothing() {
    let Secured { cluster, authority: ours, client: identity, folder: _folder } = secured();
    let stranger = authority();
    let strange = issue(&stranger, "client", &[ExtendedKeyUsagePurpose::ClientAuth]);
    for (what, options) in [
        ("no certificate", tls(&ours, None)),
        ("another authority's certificate", tls(&ours, Some(&strange))),
        ("another authority is trusted", tls(&stranger.pem(), Some(&identity))),
        ("no authority", Options { tls: None, ..tls(&ours, None) }),
    ] {
        let client = client(&cluster, options);
        let error = get(&client, "a").await.expect_err(what);
        assert!(matches!(error.kind(), Kind::Connect | Kind::Lost), "{what}: {error:?}");
    }
    // Of a change, too: with TLS 1.3 a client learns only afterwards that its certificate is refused.
    let untrusted = put(&client(&cluster, tls(&stranger.pem(), Some(&identity))), "a", "1").await.expect_err("no TLS");
    assert_eq!((untrusted.kind(), untrusted.outcome()), (Kind::Connect, Outcome::NotDone), "{untrusted}");
    let plain = [cluster.endpoint(0).replace("https", "http")];
    assert!(get(&client_of(&plain, tls(&ours, Some(&identity))), "a").await.is_err());
    // And the other way round, with the name of another host.
    let other_name = [cluster.endpoint(0).replace("127.0.0.1", "localhost")];
    let error = get(&client_of(&other_name, tls(&ours, Some(&identity))), "a").await.expect_err("another name");
    assert!(error.to_string().contains("localhost"), "{error}");
}
