//! The script that starts the server, the options for its unit, and what is said of all of it.

use core::fmt::Write as _;
use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::certificate::Certificate;
use super::{ADMIN, ADMIN_TOKENS, API_TOKENS, CERTIFICATE, CONFIG, KEY, LISTENERS, OPTIONS, PAYMENTS, START, quoted};
use super::{InitError, InitOptions};
use crate::cli::banner;
use crate::demo;

pub(super) const ABOUT_API_TOKENS: &str = "\
# Who may call the recording API and listen to its events. A line for each: a name for the log and the audit trail, the
# SHA-256 of the token, and what it is valid for: 'api', 'hub', or both if it says neither. A token itself is never here.
# `recording-server --make-token NAME` makes another one; SIGHUP reads this file again.
";

pub(super) const ABOUT_ADMIN_TOKENS: &str = "\
# Who may begin and end calls, read metrics and use the console. A line for each: a name, and the SHA-256 of the token.
";

pub(super) struct Report<'a> {
    certificate: &'a Certificate,
    directory: &'a Path,
    /// The name by which clients call the server.
    host: String,
    listen: SocketAddr,
    program: PathBuf,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        options: &InitOptions,
        certificate: &'a Certificate,
        directory: &'a Path,
    ) -> Result<Self, InitError> {
        let program = std::env::current_exe()
            .map_err(|error| InitError::Failed(format!("this program does not know where it is: {error}")))?;
        let host = match (certificate, options.host.first()) {
            (Certificate::Given(_), Some(name)) => name.to_str().into_owned(),
            // The certificate is for it as well, and it needs no name server.
            _ => "localhost".to_owned(),
        };
        Ok(Self { certificate, directory, host, listen: options.listen, program })
    }

    /// What the script has for a file that is next to it, and for one that is elsewhere.
    fn tls(&self, near: impl Fn(&str) -> String) -> (String, String) {
        match self.certificate {
            Certificate::Made { .. } => (near(CERTIFICATE), near(KEY)),
            Certificate::Given(files) => (quoted(&files.certificate), quoted(&files.key)),
        }
    }

    /// A script that starts the server, wherever the directory is moved to.
    pub(super) fn start(&self) -> String {
        let (certificate, key) = self.tls(|name| format!("\"$here/{name}\""));
        let (program, listen) = (quoted(&self.program), self.listen);
        format!(
            "#!/bin/sh
# Starts the recording server with what is next to this script. Further options may follow: the last of a kind counts.
here=$(CDPATH='' cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 2
# Sessions and the audit trail, for this user alone.
(umask 077 && mkdir -p -- \"$here/state\") || exit 2
exec {program} \\
    --config \"$here/{CONFIG}\" --store \"file:$here/state/sessions\" --audit \"$here/state/trail.jsonl\" \\
    --listen {listen} --tls-cert {certificate} --tls-key {key} \\
    --tokens \"$here/{API_TOKENS}\" --admin-tokens \"$here/{ADMIN_TOKENS}\" \"$@\"
"
        )
    }

    /// The options for the unit of systemd, which has the config and the store itself. `None` if systemd would not read a
    /// path as one word.
    pub(super) fn options(&self) -> Option<String> {
        let near = |name: &str| self.directory.join(name).display().to_string();
        let (certificate, key) = self.tls(near);
        let paths = [certificate, key, near(API_TOKENS), near(ADMIN_TOKENS)];
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:=@".contains(&byte);
        if !paths.iter().all(|path| path.bytes().all(is_plain)) {
            return None;
        }
        let [certificate, key, api, admin] = paths;
        Some(format!(
            "# Further options of the unit recording-server.service, as systemd reads them.
OPTIONS=\"--listen {} --tls-cert {certificate} --tls-key {key} --tokens {api} --admin-tokens {admin}\"
",
            self.listen
        ))
    }

    /// What was written, and how to go on.
    pub(super) fn text(&self) -> String {
        let shown = |name: &str| quoted(&self.directory.join(name));
        let mut text = format!("{} has all that a server needs:\n\n", quoted(self.directory));
        let mut row = |name: &str, what: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<16} {what}");
        };
        row(CONFIG, "the config, to be edited: UCCs, their settings and agents");
        if let Certificate::Made { names, until, .. } = self.certificate {
            row(CERTIFICATE, &format!("the certificate, which clients are to trust; valid until {until}"));
            row("", &format!("for {}", names.join(", ")));
            row(KEY, "its private key, for the server alone");
        }
        row(API_TOKENS, "hashes of the tokens for the API and its events");
        row(ADMIN_TOKENS, "the hash of the token for call control, metrics and the console");
        row(PAYMENTS.1, "a token for the API: give it to the payment system, then delete it here");
        row(LISTENERS.1, "a token for listeners of events, likewise");
        row(ADMIN.1, "a token for call control and those who run the server, likewise");
        row(START, "starts the server; sessions and the audit trail will be in state/");
        if self.options().is_some() {
            row(OPTIONS, "the same options for the unit of systemd, which reads /etc/recording-server/options");
        }
        let client = self.client();
        let _ = write!(
            text,
            "
Start it:

  {}

Then, in another terminal, the first request:

  {client}

After a change to the config:

  {} --check-config --config {}
",
            shown(START),
            quoted(&self.program),
            shown(CONFIG),
        );
        text
    }

    /// The first request, from this machine.
    fn client(&self) -> String {
        let (host, port) = (&self.host, self.listen.port());
        let shown = |name: &str| quoted(&self.directory.join(name));
        let (certificate, _) = self.tls(shown);
        let address = banner::reachable(self.listen).ip();
        let is_address = host.parse::<core::net::IpAddr>().is_ok();
        let is_found = is_address || (host == "localhost" && address.is_loopback());
        // Whatever name servers say of it by now.
        let resolve = if is_found { String::new() } else { format!(" --resolve {host}:{port}:{address}") };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let token = shown(PAYMENTS.1);
        format!(
            "curl --cacert {certificate}{resolve} -H \"Authorization: Bearer $(cat {token})\" https://{host}:{port}{}/{}",
            "/attendantservice/api/recording/capabilities",
            demo::UCC
        )
    }
}
