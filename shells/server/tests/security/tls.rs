//! TLS, and the HTTP that was agreed on inside.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use recording_core::State;
use recording_server::hub::{self, EventCase};
use recording_server::net::{Limits, Tls, TlsFiles};
use recording_server::server::{Protection, Running as Server, start_protected};
use recording_server::service::Service;
use recording_server::store::{MemoryStore, Store};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::certificates::Certificate;
use crate::process::{File, Running, refuses};
use crate::support::{
    Client, ID, PATIENCE, SET_PATH, STATE_PATH, any_port, directory, get, key, once, request, set, set_body, stored,
};

pub const HTTP_1_1: &[u8] = b"http/1.1";
pub const HTTP_2: &[u8] = b"h2";

/// The world of the samples behind TLS.
pub async fn world(certificate: &Certificate, limits: Limits) -> Server<MemoryStore> {
    world_listening(certificate, limits, signalr_hub::HubOptions::default()).await
}

/// The same, with a hub that grants other things.
pub async fn world_listening(
    certificate: &Certificate,
    limits: Limits,
    options: signalr_hub::HubOptions,
) -> Server<MemoryStore> {
    let service = Service::new(directory(&["ucc-demo-name"]), MemoryStore::new());
    let service = Arc::new(service.with_hub(hub::new(EventCase::Pascal, options)));
    let _ = service.store().begin(&key("ucc-demo-name", ID), State::INITIAL).await.unwrap();
    let files = TlsFiles { certificate: certificate.certificate.path().into(), key: certificate.key.path().into() };
    let tls = Arc::new(Tls::load(files).unwrap());
    let protection = Protection { api_tls: Some(Arc::clone(&tls)), admin_tls: Some(tls), ..Protection::default() };
    start_protected(service, any_port(), limits, protection).await.unwrap()
}

pub async fn tls(
    certificate: &Certificate,
    running: &Server<MemoryStore>,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let stream = Client::connect(running.addresses().api).await.stream;
    certificate.try_connect(stream, protocols).await.unwrap()
}

#[tokio::test]
async fn both_listeners_speak_http_1_over_tls() {
    let certificate = Certificate::new("both");
    let running = world(&certificate, Limits::default()).await;
    // A client that names no protocol, or only the old one, gets the old one.
    for protocols in [&[][..], &[HTTP_1_1]] {
        let stream = tls(&certificate, &running, protocols).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), protocols.first().copied());
        let mut client = Client::over(stream);
        for action in ["Start", "Pause"] {
            assert_eq!(client.exchange(&set(&format!("\"{action}\""))).await.status, 200);
        }
        assert_eq!(client.exchange(&get("/nowhere")).await.status, 404);
        assert_eq!(client.exchange(b"nonsense\r\n\r\n").await.error(2), "This is not a request that HTTP/1.1 allows.");
        client.ended_in_order().await;
    }
    assert_eq!(stored(&running).await.recording(), recording_core::state::RecordingState::Paused);
    let admin = Client::connect(running.addresses().admin).await.stream;
    let mut admin = Client::over(certificate.try_connect(admin, &[]).await.unwrap());
    assert_eq!(admin.exchange(&get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn plain_http_is_told_to_use_tls() {
    let certificate = Certificate::new("plain");
    let running = world(&certificate, Limits::default()).await;
    for bytes in [get(STATE_PATH), set("3"), b"G".to_vec(), request("PUT", "/x", &[], &[b'x'; 60_000])] {
        let mut client = Client::connect(running.addresses().api).await;
        client.send(&bytes).await;
        let response = client.receive().await;
        assert_eq!((response.status, response.closes()), (400, true));
        assert_eq!(response.error(2), "This port speaks TLS: use https.");
        client.ended_in_order().await;
    }
    // What is neither gets no HTTP.
    let mut client = Client::connect(running.addresses().api).await;
    client.send(b"\0\0\0\0\0\0\0\0").await;
    let mut reply = Vec::new();
    let end = tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut reply);
    let _ = timeout(PATIENCE, end).await.unwrap();
    assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
    // A client of another protocol, or one that trusts somebody else, does not get through either.
    let stream = Client::connect(running.addresses().api).await.stream;
    assert!(certificate.try_connect(stream, &[b"smtp"]).await.is_err());
    let stream = Client::connect(running.addresses().api).await.stream;
    assert!(Certificate::new("stranger").try_connect(stream, &[]).await.is_err());
}

/// A handshake that does not come is given up as a head is, and one that trickles in, too.
#[tokio::test]
async fn a_handshake_has_the_time_of_a_request() {
    const SHORT: Duration = Duration::from_millis(400);
    let certificate = Certificate::new("slow");
    let running = world(&certificate, Limits { request: SHORT, ..Limits::default() }).await;
    let address = running.addresses().api;
    let begin = Instant::now();
    let silent = async {
        Client::connect(address).await.ended().await;
    };
    let trickle = async {
        let (mut read, mut write) = Client::connect(address).await.stream.into_split();
        let trickling = tokio::spawn(async move {
            // The begin of a handshake record, and then a byte now and then.
            let record = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[7; 500]].concat();
            for byte in record {
                if tokio::io::AsyncWriteExt::write_all(&mut write, &[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut reply = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut reply);
        let _ = timeout(PATIENCE, read).await.expect("cut");
        trickling.abort();
    };
    // The handshake done, but no request: its time has run since the connection was there.
    let no_request = async {
        let mut client = Client::over(tls(&certificate, &running, &[HTTP_1_1]).await);
        let mut end = [0; 1];
        let read = tokio::io::AsyncReadExt::read(&mut client.stream, &mut end);
        assert!(!matches!(timeout(PATIENCE, read).await.expect("cut"), Ok(1)));
    };
    tokio::join!(silent, trickle, no_request);
    assert!(begin.elapsed() >= SHORT && begin.elapsed() < 20 * SHORT, "{:?}", begin.elapsed());
}

/// An HTTP/2 client of the plainest kind.
pub struct Http2 {
    pub send: h2::client::SendRequest<Bytes>,
    connection: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub async fn over(stream: TlsStream<TcpStream>) -> Self {
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(HTTP_2));
        let (send, connection) = timeout(PATIENCE, h2::client::handshake(stream)).await.unwrap().unwrap();
        Self { send, connection: tokio::spawn(connection) }
    }

    pub async fn exchange(
        &mut self,
        request: hyper::Request<()>,
        body: &str,
    ) -> (hyper::http::response::Parts, String) {
        let (response, mut stream) = self.send.send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            stream.send_data(Bytes::from(body.to_owned()), true).unwrap();
        }
        answer(response).await.unwrap()
    }

    /// Waits for the server's end of the connection.
    pub async fn ended(self) -> Result<(), h2::Error> {
        drop(self.send);
        timeout(PATIENCE, self.connection).await.unwrap().unwrap()
    }
}

pub async fn answer(response: h2::client::ResponseFuture) -> Result<(hyper::http::response::Parts, String), h2::Error> {
    let (parts, mut body) = timeout(PATIENCE, response).await.unwrap()?.into_parts();
    let mut text = Vec::new();
    while let Some(data) = timeout(PATIENCE, body.data()).await.unwrap() {
        text.extend_from_slice(&data?);
    }
    Ok((parts, String::from_utf8(text).unwrap()))
}

pub fn get_2(path: &str) -> hyper::Request<()> {
    hyper::Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

pub fn set_2() -> hyper::Request<()> {
    let uri = format!("https://localhost{SET_PATH}");
    hyper::Request::post(uri).header("content-type", "application/json").body(()).unwrap()
}

#[tokio::test]
async fn http_2_gets_the_same_answers() {
    let certificate = Certificate::new("http2");
    let running = world(&certificate, Limits::default()).await;
    let mut old = Client::over(tls(&certificate, &running, &[HTTP_1_1]).await);
    let mut new = Http2::over(tls(&certificate, &running, &[HTTP_2, HTTP_1_1]).await).await;
    for path in [STATE_PATH, "/nowhere", "/", SET_PATH, "/attendantservice/api/recording/capabilities/ucc-demo-name"] {
        let expected = old.exchange(&get(path)).await;
        let (parts, body) = new.exchange(get_2(path), "").await;
        assert_eq!((parts.status.as_u16(), body), (expected.status, expected.body.clone()), "{path}");
        for (name, value) in expected.headers.iter().filter(|(name, _)| name != "date") {
            assert_eq!(parts.headers[name], value.as_str(), "{name}");
        }
    }
    let (parts, body) = new.exchange(set_2(), &set_body("\"Start\"")).await;
    assert_eq!((parts.status.as_u16(), body), (200, old.exchange(&get(STATE_PATH)).await.body));
    let (parts, _) = new.exchange(set_2(), &" ".repeat(3000)).await;
    assert_eq!(parts.status.as_u16(), 413);
    // Many at once.
    let many: Vec<_> = (0..50).map(|_| new.send.send_request(get_2(STATE_PATH), true).unwrap().0).collect();
    for response in many {
        assert_eq!(answer(response).await.unwrap().0.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn an_http_2_connection_that_is_idle_or_stopped_ends() {
    let certificate = Certificate::new("idle2");
    let limits = Limits { request: Duration::from_secs(5), idle: Duration::from_millis(400), ..Limits::default() };
    let running = world(&certificate, limits).await;
    let mut client = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
    let (parts, _) = client.exchange(get_2(STATE_PATH), "").await;
    assert_eq!(parts.status.as_u16(), 200);
    let begin = Instant::now();
    let kept = client.send.clone();
    // With a farewell: it is no error.
    client.ended().await.unwrap();
    drop(kept);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());

    // A body that does not come: 408 after its time, though the connection is not idle.
    let limits = Limits { request: Duration::from_millis(400), ..Limits::default() };
    let running = world(&certificate, limits).await;
    let mut client = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
    let (response, stream) = client.send.send_request(set_2(), false).unwrap();
    let (parts, body) = answer(response).await.unwrap();
    assert_eq!(parts.status.as_u16(), 408, "{body}");
    drop(stream);

    // What is in flight when the server stops is finished.
    let running = world(&certificate, Limits::default()).await;
    let mut client = Http2::over(tls(&certificate, &running, &[HTTP_2]).await).await;
    let (response, mut stream) = client.send.send_request(set_2(), false).unwrap();
    // That this is answered tells that the other one is there.
    assert_eq!(client.exchange(get_2("/nowhere"), "").await.0.status.as_u16(), 404);
    let stopping = tokio::spawn(running.stop(PATIENCE));
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.send_data(set_body("\"Start\"").into(), true).unwrap();
    let (parts, body) = answer(response).await.unwrap();
    assert_eq!(parts.status.as_u16(), 200, "{body}");
    client.ended().await.unwrap();
    assert!(stopping.await.unwrap());

    // HTTP/1.1 by TLS ends with TLS's own word for it; without it a read would be an error.
    let running = world(&certificate, Limits { idle: Duration::from_millis(400), ..Limits::default() }).await;
    let mut client = Client::over(tls(&certificate, &running, &[HTTP_1_1]).await);
    assert_eq!(client.exchange(&get(STATE_PATH)).await.status, 200);
    client.ended_in_order().await;
}

#[tokio::test]
async fn sighup_takes_a_new_certificate_and_keeps_the_old_one_if_it_is_bad() {
    let mut certificate = Certificate::new("renewed");
    let mut running = Running::start(&certificate.options());
    let connect = async |certificate: &Certificate| {
        let stream = Client::connect(running.api).await.stream;
        certificate.try_connect(stream, &[]).await.map(Client::over)
    };
    let mut before = connect(&certificate).await.unwrap();
    assert_eq!(before.exchange(&get(STATE_PATH)).await.status, 200);
    // Without --admin-tls the other port stays as it is.
    assert_eq!(once(running.admin, &get("/healthz")).await.status, 200);

    certificate.renew();
    assert!(connect(&certificate).await.is_err());
    running.signal("-HUP");
    running.logged("certificate read again");
    let connect = async |certificate: &Certificate| {
        let stream = Client::connect(running.api).await.stream;
        certificate.try_connect(stream, &[]).await.map(Client::over)
    };
    let mut after = connect(&certificate).await.unwrap();
    assert_eq!(after.exchange(&get(STATE_PATH)).await.status, 200);
    // Who was connected stays so.
    assert_eq!(before.exchange(&get(STATE_PATH)).await.status, 200);

    let good = std::fs::read(certificate.key.path()).unwrap();
    std::fs::write(certificate.key.path(), "no key").unwrap();
    running.signal("-HUP");
    let line = running.logged("bad certificate");
    assert!(line.contains(&format!("{}: no private key in PEM: there is none", certificate.key.path())), "{line}");
    running.logged("the old certificate stays in force");
    let stream = Client::connect(running.api).await.stream;
    assert!(certificate.try_connect(stream, &[]).await.is_ok());
    std::fs::write(certificate.key.path(), good).unwrap();
    running.signal("-HUP");
    running.logged("certificate read again");
}

#[test]
fn bad_files_are_one_line_and_code_2() {
    let certificate = Certificate::new("bad-files");
    let other = Certificate::new("bad-files-other");
    let (cert, key) = (certificate.certificate.path(), certificate.key.path());
    let refuses = |cert: &str, key: &str, line: String| refuses(&["--tls-cert", cert, "--tls-key", key], &line);
    let missing = format!("{cert}.not");
    let cannot = format!("{missing}: cannot be read: No such file or directory (os error 2)");
    refuses(&missing, key, cannot.clone());
    refuses(cert, &missing, cannot);
    let exchanged = "are certificate and key exchanged?";
    refuses(key, key, format!("{key}: holds a private key and no certificate: {exchanged}"));
    refuses(cert, cert, format!("{cert}: holds a certificate and no private key: {exchanged}"));
    let nothing = File::new("nothing.pem", "# nothing\n");
    let nothing = nothing.path();
    refuses(nothing, key, format!("{nothing}: no certificate in PEM: there is none"));
    refuses(cert, nothing, format!("{nothing}: no private key in PEM: there is none"));
    let mismatch = format!("{}: is not the key of the certificate in {cert}", other.key.path());
    refuses(cert, other.key.path(), mismatch);
    let broken = File::new("broken.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    refuses(broken.path(), key, format!("{}:1: a section does not end", broken.path()));
    let no_der = File::new("no-der.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let damaged = "this certificate is damaged: lines are missing, twice or changed";
    refuses(no_der.path(), key, format!("{}:1: {damaged}", no_der.path()));
}

/// A chain in which one certificate is not quite there: it is reported, and what was in force stays so.
#[tokio::test]
async fn no_certificate_of_a_chain_is_lost_without_a_word() {
    let mut certificate = Certificate::new("chain");
    let leaf = std::fs::read_to_string(certificate.certificate.path()).unwrap();
    let leaf = leaf.as_str();
    let (other, key) = Certificate::pem();
    let not_quite =
        "is not quite a BEGIN or END line of PEM: each has its own line, five dashes on either side, and nothing else";
    let lines = leaf.lines().count();
    let (end, next) = (lines, lines + 1);
    let labelled = |label: &str| other.replace(" CERTIFICATE", &format!(" {label}"));
    let unknown = |label: &str| {
        format!("{next}: a section of '{label}' is not understood: `openssl x509` makes a 'CERTIFICATE' of it")
    };
    let begin = |with: &str| format!("{leaf}{}", other.replace("-----BEGIN", with));
    let damaged = |line: usize| format!("{line}: this certificate is damaged: lines are missing, twice or changed");
    let without = |number: usize| {
        let other: Vec<&str> =
            other.lines().enumerate().filter(|(at, _)| *at != number).map(|(_, line)| line).collect();
        format!("{leaf}{}\n", other.join("\n"))
    };
    let cases = [
        (format!("{}{other}", leaf.trim_end()), format!("{end}: {not_quite}")),
        (format!("{leaf}{}", labelled("TRUSTED CERTIFICATE")), unknown("TRUSTED CERTIFICATE")),
        (format!("{leaf}{}", labelled("X509 CERTIFICATE")), unknown("X509 CERTIFICATE")),
        (begin(" -----BEGIN"), format!("{next}: {not_quite}")),
        (begin("----BEGIN"), format!("{next}: {not_quite}")),
        (begin("the second: -----BEGIN"), format!("{next}: {not_quite}")),
        (begin("\u{feff}-----BEGIN"), format!("{next}: begins with a byte order mark; PEM has none")),
        (format!("\u{feff}{leaf}{other}"), "1: begins with a byte order mark; PEM has none".to_owned()),
        (
            format!("{leaf}{}", other.replace("-----BEGIN CERTIFICATE-----\n", "")),
            format!("{next}: base64 outside of a section: is its BEGIN line lost?"),
        ),
        (
            format!("{leaf}-----BEGIN CERTIFICATE-----\n{other}"),
            format!("{}: a section begins, and that of line {next} has not ended", next + 1),
        ),
        (without(3), damaged(next)),
        (without(lines - 2), damaged(next)),
        (format!("{leaf}-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), damaged(next)),
        (format!("{leaf}{}", key.replace("PRIVATE KEY", "CERTIFICATE")), damaged(next)),
    ];
    let mut running = Running::start(&certificate.options());
    for (text, reason) in &cases {
        let file = File::new("chain-case.crt", text);
        refuses(
            &["--tls-cert", file.path(), "--tls-key", certificate.key.path()],
            &format!("{}:{reason}", file.path()),
        );
        std::fs::write(certificate.certificate.path(), text).unwrap();
        running.signal("-HUP");
        let line = running.logged("bad certificate");
        assert!(line.contains(reason), "{line}");
        running.logged("the old certificate stays in force");
    }
    let stream = Client::connect(running.api).await.stream;
    assert!(certificate.try_connect(stream, &[]).await.is_ok());
    // A whole one is taken, with text between and lines that end as on other systems.
    for text in [
        format!("{leaf}{other}"),
        format!("subject=CN = a\n{leaf}\n# the next\n{other}"),
        format!("{leaf}{other}").replace('\n', "\r\n"),
    ] {
        std::fs::write(certificate.certificate.path(), text).unwrap();
        running.signal("-HUP");
        running.logged("certificate read again");
        let stream = Client::connect(running.api).await.stream;
        let stream = certificate.try_connect(stream, &[]).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().map(<[_]>::len), Some(2));
    }
    certificate.renew();
}

/// A key of the directory `keys`, which OpenSSL made: by `genpkey -algorithm`, the second P-521 by `ecparam -genkey`, and
/// the encrypted ones by `pkcs8 -topk8` and by `pkey -traditional -aes128`. They protect nothing.
fn unusable(name: &str) -> String {
    format!("{}/tests/security/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

/// Keys that are there and cannot be used are called by their names.
#[test]
fn a_key_that_cannot_be_used_is_named() {
    let certificate = Certificate::new("kinds");
    let cert = certificate.certificate.path();
    let usable = "RSA of 2048 to 4096 bits, P-256, P-384 and Ed25519 can";
    for (name, kind) in [
        ("p521", "an EC key on P-521"),
        ("secp256k1", "an EC key on secp256k1"),
        ("p521_sec1", "an EC key on P-521"),
        ("rsa_1024", "an RSA key of 1024 bits"),
        ("ed448", "an Ed448 key"),
    ] {
        let key = unusable(name);
        refuses(&["--tls-cert", cert, "--tls-key", &key], &format!("{key}: {kind} cannot be used; {usable}"));
    }
    let encrypted = "1: the private key is encrypted, and nobody is asked for its passphrase: write it without one, as by `openssl pkey`";
    for name in ["encrypted_pkcs8", "encrypted_traditional"] {
        let key = unusable(name);
        refuses(&["--tls-cert", cert, "--tls-key", &key], &format!("{key}:{encrypted}"));
    }
    let plain = certificate.key.path();
    let text = std::fs::read_to_string(plain).unwrap();
    let twice = File::new("twice.key", &format!("{text}{text}"));
    refuses(
        &["--tls-cert", cert, "--tls-key", twice.path()],
        &format!("{}: holds 2 private keys: which one is meant?", twice.path()),
    );
}
