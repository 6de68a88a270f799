//! A receiver of webhooks, run inside a test. It takes what it gets unless the test says otherwise, and keeps all of it.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::small_http::{Request, listen, read};

/// What it does with a post.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes it.
    #[default]
    Takes,
    /// Takes it after this time.
    Slow(Duration),
    /// Answers with this status and this header line.
    Answers(u16, &'static str),
    /// Never answers.
    Stalls,
    /// Takes it, and goes on with the body of its answer for ever.
    Endless,
    /// Closes the connection without a word, after the post or, if it gets none, at once.
    Closes { after_post: bool },
    /// Answers something that is no HTTP.
    Babbles,
    /// Each of these in turn.
    Each(Vec<Self>),
}

/// A post that came.
#[derive(Debug, Clone)]
pub struct Post {
    pub head: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    pub body: Value,
    pub at: Instant,
    /// Whether it was answered with 2xx.
    pub is_taken: bool,
}

impl Post {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The session and the action, if it is about an event.
    pub fn event(&self) -> Option<(String, u64)> {
        let data = self.body.get("data")?;
        Some((data["CorrelationId"].as_str()?.to_owned(), data["StateAction"].as_u64()?))
    }
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mood,
    connections: usize,
    posts: Vec<Post>,
}

/// A receiver. Its threads end with the process.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    pub fn new() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// One at this address.
    pub fn at(address: SocketAddr) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        Self { address: listen(address, &shared, serve), shared }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where events are posted.
    pub fn url(&self) -> String {
        format!("http://{}/events?from=here", self.address)
    }

    /// What it does from now on.
    pub fn be(&self, mood: Mood) {
        locked(&self.shared).mood = mood;
    }

    /// All that came, also what was not taken.
    pub fn posts(&self) -> Vec<Post> {
        locked(&self.shared).posts.clone()
    }

    /// The events that were taken, each once, in the order in which they were taken first.
    pub fn events(&self) -> Vec<(String, u64)> {
        let mut ids = std::collections::HashSet::new();
        let posts = self.posts().into_iter().filter(|post| post.is_taken);
        posts.filter(|post| ids.insert(post.body["id"].clone())).filter_map(|post| post.event()).collect()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        locked(&self.shared).connections
    }

    /// Waits until this is so of all that came.
    pub fn wait<T>(&self, what: &str, is_so: impl Fn(&[Post]) -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            let posts = self.posts();
            if let Some(found) = is_so(&posts) {
                return found;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{what}: {posts:#?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn serve(stream: &TcpStream, shared: &Mutex<Shared>) {
    locked(shared).connections += 1;
    if locked(shared).mood == (Mood::Closes { after_post: false }) {
        return;
    }
    let mut reader = BufReader::new(stream);
    while let Some(Request { head, body: bytes, .. }) = read(&mut reader) {
        let mood = {
            let mut shared = locked(shared);
            let mood = match &mut shared.mood {
                Mood::Each(moods) if moods.is_empty() => Mood::Takes,
                Mood::Each(moods) => moods.remove(0),
                mood => mood.clone(),
            };
            let is_taken = matches!(mood, Mood::Takes | Mood::Slow(_) | Mood::Endless | Mood::Answers(200..300, _));
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            shared.posts.push(Post { head, bytes, body, at: Instant::now(), is_taken });
            mood
        };
        if answer(stream, &mood).is_none() {
            return;
        }
    }
}

fn answer(mut stream: &TcpStream, mood: &Mood) -> Option<()> {
    let mut say = |text: &str| stream.write_all(text.as_bytes()).ok();
    match mood {
        Mood::Takes | Mood::Each(_) => say("HTTP/1.1 204 No Content\r\n\r\n"),
        Mood::Slow(after) => {
            thread::sleep(*after);
            say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        Mood::Answers(status, line) => say(&format!(
            "HTTP/1.1 {status} Is\r\n{line}{}Content-Length: 4\r\n\r\nbody",
            if line.is_empty() { "" } else { "\r\n" }
        )),
        Mood::Stalls => loop {
            thread::sleep(Duration::from_secs(3600));
        },
        Mood::Endless => {
            say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            while say("4\r\nmore\r\n").is_some() {}
            None
        }
        Mood::Babbles => say("SSH-2.0-OpenSSH\r\n\r\n").filter(|()| false),
        Mood::Closes { .. } => None,
    }
}
