use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use audit_sink::SinkError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::timeout;

use crate::reply::No;

/// The server is closing the connection (RFC 5321 §3.8), whatever was asked.
const CLOSING: u16 = 421;

/// How long a goodbye may take: nothing depends on its answer.
const GOODBYE: Duration = Duration::from_secs(2);

/// A server that takes letters.
pub(crate) struct Connection {
    smtp: AsyncSmtpConnection,
    place: String,
    answer_timeout: Duration,
    secrets: Vec<String>,
    /// How many letters were begun on it.
    pub(crate) letters: usize,
}

impl Connection {
    pub(crate) fn new(
        smtp: AsyncSmtpConnection,
        place: String,
        answer_timeout: Duration,
        secrets: Vec<String>,
    ) -> Self {
        Self { smtp, place, answer_timeout, secrets, letters: 0 }
    }

    /// One command, and whether the server agrees. After an outer error nothing more can be said on the connection.
    pub(crate) async fn ask(&mut self, command: impl Display) -> Result<Result<(), No>, SinkError> {
        let answer = timeout(self.answer_timeout, self.smtp.command(command)).await;
        self.understand(answer.map(|answer| answer.map(drop)))
    }

    /// The content of a letter, and whether the server has taken it.
    pub(crate) async fn content(&mut self, message: &[u8]) -> Result<Result<(), No>, SinkError> {
        let answer = timeout(self.answer_timeout, self.smtp.message(message)).await;
        self.understand(answer.map(|answer| answer.map(drop)))
    }

    /// Ends the connection.
    pub(crate) async fn goodbye(mut self) {
        let _ = timeout(GOODBYE.min(self.answer_timeout), self.smtp.quit()).await;
    }

    fn understand(
        &self,
        answer: Result<Result<(), lettre::transport::smtp::Error>, tokio::time::error::Elapsed>,
    ) -> Result<Result<(), No>, SinkError> {
        let error = match answer {
            Ok(Ok(())) => return Ok(Ok(())),
            Ok(Err(error)) => error,
            Err(_) => {
                let (place, limit) = (&self.place, self.answer_timeout);
                return Err(SinkError::retryable(format!("no answer from {place} within {limit:?}")));
            }
        };
        match No::of(&error, &self.secrets) {
            Some(no) if no.code == CLOSING => {
                Err(SinkError::retryable(format!("{} ended the connection: {}", self.place, no.said)))
            }
            Some(no) => Ok(Err(no)),
            None => Err(broken(&self.place, &error)),
        }
    }
}

/// The error for a connection that failed. What the server said is not in it.
pub(crate) fn broken(place: &str, error: &(dyn Error + 'static)) -> SinkError {
    if let Some(tls) = audit_tls::explain(error) {
        return SinkError::retryable(format!("{place} ended the TLS connection: {tls}"));
    }
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let said = innermost.to_string();
    // lettre's words for an end within an answer.
    let ended = innermost.downcast_ref::<io::Error>().is_some_and(is_end) || said == "incomplete response";
    let what = if ended { "the server closed it" } else { said.as_str() };
    SinkError::retryable(format!("the connection to {place} broke off: {what}; is the server up?"))
}

/// The end of a connection without a word.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
