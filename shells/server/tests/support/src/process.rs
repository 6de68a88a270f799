//! The program as a process of its own.

use core::net::SocketAddr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

/// The file of the program, which cargo builds before it runs a test of the server's package.
pub fn file() -> PathBuf {
    // Cargo gives its path only to the tests themselves while they are compiled; newer ones also when they run.
    let given = std::env::var_os("CARGO_BIN_EXE_recording-server").map(PathBuf::from);
    given.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("the file of this test");
        let built = test.parent().and_then(Path::parent).expect("a test is in a directory below that of the programs");
        let file = built.join("recording-server").with_extension(std::env::consts::EXE_EXTENSION);
        assert!(file.is_file(), "{} is missing: run the tests by cargo test", file.display());
        file
    })
}

pub fn program() -> Command {
    let mut command = Command::new(file());
    command.stdin(Stdio::null());
    command
}

pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// That it ends with code 2 and says exactly this line.
#[track_caller]
pub fn refuses(arguments: &[&str], line: &str) {
    let output = run(arguments);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("recording-server: {line}\n"), "{arguments:?}");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

/// A file of this test, gone when dropped.
pub struct File(PathBuf);

impl File {
    pub fn new(name: &str, text: &str) -> Self {
        let file = std::env::temp_dir().join(format!("recording-server-{}-{name}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The program at work on free ports; killed when dropped.
pub struct Running {
    child: Child,
    pub api: SocketAddr,
    pub admin: SocketAddr,
    pub out: BufReader<ChildStdout>,
    log: BufReader<ChildStderr>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        Self::spawn(command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(arguments))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut address = |name: &str| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            let address = line.strip_prefix(name).and_then(|line| line.split_once("://"));
            let address = address.and_then(|(_, address)| address.split_whitespace().next());
            address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap()
        };
        let (api, admin) = (address("API"), address("admin"));
        Self { child, api, admin, out, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The next line of the log that holds `part`.
    pub fn logged(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the log ended without {part:?}");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits for the end; gives the exit code and the rest of the log.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// Waits for the end; gives all that is left of the output and of the log.
    pub fn all_written(mut self) -> String {
        let mut all = String::new();
        self.log.read_to_string(&mut all).unwrap();
        self.out.read_to_string(&mut all).unwrap();
        all
    }
}
