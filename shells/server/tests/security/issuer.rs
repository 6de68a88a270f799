//! An issuer that is asked for its keys over TLS, with an authority of its own, on a thread of its own: the test that waits for
//! a line of the log does not keep it waiting. And a proxy that leads to it.

use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, mpsc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::process::File;

/// The name that the certificate is for, next to `localhost`.
pub const NAME: &str = "issuer.test";

pub const DOCUMENT: &str = "/realm/.well-known/openid-configuration";
const KEYS: &str = "/realm/keys";

/// What it does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Answers as it should.
    Right,
    /// Closes the connection before it has answered.
    Closes,
    /// Answers nothing.
    Waits,
    /// A document that goes on for ever.
    Endless,
    /// A page of a proxy, with status 200.
    Page,
    /// Status 500.
    Fails,
    /// A redirect to itself.
    Circle,
    /// A redirect to where there is no TLS.
    LeadsOut,
    /// The document of another issuer.
    IsAnother,
    /// Keys without TLS.
    PlainKeys,
    /// A JWKS without a key.
    NoKeys,
    /// A JWKS whose only keys are for encryption.
    OtherKeys,
    /// A JWKS with a private key.
    Private,
}

pub struct State {
    pub does: Does,
    /// The JWKS.
    pub keys: Value,
    /// The paths that it was asked for.
    pub asked: Vec<String>,
}

/// An issuer of keys.
pub struct KeyServer {
    pub url: String,
    pub ca: File,
    pub state: Arc<Mutex<State>>,
    port: u16,
    _end: oneshot::Sender<()>,
}

impl KeyServer {
    /// Its files' names begin with `name`. Its URL has `host`, which leads to it only through a proxy unless it is `localhost`.
    pub fn start(name: &str, host: &str, keys: Value) -> Self {
        let (acceptor, ca) = certified();
        let state = Arc::new(Mutex::new(State { does: Does::Right, keys, asked: Vec::new() }));
        let shared = Arc::clone(&state);
        let host = host.to_owned();
        let (port, url, end) = on_a_thread(async move |listener: TcpListener, said| {
            let port = listener.local_addr().unwrap().port();
            let url = if host == "localhost" {
                format!("https://localhost:{port}/realm")
            } else {
                format!("https://{host}/realm")
            };
            let _ = said.send((port, url.clone()));
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state, url) = (acceptor.clone(), Arc::clone(&shared), url.clone());
                tokio::spawn(async move { answer(&mut acceptor.accept(stream).await?, &state, &url).await });
            }
        });
        Self { url, ca: File::new(&format!("{name}.ca"), &ca), state, port, _end: end }
    }

    pub fn does(&self, does: Does) {
        self.state.lock().unwrap().does = does;
    }

    pub fn has(&self, keys: Value) {
        self.state.lock().unwrap().keys = keys;
    }

    /// How often it was asked for its document since this was last asked.
    pub fn times(&self) -> usize {
        let asked = core::mem::take(&mut self.state.lock().unwrap().asked);
        asked.iter().filter(|path| *path == DOCUMENT).count()
    }

    /// A proxy that every name leads to this issuer through; its URL, and the heads that it saw.
    pub fn proxy(&self) -> Proxy {
        let to = self.port;
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let (port, _, end) = on_a_thread(async move |listener: TcpListener, said| {
            let _ = said.send((listener.local_addr().unwrap().port(), String::new()));
            while let Ok((mut stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let head = head(&mut stream).await?;
                    seen.lock().unwrap().push(head);
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                    copy_bidirectional(&mut stream, &mut TcpStream::connect(("127.0.0.1", to)).await?).await
                });
            }
        });
        Proxy { url: format!("http://operator:password@127.0.0.1:{port}"), heads, _end: end }
    }
}

pub struct Proxy {
    pub url: String,
    pub heads: Arc<Mutex<Vec<String>>>,
    _end: oneshot::Sender<()>,
}

/// Serves on a port of its own until what is returned last is dropped.
fn on_a_thread<F, W>(serve: F) -> (u16, String, oneshot::Sender<()>)
where
    F: FnOnce(TcpListener, mpsc::Sender<(u16, String)>) -> W + Send + 'static,
    W: Future<Output = ()>,
{
    let (said, heard) = mpsc::channel();
    let (end, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tokio::select! { () = serve(listener, said) => {} _ = ended => {} }
        });
    });
    let (port, url) = heard.recv().unwrap();
    (port, url, end)
}

/// What speaks TLS, and the certificate of the authority that vouches for it.
fn certified() -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&key).unwrap().pem();
    let authority = rcgen::Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([NAME.to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), state: &Mutex<State>, url: &str) -> io::Result<()> {
    let head = head(stream).await?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (does, mut keys) = {
        let mut state = state.lock().unwrap();
        state.asked.push(path.clone());
        (state.does, state.keys.clone())
    };
    let ok = |kind: &str, body: &str| {
        format!("200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let found = |to: &str| format!("302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let host = url.strip_prefix("https://").unwrap_or_default();
    let document =
        |issuer: &str, keys: &str| ok("application/json", &json!({"issuer": issuer, "jwks_uri": keys}).to_string());
    let rest = match (does, path.as_str()) {
        (Does::Closes, _) => return Ok(()),
        (Does::Waits, _) => {
            sleep(Duration::from_secs(600)).await;
            return Ok(());
        }
        (Does::Endless, _) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"issuer\":\"").await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        (Does::Page, _) => ok("text/html", "<html>Sign in</html>"),
        (Does::Fails, _) => "500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(),
        (Does::Circle, path) => found(path),
        (Does::LeadsOut, path) => found(&format!("http://localhost{path}")),
        (Does::IsAnother, DOCUMENT) => document(&format!("{url}/"), &format!("{url}/keys")),
        (Does::PlainKeys, DOCUMENT) => document(url, &format!("http://{host}/keys")),
        (_, DOCUMENT) => document(url, &format!("{url}/keys")),
        (_, KEYS) => {
            match does {
                Does::NoKeys => keys = json!({"keys": []}),
                Does::OtherKeys => keys = json!({"keys": [keys["keys"][3]]}),
                Does::Private => keys["keys"][0]["d"] = json!("AQAB"),
                _ => {}
            }
            ok("application/json", &keys.to_string())
        }
        _ => "404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    stream.write_all(format!("HTTP/1.1 {rest}").as_bytes()).await?;
    stream.flush().await?;
    // One request for each connection.
    stream.shutdown().await
}
