use std::fmt;

use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};

use crate::progress::Progress;
use crate::route::Route;
use crate::{EmailOptions, EmailOptionsError};

/// Sends records, a [`Letter`](crate::Letter) each, as e-mail.
pub struct EmailSink {
    /// `None` when closed.
    route: Option<Route>,
    recipient_attempts: u32,
    /// What is known of the batch that was not accepted yet.
    progress: Option<Progress>,
}

impl EmailSink {
    /// Checks the options and reads certificates; connects to nothing.
    ///
    /// # Errors
    /// When an address is none, the server is not `host:port`, a certificate cannot be used, or credentials would be sent
    /// in the clear.
    #[expect(clippy::needless_pass_by_value, reason = "options are given away, as with any other sink")]
    pub fn new(options: EmailOptions) -> Result<Self, EmailOptionsError> {
        let route = Some(Route::new(&options)?);
        Ok(Self { route, recipient_attempts: options.recipient_attempts, progress: None })
    }
}

impl Sink for EmailSink {
    /// Writes one letter after the other, each to all recipients at once, and ends the connection.
    ///
    /// The same batch sent again after an error goes on with the letters and recipients that are left.
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let route = self.route.as_ref().ok_or(SinkError::Closed)?;
            self.progress.take_if(|progress| !progress.is_of(batch));
            let progress = self.progress.get_or_insert_with(|| Progress::begin(batch, route.names.len()));
            route.write_all(batch, progress).await?;
            if let Some(problem) = progress.put_off(self.recipient_attempts, &route.names) {
                return Err(SinkError::retryable(problem));
            }
            let place = route.server.place();
            let done = self.progress.take();
            let rejected = done.map(|progress| progress.into_rejected(&place, &route.names));
            Ok(Receipt::rejecting(rejected.unwrap_or_default()))
        })
    }

    /// Connects, logs in, and asks for the sender and every recipient: what a letter needs, without one. Some servers
    /// accept every recipient at that point.
    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move { self.route.as_ref().ok_or(SinkError::Closed)?.check().await })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        let open = self.route.take().is_some();
        self.progress = None;
        Box::pin(std::future::ready(if open { Ok(()) } else { Err(SinkError::Closed) }))
    }
}

impl fmt::Debug for EmailSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailSink")
            .field("place", &self.route.as_ref().map(|route| route.server.place()))
            .field("from", &self.route.as_ref().map(|route| &route.from.email))
            .field("to", &self.route.as_ref().map(|route| &route.names))
            .finish_non_exhaustive()
    }
}
