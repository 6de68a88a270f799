//! What is written, without a disk that fails: that is tried with the program, in `tests/security/init.rs`.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

use super::certificate::Certificate;
use super::{CONFIG_TEXT, InitOptions, quoted};
use crate::config;

const DAY: Duration = Duration::from_secs(86_400);

fn options(hosts: &[&str], days: u32) -> InitOptions {
    InitOptions {
        dir: "unused".into(),
        host: hosts.iter().map(|host| ServerName::try_from((*host).to_owned()).unwrap()).collect(),
        tls_cert: None,
        tls_key: None,
        days,
        listen: ([0, 0, 0, 0], 8443).into(),
    }
}

/// A client that trusts the certificate takes it for each of its names, while it is valid, and for nothing else.
#[test]
fn the_certificate_is_for_its_names_and_its_time() {
    let now = SystemTime::now();
    let options = options(&["Recording.example", "192.0.2.7", "localhost", "xn--gre-hoa.example"], 30);
    let made = |options: &InitOptions| match Certificate::make(options, now).unwrap() {
        Certificate::Made { certificate, names, .. } => {
            (CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap(), names)
        }
        Certificate::Given(_) => panic!("one was made"),
    };
    let (certificate, names) = made(&options);
    assert_eq!(names, ["Recording.example", "192.0.2.7", "localhost", "xn--gre-hoa.example", "127.0.0.1", "::1"]);
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let taken = |certificate: &CertificateDer<'_>, name: &str, at: SystemTime| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).unwrap());
        client.verify_server_cert(certificate, &[], &name, &[], at).map(drop)
    };
    for name in names.iter().map(String::as_str).chain(["recording.EXAMPLE"]) {
        assert_eq!(taken(&certificate, name, now), Ok(()), "{name}");
    }
    for name in ["example", "a.recording.example", "recording.example.org", "192.0.2.8", "127.0.0.2", "::2"] {
        let error = taken(&certificate, name, now).unwrap_err();
        assert!(matches!(error, Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })), "{error}");
    }
    assert_eq!(taken(&certificate, "localhost", now + 29 * DAY), Ok(()));
    let error = taken(&certificate, "localhost", now + 31 * DAY).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })), "{error}");
    let error = taken(&certificate, "localhost", now - DAY).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::NotValidYetContext { .. })), "{error}");
    // Another one for the same names is none that this client trusts.
    assert!(taken(&made(&options).0, "localhost", now).is_err());
}

/// A line that is off, without its mark.
fn turned_on(line: &str) -> &str {
    let option = |line: &&str| line.starts_with(|char: char| char.is_ascii_lowercase() || char == '[');
    line.strip_prefix('#').filter(option).unwrap_or(line)
}

/// Each option of the config is explained there: all of them are good together, and no key is left out.
#[test]
fn the_config_has_every_key_and_what_is_off_can_be_turned_on() {
    assert_eq!(config::parse(CONFIG_TEXT).map(|directory| (directory.len(), directory.agents())), Ok((1, 1)));
    let all: String = CONFIG_TEXT.lines().flat_map(|line| [turned_on(line), "\n"]).collect();
    let directory = config::parse(&all).unwrap();
    assert_eq!((directory.len(), directory.recorders().len(), directory.webhooks().len()), (1, 2, 1));
    let written: BTreeSet<_> = all.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let ucc = "[[ucc]]\nname = \"x\"\n";
    let recorder = "[[recorder]]\nname = \"x\"\nkind = ";
    let webhook = "[[webhook]]\nname = \"x\"\n".to_owned();
    for text in [ucc.to_owned(), format!("{recorder}\"http\"\n"), format!("{recorder}\"rtpengine\"\n"), webhook] {
        let errors = config::parse(&format!("{text}none = 1\n")).unwrap_err();
        let keys = errors.iter().find_map(|error| error.reason.split_once("these are: ")).unwrap().1;
        // What hardly any config has is in the pages of recorders and webhooks.
        let rare = ["self_test", "can_pause", "give_up_ms", "queue_bytes", "parallel", "max_age_seconds"];
        for key in keys.split(", ").filter(|key| !rare.contains(key)) {
            assert!(written.contains(key), "{key} is not in the config that init writes");
        }
    }
}

#[test]
fn a_path_is_one_word_of_a_shell() {
    for path in
        ["/etc/recording-server", "a b", "it's", "$(id)", "a\"b", "-x", "~", "a;b", "*", "größe", "a\nb", "'", ""]
    {
        let script = format!("printf %s {}", quoted(path.as_ref()));
        let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
        assert_eq!(String::from_utf8(said).unwrap(), path);
    }
}
