use audit_sink::{Batch, SinkError};
use lettre::message::Mailbox;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use crate::address::mailbox;
use crate::connection::Connection;
use crate::message::message;
use crate::progress::{Pending, Progress, reasons};
use crate::server::Server;
use crate::{EmailOptions, EmailOptionsError, Letter};

/// How many letters one connection carries: many servers end one that carries more.
const LETTERS_PER_CONNECTION: usize = 100;

/// RFC 5321 §4.5.3.1.10: servers say it for "too many recipients" too, and the rest may be tried later.
const STORAGE_EXCEEDED: u16 = 552;

/// From whom, through which server, to whom.
pub(crate) struct Route {
    pub(crate) server: Server,
    pub(crate) from: Mailbox,
    to: Vec<Mailbox>,
    /// The addresses of `to`, for errors.
    pub(crate) names: Vec<String>,
}

impl Route {
    pub(crate) fn new(options: &EmailOptions) -> Result<Self, EmailOptionsError> {
        let from = mailbox("from", &options.from)?;
        let to: Vec<Mailbox> = options.to.iter().map(|to| mailbox("to", to)).collect::<Result<_, _>>()?;
        let mut names: Vec<String> = Vec::new();
        for name in to.iter().map(|to| to.email.to_string()) {
            if names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                return Err(EmailOptionsError::RecipientTwice(name));
            }
            names.push(name);
        }
        if names.is_empty() {
            return Err(EmailOptionsError::NoRecipient);
        }
        Ok(Self { server: Server::new(options)?, from, to, names })
    }

    /// Writes a letter to whoever has not got it. Afterwards nobody is outstanding but who was put off.
    async fn write(
        &self,
        connection: &mut Connection,
        letter: &mut Pending,
        message: &[u8],
    ) -> Result<(), SinkError> {
        let place = self.server.place();
        connection.letters += 1;
        if let Err(no) = connection.ask(Mail::new(Some(self.from.email.clone()), Vec::new())).await? {
            return Err(SinkError::retryable(format!(
                "{place} takes no mail from {}: {}; are from and the credentials right?",
                self.from.email, no.said
            )));
        }
        letter.put_off.clear();
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for recipient in letter.outstanding.clone() {
            let command = Rcpt::new(self.to[recipient].email.clone(), Vec::new());
            match connection.ask(command).await? {
                Ok(()) => accepted.push(recipient),
                Err(no) if no.is_for_now() || no.code == STORAGE_EXCEEDED => {
                    letter.put_off.push((recipient, no.said));
                }
                Err(no) => refused.push((recipient, no.said)),
            }
        }
        if accepted.is_empty() && letter.told.is_empty() {
            // As true of any other letter: to reject one after the other for a wrong address would empty the log into
            // the dead letters.
            refused.append(&mut letter.put_off);
            return Err(SinkError::retryable(format!(
                "{place} accepts no recipient: {}; are to, from and the credentials right?",
                reasons(&refused, &self.names)
            )));
        }
        if accepted.is_empty() {
            // Whoever is left was refused again, while others have the letter.
            if let Err(no) = connection.ask(Rset).await? {
                return Err(SinkError::retryable(format!("{place} answered RSET with {}", no.said)));
            }
        } else {
            if let Err(no) = connection.ask(Data).await? {
                return Err(SinkError::retryable(format!("{place} takes no letter: {}", no.said)));
            }
            match connection.content(message).await? {
                Ok(()) => letter.told.append(&mut accepted),
                Err(no) if no.is_for_now() => {
                    return Err(SinkError::retryable(format!("{place} takes no letter now: {}", no.said)));
                }
                // It has seen all of it: this is about what is in it, or its size.
                Err(no) => {
                    letter.reject(format!("{place} refused the letter: {}", no.said));
                    return Ok(());
                }
            }
        }
        letter.refused.append(&mut refused);
        letter.outstanding = letter.put_off.iter().map(|(recipient, _)| *recipient).collect();
        Ok(())
    }

    /// Writes one letter after the other to whoever has not got it, and ends the connection.
    pub(crate) async fn write_all(&self, batch: &Batch, progress: &mut Progress) -> Result<(), SinkError> {
        let mut open: Option<Connection> = None;
        for (letter, record) in progress.letters.iter_mut().zip(&batch.records) {
            if letter.outstanding.is_empty() {
                continue;
            }
            let written = match Letter::from_bytes(&record.bytes) {
                Ok(written) => written,
                Err(error) => {
                    letter.reject(error.to_string());
                    continue;
                }
            };
            let message = match message(&written, &batch.chain_id, record, &self.from, &self.to) {
                Ok(message) => message,
                Err(error) => {
                    letter.reject(format!("no message can be made of the letter: {error}"));
                    continue;
                }
            };
            let mut connection = match open.take() {
                Some(connection) if connection.letters < LETTERS_PER_CONNECTION => connection,
                Some(full) => {
                    full.goodbye().await;
                    self.server.connect().await?
                }
                None => self.server.connect().await?,
            };
            self.write(&mut connection, letter, &message).await?;
            open = Some(connection);
        }
        if let Some(connection) = open {
            connection.goodbye().await;
        }
        Ok(())
    }

    /// All that comes before a letter.
    pub(crate) async fn check(&self) -> Result<(), SinkError> {
        let place = self.server.place();
        let mut connection = self.server.connect().await?;
        if let Err(no) = connection.ask(Mail::new(Some(self.from.email.clone()), Vec::new())).await? {
            return Err(SinkError::retryable(format!(
                "{place} takes no mail from {}: {}; are from and the credentials right?",
                self.from.email, no.said
            )));
        }
        let mut refused = Vec::new();
        for (recipient, to) in self.to.iter().enumerate() {
            if let Err(no) = connection.ask(Rcpt::new(to.email.clone(), Vec::new())).await? {
                refused.push((recipient, no.said));
            }
        }
        // Whatever the answer: the connection ends without a letter.
        let _ = connection.ask(Rset).await;
        connection.goodbye().await;
        if refused.is_empty() {
            return Ok(());
        }
        Err(SinkError::retryable(format!(
            "{place} does not accept {}; is to right?",
            reasons(&refused, &self.names)
        )))
    }
}
