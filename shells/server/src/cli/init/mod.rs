//! `recording-server init DIR`: what a server with TLS and tokens needs, written at once and complete or not at all.

mod certificate;
mod draft;
mod options;
mod report;
#[cfg(test)]
mod tests;

use std::path::Path;

pub(super) use draft::InitError;
pub(super) use options::InitOptions;

use crate::auth::FromFile;
use crate::auth::tokens::{self, Made, Tokens};
use crate::config;
use crate::net::{Tls, TlsFiles};
use certificate::Certificate;
use draft::{Draft, Mode};
use report::Report;

const CONFIG: &str = "world.toml";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const API_TOKENS: &str = "api.tokens";
const ADMIN_TOKENS: &str = "admin.tokens";
const START: &str = "start";
const OPTIONS: &str = "options";

const CONFIG_TEXT: &str = include_str!("world.toml");

/// Whose tokens are made, and the file of each.
const PAYMENTS: (&str, &str) = ("payments", "payments.token");
const LISTENERS: (&str, &str) = ("listeners", "listeners.token");
const ADMIN: (&str, &str) = ("admin", "admin.token");

/// Writes everything, and gives what to say of it.
///
/// # Errors
///
/// If there is something in the directory, or it cannot be written: then nothing is left there.
pub(super) fn init(options: &InitOptions) -> Result<String, InitError> {
    let certificate = Certificate::of(options)?;
    let draft = Draft::begin(&options.dir)?;
    let report = Report::new(options, &certificate, draft.directory())?;

    draft.write(CONFIG, Mode::OwnerOnly, CONFIG_TEXT)?;
    if let Certificate::Made { certificate, key, .. } = &certificate {
        draft.write(CERTIFICATE, Mode::Readable, certificate)?;
        draft.write(KEY, Mode::OwnerOnly, key)?;
    }
    let of_api = [(PAYMENTS, " api"), (LISTENERS, " hub")];
    let mut lines = String::from(report::ABOUT_API_TOKENS);
    for ((name, file), good_for) in of_api {
        let Made { token, line } = made(name)?;
        draft.write(file, Mode::OwnerOnly, &(token + "\n"))?;
        lines = lines + &line + good_for + "\n";
    }
    draft.write(API_TOKENS, Mode::OwnerOnly, &lines)?;
    let Made { token, line } = made(ADMIN.0)?;
    draft.write(ADMIN.1, Mode::OwnerOnly, &(token + "\n"))?;
    draft.write(ADMIN_TOKENS, Mode::OwnerOnly, &format!("{}{line}\n", report::ABOUT_ADMIN_TOKENS))?;
    draft.write(START, Mode::Executable, &report.start())?;
    if let Some(text) = report.options() {
        draft.write(OPTIONS, Mode::OwnerOnly, &text)?;
    }
    check(&draft, &certificate)?;
    let text = report.text();
    draft.publish()?;
    Ok(text)
}

fn made(name: &str) -> Result<Made, InitError> {
    tokens::make(name).map_err(InitError::Failed)
}

/// What was written is read as the server reads it.
fn check(draft: &Draft, certificate: &Certificate) -> Result<(), InitError> {
    let failed = |reason: String| InitError::Failed(format!("what was written cannot be used: {reason}"));
    config::load(&draft.file(CONFIG))
        .map_err(|errors| failed(errors.iter().map(|error| format!("{error}; ")).collect()))?;
    let tls = match certificate {
        Certificate::Made { .. } => TlsFiles { certificate: draft.file(CERTIFICATE), key: draft.file(KEY) },
        Certificate::Given(files) => files.clone(),
    };
    Tls::load(tls).map_err(|error| failed(error.to_string()))?;
    for tokens in [API_TOKENS, ADMIN_TOKENS] {
        FromFile::<Tokens>::load(draft.file(tokens)).map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:=@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
