//! The token of a user: asked for when it is first needed, and again when etcd does not take it any more.

use tokio::sync::Mutex;

use crate::call::{self, Token};
use crate::connection::Connection;
use crate::error::{Error, Kind};
use crate::messages::{AuthenticateRequest, AuthenticateResponse};
use crate::options::{Credentials, Options};
use crate::status::AUTH_NOT_ENABLED;

#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Current>);

#[derive(Default)]
struct Current {
    /// Counts the tokens that there were, so that of many requests that failed with one token only the first has it renewed.
    number: u64,
    token: Option<Known>,
}

impl core::fmt::Debug for Current {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Current").field("number", &self.number).finish_non_exhaustive()
    }
}

enum Known {
    Token(Token),
    /// The cluster knows no users.
    NotNeeded,
}

impl Tokens {
    /// The token with its number.
    pub(crate) async fn current(
        &self,
        connection: &Connection,
        options: &Options,
    ) -> Result<(Option<Token>, u64), Error> {
        let Some(credentials) = &options.credentials else { return Ok((None, 0)) };
        let mut current = self.0.lock().await;
        let token = match &current.token {
            Some(Known::Token(token)) => Some(token.clone()),
            Some(Known::NotNeeded) => None,
            None => {
                let token = authenticate(connection.clone(), credentials, options).await?;
                current.number += 1;
                current.token = Some(token.clone().map_or(Known::NotNeeded, Known::Token));
                token
            }
        };
        Ok((token, current.number))
    }

    /// etcd does not take the token with this number any more.
    pub(crate) async fn refused(&self, number: u64) {
        let mut current = self.0.lock().await;
        if current.number == number {
            current.token = None;
        }
    }
}

/// Asks for a token; `None` if the cluster knows no users.
pub(crate) async fn authenticate(
    connection: Connection,
    credentials: &Credentials,
    options: &Options,
) -> Result<Option<Token>, Error> {
    let request = AuthenticateRequest { name: credentials.user.clone(), password: credentials.password.clone() };
    let answer: Result<AuthenticateResponse, Error> =
        call::unary(connection, call::AUTHENTICATE, request, None, options.attempt).await;
    match answer {
        Ok(answer) => match answer.token.parse() {
            Ok(token) => Ok(Some(token)),
            Err(_) => Err(Error::not_done(Kind::Protocol, "the token that it gave cannot be sent in a header")),
        },
        Err(error) if error.to_string() == AUTH_NOT_ENABLED => Ok(None),
        // Whatever became of this request, the one that it is for was not sent.
        Err(error) => Err(Error::not_done(error.kind(), format!("user {:?}: {error}", credentials.user))),
    }
}
