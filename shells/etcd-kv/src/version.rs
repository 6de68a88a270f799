//! A member's version, from the page that every member shows over HTTP/1 at its client URL.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::dial;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::options::Options;

/// The most that is read of the page.
const LONGEST: u64 = 4096;

/// What comes before the version.
const BEFORE: &str = "\"etcdserver\":\"";

/// Asks for the version over a connection of its own.
pub(crate) async fn version(endpoint: &Endpoint, options: &Options) -> Result<String, Error> {
    let asking = async {
        let page = match dial::plain_or_tls(endpoint, options).await? {
            dial::Io::Plain(tcp) => get(tcp, endpoint).await,
            dial::Io::Tls(tls) => get(*tls, endpoint).await,
        };
        let version = read(&page).map(str::to_owned);
        version.ok_or_else(|| Error::not_done(Kind::Protocol, "it shows no version at /version"))
    };
    let late = || Err(Error::not_done(Kind::TimedOut, format!("no version within {:?}", options.attempt)));
    timeout(options.attempt, asking).await.unwrap_or_else(|_| late()).map_err(|error| error.at(&endpoint.name))
}

/// What is answered, as far as it comes.
async fn get(mut io: impl AsyncRead + AsyncWrite + Unpin, endpoint: &Endpoint) -> String {
    // Of HTTP/1.0, since its answers end with the connection.
    let ask = format!("GET /version HTTP/1.0\r\nHost: {}:{}\r\n\r\n", endpoint.host, endpoint.port);
    let mut page = Vec::new();
    if io.write_all(ask.as_bytes()).await.is_ok() {
        // A page that is cut off has no version.
        let _ = io.take(LONGEST).read_to_end(&mut page).await;
    }
    String::from_utf8_lossy(&page).into_owned()
}

fn read(page: &str) -> Option<&str> {
    let (head, body) = page.split_once("\r\n\r\n")?;
    let is_well = head.split(' ').nth(1) == Some("200");
    let (version, _) = body.split_once(BEFORE)?.1.split_once('"')?;
    is_well.then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_page_has_a_version() {
        let page = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"etcdserver\":\"3.5.30\",\"etcdcluster\":\"3.5.0\"}";
        assert_eq!(read(page), Some("3.5.30"));
        let end = page.find("\",\"etcdcluster").expect("the next");
        for length in 0..=end {
            assert_eq!(read(&page[..length]), None, "{}", &page[..length]);
        }
        assert_eq!(read(&page.replace("200", "404")), None);
        assert_eq!(read("HTTP/1.0 200 OK\r\n\r\n{\"etcdcluster\":\"3.5.0\"}"), None);
    }
}
