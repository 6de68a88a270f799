//! Against servers that answer as the test says, some by TLS, some through a proxy.

use std::io;
use std::sync::Mutex;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

type Asked = Arc<Mutex<Vec<String>>>;

/// What a server sends after a head: bytes, some of them again and again if `endless`, and then nothing for `silent`.
#[derive(Clone, Default)]
struct Answer {
    bytes: Vec<u8>,
    is_endless: bool,
    silent: Duration,
    closes: bool,
}

fn answer(text: impl Into<String>) -> Answer {
    Answer { bytes: text.into().into_bytes(), ..Answer::default() }
}

fn ok(body: &str) -> Answer {
    answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn redirect(to: &str) -> Answer {
    answer(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).to_ascii_lowercase())
}

async fn answers(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: Asked,
    script: fn(&str) -> Answer,
) -> io::Result<()> {
    loop {
        let head = head(&mut stream).await?;
        let answer = script(head.split(' ').nth(1).unwrap_or_default());
        asked.lock().unwrap().push(head);
        stream.write_all(&answer.bytes).await?;
        if answer.is_endless {
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        if answer.closes {
            return Ok(());
        }
        sleep(answer.silent).await;
    }
}

/// A server at a port of its own: by its path, what it answers. Gives the port and the heads that it saw.
async fn server(tls: Option<&Authority>, script: fn(&str) -> Answer) -> io::Result<(u16, Asked)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (port, asked) = (listener.local_addr()?.port(), Asked::default());
    let (seen, acceptor) = (Arc::clone(&asked), tls.map(Authority::acceptor));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, acceptor) = (Arc::clone(&seen), acceptor.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => answers(stream, seen, script).await,
                    Some(acceptor) => answers(acceptor.accept(stream).await?, seen, script).await,
                }
            });
        }
    });
    Ok((port, asked))
}

/// A proxy whose every name leads to this port of this machine.
async fn proxy(leads_to: u16) -> io::Result<(u16, Asked)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (port, asked) = (listener.local_addr()?.port(), Asked::default());
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let head = head(&mut stream).await?;
                let tunnels = head.starts_with("connect ");
                seen.lock().unwrap().push(head.clone());
                let mut far = TcpStream::connect(("127.0.0.1", leads_to)).await?;
                if tunnels {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                } else {
                    far.write_all(head.as_bytes()).await?;
                }
                copy_bidirectional(&mut stream, &mut far).await
            });
        }
    });
    Ok((port, asked))
}

/// An authority of this test, and a certificate for `server.test` and `localhost` that it has signed.
struct Authority {
    pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let names = ["server.test".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        Self { pem, certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let config = config.with_single_cert(vec![self.certificate.clone()], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A client that trusts this authority alone.
    fn client(&self, name: &str, settings: Settings) -> Client {
        let file = std::env::temp_dir().join(format!("recording-outgoing-{}-{name}.pem", std::process::id()));
        std::fs::write(&file, &self.pem).unwrap();
        let client = Client::new(Settings { authorities: Authorities::File(file.clone()), ..settings });
        std::fs::remove_file(file).unwrap();
        client.unwrap()
    }
}

fn settings() -> Settings {
    Settings {
        authorities: Authorities::System,
        proxies: Proxies::none(),
        connect_within: Duration::from_secs(20),
        give_up_after: Duration::from_secs(20),
        most_bytes: 1000,
        redirects: 0,
        may_go: |_| Ok(()),
    }
}

async fn get(client: &Client, url: &str) -> Result<(u16, String), Failed> {
    let reply = client.get(url.parse().unwrap(), "application/json").await?;
    Ok((reply.status.as_u16(), String::from_utf8_lossy(&reply.body).into_owned()))
}

fn asked(asked: &Asked) -> Vec<String> {
    core::mem::take(&mut asked.lock().unwrap())
}

#[tokio::test]
async fn a_reply_is_whole_and_nothing_is_remembered() -> io::Result<()> {
    let script = |_: &str| answer("HTTP/1.1 418 I am\r\nSet-Cookie: a=b\r\nX: y\r\nContent-Length: 4\r\n\r\nbody");
    let (port, seen) = server(None, script).await?;
    let client = Client::new(settings()).unwrap();
    for _ in 0..2 {
        let reply = client.get(format!("http://127.0.0.1:{port}/a?b").parse().unwrap(), "x/y").await.unwrap();
        assert_eq!((reply.status.as_u16(), &*reply.body), (418, &b"body"[..]));
        assert_eq!(reply.headers.get("x"), Some(&HeaderValue::from_static("y")));
        let heads = asked(&seen);
        let [head] = &*heads else { panic!("{heads:?}") };
        assert!(head.starts_with("get /a?b http/1.1\r\n"), "{head}");
        for line in
            [format!("host: 127.0.0.1:{port}"), "accept: x/y".to_owned(), "user-agent: recording-server/".to_owned()]
        {
            assert!(head.contains(&format!("\r\n{line}")), "{head}");
        }
        assert!(!head.contains("cookie"), "{head}");
    }
    Ok(())
}

/// Whatever a server does, there is an end in time and a bound in bytes.
#[tokio::test]
async fn no_reply_is_too_long_or_too_late() -> io::Result<()> {
    let script = |path: &str| {
        let endless = |text: &str| Answer { is_endless: true, ..answer(text) };
        let silent = |text: &str| Answer { silent: Duration::from_secs(600), ..answer(text) };
        match path {
            "/endless" => endless("HTTP/1.1 200 OK\r\n\r\n"),
            "/promised" => ok(&" ".repeat(1001)),
            "/most" => ok(&" ".repeat(1000)),
            "/head" => endless("HTTP/1.1 200 OK\r\nX: "),
            "/nothing" => silent(""),
            "/half" => silent("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            _ => answer("SSH-2.0-OpenSSH\r\n\r\n"),
        }
    };
    let (port, _) = server(None, script).await?;
    let soon = Duration::from_millis(500);
    let client = Client::new(settings()).unwrap();
    let hasty = Client::new(Settings { give_up_after: soon, ..settings() }).unwrap();
    let at = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    for path in ["endless", "promised"] {
        let longer = Failed::Unusable("the reply is longer than 1000 bytes".to_owned());
        assert_eq!(get(&client, &at(path)).await, Err(longer), "{path}");
    }
    assert_eq!(get(&client, &at("most")).await.map(|(status, body)| (status, body.len())), Ok((200, 1000)));
    for path in ["head", "other"] {
        assert!(matches!(get(&client, &at(path)).await, Err(Failed::Unreachable(_))), "{path}");
    }
    for path in ["nothing", "half"] {
        assert_eq!(get(&hasty, &at(path)).await, Err(Failed::Late(soon)), "{path}");
    }
    Ok(())
}

/// A server that closes its connections without a word is asked again, but for nothing that could be done twice.
#[tokio::test]
async fn what_only_reads_is_sent_again() -> io::Result<()> {
    let script = |path: &str| match path {
        "/never" => Answer { closes: true, ..Answer::default() },
        _ => Answer { closes: true, ..ok("read") },
    };
    let (port, seen) = server(None, script).await?;
    let client = Client::new(settings()).unwrap();
    for _ in 0..50 {
        assert_eq!(get(&client, &format!("http://127.0.0.1:{port}/")).await, Ok((200, "read".to_owned())));
    }
    assert_eq!(asked(&seen).len(), 50);
    for (method, times) in [(Method::GET, 2), (Method::POST, 1), (Method::PUT, 1), (Method::DELETE, 1)] {
        let request = Request::builder().method(method.clone()).uri(format!("http://127.0.0.1:{port}/never"));
        let sent = client.send(request.body(Full::default()).unwrap()).await;
        assert!(matches!(sent, Err(Failed::Unreachable(_))), "{method}");
        assert_eq!(asked(&seen).len(), times, "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn redirects_are_followed_only_if_asked_and_only_so_far() -> io::Result<()> {
    let script = |path: &str| match path {
        "/0" => ok("end"),
        "/loop" => redirect("/loop"),
        "/away" => redirect("http://elsewhere.test/"),
        "/relative" => redirect("0"),
        path => redirect(&format!("/{}#part", path[1..].parse::<u32>().unwrap_or(1) - 1)),
    };
    let (port, seen) = server(None, script).await?;
    let at = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let follows = Client::new(Settings { redirects: 3, may_go: is_safe, ..settings() }).unwrap();
    assert_eq!(get(&follows, &at("3")).await, Ok((200, "end".to_owned())));
    assert_eq!(asked(&seen).len(), 4);
    assert_eq!(get(&follows, &at("4")).await, Ok((302, String::new())));
    assert_eq!(get(&follows, &at("loop")).await, Ok((302, String::new())));
    assert_eq!(asked(&seen).len(), 8);
    let away = "http://elsewhere.test/: http:// is for loopback addresses only; it takes https://";
    assert_eq!(get(&follows, &at("away")).await, Err(Failed::Unusable(away.to_owned())));
    let Err(Failed::Unusable(reason)) = get(&follows, &at("relative")).await else { panic!("a relative path") };
    assert!(reason.starts_with("a redirect to what is no URL"), "{reason}");
    let stays = Client::new(settings()).unwrap();
    assert_eq!(get(&stays, &at("3")).await, Ok((302, String::new())));
    // What was posted to one place is not posted to another, and what is shown to one place is not shown to another.
    let request = |method| {
        let request = Request::builder().method(method).uri(at("1")).header("authorization", "Bearer secret");
        request.body(Full::default()).unwrap()
    };
    let _ = asked(&seen);
    assert_eq!(follows.send(request(Method::POST)).await.map(|reply| reply.status.as_u16()), Ok(302));
    assert_eq!(follows.send(request(Method::GET)).await.map(|reply| reply.status.as_u16()), Ok(200));
    let shown: Vec<_> = asked(&seen).iter().map(|head| head.contains("authorization")).collect();
    assert_eq!(shown, [true, true, false]);
    Ok(())
}

#[tokio::test]
async fn only_its_own_authority_is_trusted() -> io::Result<()> {
    let (one, other) = (Authority::new(), Authority::new());
    let (port, _) = server(Some(&one), |_| ok("safe")).await?;
    let at = |host: &str| format!("https://{host}:{port}/");
    let trusts = one.client("one", settings());
    assert_eq!(get(&trusts, &at("localhost")).await, Ok((200, "safe".to_owned())));
    for (client, host) in [(&trusts, "127.0.0.1"), (&other.client("other", settings()), "localhost")] {
        let Err(Failed::Unreachable(reason)) = get(client, &at(host)).await else { panic!("{host}") };
        assert!(reason.contains("certificate"), "{reason}");
    }
    Ok(())
}

/// Through a tunnel the proxy sees the host and its own password, and of the request nothing.
#[tokio::test]
async fn a_proxy_is_used_for_what_it_is_for() -> io::Result<()> {
    let authority = Authority::new();
    let (tls, seen_tls) = server(Some(&authority), |_| ok("tunnel")).await?;
    let (plain, seen_plain) = server(None, |_| ok("passed on")).await?;
    let (tunnel, tunnelled) = proxy(tls).await?;
    let (forward, forwarded) = proxy(plain).await?;
    // Basic of "user:pass", in small letters.
    let shown = "proxy-authorization: basic dxnlcjpwyxnz\r\n";
    let through = |port: u16| Proxies::through(&format!("http://user:pass@127.0.0.1:{port}"), "spared.test");

    let client = authority.client("tunnel", Settings { proxies: through(tunnel), ..settings() });
    assert_eq!(get(&client, "https://server.test/secret").await, Ok((200, "tunnel".to_owned())));
    let heads = asked(&tunnelled);
    assert!(
        heads.len() == 1 && heads[0].starts_with("connect server.test:443 ") && heads[0].contains(shown),
        "{heads:?}"
    );
    let heads = asked(&seen_tls);
    assert!(heads.len() == 1 && heads[0].starts_with("get /secret ") && !heads[0].contains("proxy"), "{heads:?}");
    // A name that the certificate is not for is not the server, whatever the proxy leads to.
    assert!(get(&client, "https://another.test/").await.is_err());

    let client = Client::new(Settings { proxies: through(forward), ..settings() }).unwrap();
    assert_eq!(get(&client, "http://server.test/open").await, Ok((200, "passed on".to_owned())));
    let heads = asked(&forwarded);
    assert!(heads[0].starts_with("get http://server.test/open ") && heads[0].contains(shown), "{heads:?}");
    // Straight to this machine.
    assert_eq!(get(&client, &format!("http://localhost:{plain}/")).await, Ok((200, "passed on".to_owned())));
    assert!(asked(&forwarded).is_empty() && asked(&seen_plain).len() == 2);
    for (url, is_used) in
        [("https://a.spared.test/", false), ("https://spared.test/", false), ("https://unspared.test/", true)]
    {
        assert_eq!(through(1).to(&url.parse().unwrap()).is_some(), is_used, "{url}");
    }
    assert!(!format!("{client:?}").contains("pass"), "{client:?}");
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_does_not_serve_is_named() {
    for (proxy, reason) in [
        ("http://127.0.0.1:1", "refused"),
        ("socks5://127.0.0.1:1", "only proxies of http:// and https:// are supported"),
    ] {
        let client = Client::new(Settings { proxies: Proxies::through(proxy, ""), ..settings() }).unwrap();
        for url in ["https://server.test/", "http://server.test/"] {
            let Err(Failed::Unreachable(text)) = get(&client, url).await else { panic!("{proxy} {url}") };
            assert!(text.contains(&format!("through the proxy {proxy}/: ")) && text.contains(reason), "{text}");
        }
    }
}

#[test]
fn what_is_safe_is_tls_or_this_machine() {
    for (url, safe) in [
        ("https://issuer.example/a", true),
        ("https://10.0.0.1:8443/", true),
        ("http://localhost:8080/a", true),
        ("http://LOCALHOST/", true),
        ("http://127.0.0.1/", true),
        ("http://127.9.9.9:1/", true),
        ("http://[::1]:80/", true),
        ("http://[::ffff:127.0.0.1]/", true),
        ("http://issuer.example/", false),
        ("http://localhost.example/", false),
        ("http://127.0.0.1.example/", false),
        ("http://10.0.0.1/", false),
        ("http://user@localhost/", false),
        ("https://user:password@issuer.example/", false),
        ("ftp://localhost/", false),
        ("/path", false),
        ("localhost:80", false),
    ] {
        assert_eq!(is_safe(&url.parse().unwrap()).is_ok(), safe, "{url}");
    }
}

#[test]
fn a_location_is_a_url_or_a_path_from_the_root() {
    let from: Uri = "https://a.test:8443/x/y?z".parse().unwrap();
    for (location, to) in [
        ("https://b.test/", Some("https://b.test/")),
        ("http://b.test/a?b=c#d", Some("http://b.test/a?b=c")),
        ("/c?d", Some("https://a.test:8443/c?d")),
        ("/", Some("https://a.test:8443/")),
        ("c", None),
        ("../c", None),
        ("?q", None),
        ("//b.test/", None),
        ("", None),
        ("#x", None),
        ("https://", None),
        ("mailto:a@b.test", None),
    ] {
        assert_eq!(resolved(&from, location).map(|to| to.to_string()).as_deref(), to, "{location:?}");
    }
}

/// A file of authorities that cannot be used is named.
#[test]
fn authorities_are_read_at_the_start() {
    for (name, text, reason) in [
        ("missing", None, "No such file"),
        ("empty", Some(String::new()), "there is no certificate in it"),
        ("key", Some(KeyPair::generate().unwrap().serialize_pem()), "there is no certificate in it"),
        ("cut", Some(Authority::new().pem.replace("-----END", "-----EN")), ""),
        ("other", Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()), ""),
    ] {
        let file = std::env::temp_dir().join(format!("recording-authorities-{}-{name}", std::process::id()));
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let error = Client::new(Settings { authorities: Authorities::File(file.clone()), ..settings() })
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(file.to_str().unwrap()) && error.contains(reason), "{name}: {error}");
        let _ = std::fs::remove_file(file);
    }
}
