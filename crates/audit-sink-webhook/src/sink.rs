use std::fmt;

use audit_sink::{Batch, Receipt, SendFuture, Sink, SinkError};

use crate::answer::Verdict;
use crate::endpoint::Endpoint;
use crate::progress::Progress;
use crate::{WebhookOptions, WebhookOptionsError};

/// How many requests of one `send` may be refused before it gives way to whatever else its caller has to do; what was
/// found so far is kept, and the next attempt goes on from there.
const REFUSALS_PER_SEND: usize = 256;

const TOO_LARGE: u16 = 413;

/// After how many accepted requests larger ones are tried again: one that is too large costs one request in so many, and
/// an endpoint that was mended gets large ones before long.
const ACCEPTED_PER_GROWTH: usize = 64;

/// Posts records to an HTTP endpoint.
pub struct WebhookSink {
    /// `None` when closed.
    endpoint: Option<Endpoint>,
    /// What is known of the batch that was not accepted yet.
    progress: Option<Progress>,
    max_body_bytes: usize,
    /// At most `max_body_bytes`: less where the endpoint takes less.
    packed_bytes: usize,
    /// How many requests were accepted since `packed_bytes` was changed.
    accepted: usize,
}

impl WebhookSink {
    /// Checks the options and reads certificates; connects to nothing.
    ///
    /// # Errors
    /// When the URL, a header, a limit or a certificate cannot be used; the message says which and why.
    #[expect(clippy::needless_pass_by_value, reason = "options are given away, as with any other sink")]
    pub fn new(options: WebhookOptions) -> Result<Self, WebhookOptionsError> {
        let endpoint = Endpoint::new(&options)?;
        let max = options.max_body_bytes;
        Ok(Self {
            endpoint: Some(endpoint),
            progress: None,
            max_body_bytes: max,
            packed_bytes: max,
            accepted: 0,
        })
    }
}

impl Sink for WebhookSink {
    /// Posts the records in one request or, where `max_body_bytes` or the endpoint's limit asks for it, several, one
    /// after the other.
    ///
    /// The same batch sent again after an error goes on with the request that failed.
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            let endpoint = self.endpoint.as_ref().ok_or(SinkError::Closed)?;
            self.progress.take_if(|progress| !progress.is_of(batch));
            let progress = self.progress.get_or_insert_with(|| {
                Progress::begin(batch, endpoint.body, self.max_body_bytes, self.packed_bytes)
            });
            let mut refusals = 0;
            while let Some(part) = progress.next() {
                let records = &batch.records[part];
                let answer = endpoint.post(&batch.chain_id, records).await?;
                match answer.verdict {
                    Verdict::Accepted => {
                        progress.accepted();
                        self.accepted += 1;
                        if self.accepted >= ACCEPTED_PER_GROWTH {
                            self.packed_bytes = self.max_body_bytes.min(self.packed_bytes.saturating_mul(2));
                            self.accepted = 0;
                        }
                    }
                    Verdict::NotNow => return Err(endpoint.not_now(&answer, "POST")),
                    Verdict::Refused { at } => {
                        if answer.status == TOO_LARGE && records.len() > 1 {
                            let length: usize = records
                                .iter()
                                .map(|record| endpoint.body.length_of(&batch.chain_id, record))
                                .sum();
                            self.packed_bytes = self.packed_bytes.min(length / 2);
                            self.accepted = 0;
                        }
                        progress.refused(batch, format!("{} answered {}", endpoint.place, answer.quote), at);
                        refusals += 1;
                        if refusals == REFUSALS_PER_SEND && progress.next().is_some() {
                            return Err(SinkError::retryable(format!(
                                "{} refused {refusals} requests while the records that it does not take were looked \
                                 for, last with {}; the next attempt goes on from there",
                                endpoint.place, answer.quote
                            )));
                        }
                    }
                }
            }
            let rejected = self.progress.take().map(Progress::into_rejected).unwrap_or_default();
            Ok(Receipt::rejecting(rejected))
        })
    }

    /// Connects, and asks with HEAD: wrong certificates, an endpoint that is down, a redirect, and credentials that are
    /// looked at for HEAD too are found. That a POST is taken is not tried, as it would leave a record; at Splunk a POST
    /// without events is, which is answered by the token's rights and leaves nothing.
    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move { self.endpoint.as_ref().ok_or(SinkError::Closed)?.check().await })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        let open = self.endpoint.take().is_some();
        self.progress = None;
        Box::pin(std::future::ready(if open { Ok(()) } else { Err(SinkError::Closed) }))
    }
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSink")
            .field("place", &self.endpoint.as_ref().map(|endpoint| &endpoint.place))
            .field("body", &self.endpoint.as_ref().map(|endpoint| endpoint.body))
            .field("packed_bytes", &self.packed_bytes)
            .finish_non_exhaustive()
    }
}
