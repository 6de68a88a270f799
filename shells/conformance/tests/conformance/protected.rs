//! A server that wants TLS and tokens, as ours does wherever others can reach it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed};
use recording_server::auth::FromFile;
use recording_server::auth::guard::Guard;
use recording_server::auth::tokens::make;
use recording_server::net::{Tls, TlsFiles};
use recording_server::server::Protection;
use recording_testkit::plan::Plan;
use tokio::runtime::Runtime;

use crate::ours::serve_protected;

/// Files of this test alone.
struct Files(PathBuf);

impl Files {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn over_tls_with_tokens() {
    let files = Files(std::env::temp_dir().join(format!("recording-conformance-tls-{}", std::process::id())));
    std::fs::create_dir_all(&files.0).unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = files.write("server.crt", &cert.pem());
    let key = files.write("server.key", &KeyPair::serialize_pem(&signing_key));
    let tls = || Some(Arc::new(Tls::load(TlsFiles { certificate: certificate.clone(), key: key.clone() }).unwrap()));
    let guard = |name: &str| {
        let made = make(name).unwrap();
        let tokens = FromFile::load(files.write(&format!("{name}.tokens"), &made.line)).unwrap();
        let token = files.write(&format!("{name} token"), &format!("{}\n", made.token));
        (Arc::new(Guard { tokens: Some(tokens), ..Guard::default() }), token)
    };
    let ((api_guard, api_token), (admin_guard, admin_token)) = (guard("api"), guard("admin"));
    let runtime = Runtime::new().unwrap();
    let protection = Protection { api_tls: tls(), admin_tls: tls(), api: api_guard, admin: admin_guard };
    let (api, admin) = serve_protected(&runtime, &Plan::full(), protection);

    let api = format!("https://localhost:{}", api.port());
    let hub = format!("{api}/attendantservice/hubs/recording");
    let admin = format!("https://localhost:{}", admin.port());
    let [ca, token, admin_token] = [&certificate, &api_token, &admin_token].map(|file| file.to_str().unwrap());
    let hub = ["--hub", &hub];
    let run = |ca: &str, token: &str, more: &[&str]| {
        let json = files.0.join("report.json");
        let output = Command::new(env!("CARGO_BIN_EXE_recording-conformance"))
            .args(["--url", &api, "--admin", &admin, "--ucc", "ucc-open", "--cases", "40"])
            .args(["--ca", ca, "--token", token, "--admin-token", admin_token, "--seed", "1"])
            .args(["--json", json.to_str().unwrap()])
            .args(more)
            .output()
            .unwrap();
        let report =
            std::fs::read(&json).map_or(serde_json::Value::Null, |json| serde_json::from_slice(&json).unwrap());
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), told, report)
    };
    let (code, told, _) = run(ca, token, &hub);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("11-event              OURS    held"), "{told}");

    // Its UCC is said to refuse repeats, which it does not: so there is something to repeat by hand, and it is repeated.
    let (code, told, report) = run(ca, token, &["--repeats-refused"]);
    assert_eq!(code, Some(1), "{told}");
    let divergence = &report["divergences"][0];
    let mut last = String::new();
    for command in divergence["requests"].as_array().unwrap() {
        let output = Command::new("sh").args(["-c", command.as_str().unwrap()]).output().unwrap();
        last = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let body = last.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(divergence["got"], format!("200 {body}"), "{last}");

    // A certificate that is not trusted, and a client without a good token.
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let other = files.write("other.crt", &other);
    let (code, told, _) = run(other.to_str().unwrap(), token, &[]);
    assert!(code == Some(2) && told.contains("certificate") && told.lines().count() == 1, "{told}");
    for more in [&[][..], &hub] {
        let (code, told, _) = run(ca, admin_token, more);
        assert!(code == Some(2) && told.contains("401") && told.lines().count() == 1, "{told}");
    }
}

/// Frequent mistakes, each reported in words that help.
#[test]
fn what_is_no_tls_or_no_servers_certificate() {
    let runtime = Runtime::new().unwrap();
    let (plain, _) = serve_protected(&runtime, &Plan::full(), Protection::default());
    let files = Files(std::env::temp_dir().join(format!("recording-conformance-ca-{}", std::process::id())));
    std::fs::create_dir_all(&files.0).unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signing_key = KeyPair::generate().unwrap();
    let certificate = files.write("ca.crt", &parameters.self_signed(&signing_key).unwrap().pem());
    let key = files.write("ca.key", &signing_key.serialize_pem());
    let tls = Some(Arc::new(Tls::load(TlsFiles { certificate: certificate.clone(), key }).unwrap()));
    let (authority, _) = serve_protected(&runtime, &Plan::full(), Protection { api_tls: tls, ..Protection::default() });
    let mut other = CertificateParams::new(["localhost".to_owned()]).unwrap();
    other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let other = files.write("other.crt", &other.self_signed(&KeyPair::generate().unwrap()).unwrap().pem());
    let cases = [
        (plain.port(), &certificate, "no TLS is spoken there"),
        // Another authority's certificate, and the server's own, which is believed: then it is the API that is looked for.
        (authority.port(), &other, "certificate of an authority"),
        (authority.port(), &certificate, "there is no such UCC"),
    ];
    for (port, ca, words) in cases {
        let url = format!("https://localhost:{port}");
        let output = Command::new(env!("CARGO_BIN_EXE_recording-conformance"))
            .args(["--url", &url, "--admin", &url, "--ca", ca.to_str().unwrap()])
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && told.contains(words) && told.lines().count() == 1,
            "{words}: {told}"
        );
    }
}
