//! What carries requests to the tested server: the kit knows no address and no connection.

use crate::http::{Request, Response};
use crate::naive::State;
use crate::render;

/// A way to somebody who speaks the API. Requests are sent one after the other, each after the last one's response.
pub trait Transport {
    /// Why nothing came back: not a divergence, but the end of the run.
    type Error: core::fmt::Display + core::fmt::Debug;

    /// Sends a request as it is.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn send(&mut self, request: &Request) -> Result<Response, Self::Error>;

    /// Begins a session in a state: the call's side, which the API itself does not have.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn begin(&mut self, ucc: &str, id: &str, state: State) -> Result<Response, Self::Error>;

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn end(&mut self, ucc: &str, id: &str) -> Result<Response, Self::Error>;

    /// The events published since the last call, as JSON; `None` if this way does not carry them.
    ///
    /// Where events come by a way of their own, this waits for the one that is `expected`, as long as it may take.
    ///
    /// # Errors
    ///
    /// If that way failed.
    fn events(&mut self, expected: Option<&str>) -> Result<Option<Vec<String>>, Self::Error> {
        let _ = expected;
        Ok(None)
    }

    /// Waits as long as an unexpected event may take, where events come by a way of their own.
    ///
    /// # Errors
    ///
    /// If that way failed.
    fn settle(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Reads the state of a session.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn read(&mut self, ucc: &str, id: &str) -> Result<Response, Self::Error> {
        self.send(&render::read(ucc, id))
    }

    /// Asks for an action, given by its id.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn set(&mut self, ucc: &str, id: &str, requester: &str, action: u8) -> Result<Response, Self::Error> {
        self.send(&render::set(ucc, id, requester, action))
    }

    /// Asks whether a set can work.
    ///
    /// # Errors
    ///
    /// If no response came.
    fn capabilities(&mut self, ucc: &str) -> Result<Response, Self::Error> {
        self.send(&render::capabilities(ucc))
    }
}
