use audit_aws::{AwsError, aws_error, load};
use audit_sink::{Batch, Receipt, Rejection, SendFuture, Sink, SinkError};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, RejectedLogEventsInfo};

use crate::error::{Missing, Refusal};
use crate::progress::Progress;
use crate::request::{Event, LIMITS, plan, rejections};
use crate::{CloudwatchOptions, CloudwatchOptionsError};

/// How many requests of one `send` may be refused before it gives way to whatever else its caller has to do; what was
/// found so far is kept, and the next attempt goes on from there.
const REFUSALS_PER_SEND: usize = 256;

/// What became of one request.
enum Answer {
    /// Accepted, without these of its records.
    Accepted(Vec<Rejection>),
    /// One of its events at least is not taken, and not said which.
    Invalid(AwsError),
}

/// Delivers records to a log stream of CloudWatch Logs, one log event a record.
///
/// Nothing is connected to before the first [`send`](Sink::send) or [`check`](Sink::check).
#[derive(Debug)]
pub struct CloudwatchSink {
    options: CloudwatchOptions,
    /// Made at first use, and again when the service turns its credentials away: others may be there by then.
    client: Option<Client>,
    progress: Progress,
    closed: bool,
}

impl CloudwatchSink {
    /// A sink to the log stream that the options name.
    ///
    /// # Errors
    /// When CloudWatch Logs takes no such name.
    pub fn new(options: CloudwatchOptions) -> Result<Self, CloudwatchOptionsError> {
        Ok(Self { options: options.checked()?, client: None, progress: Progress::default(), closed: false })
    }

    async fn client(&mut self) -> Result<Client, SinkError> {
        if self.closed {
            return Err(SinkError::Closed);
        }
        if self.client.is_none() {
            self.client = Some(Client::new(&load(&self.options.aws).await));
        }
        self.client.clone().ok_or(SinkError::Closed)
    }

    /// Sends one request, and makes the log stream where it is missing.
    async fn put(&mut self, request: &[Event<'_>]) -> Result<Answer, SinkError> {
        let client = self.client().await?;
        let mut answer = self.options.put(&client, request).await;
        if let Err(Refusal::NotFound(_)) = answer {
            self.options.create(&client).await.inspect_err(|missing| self.noticed(&missing.source))?;
            answer = self.options.put(&client, request).await;
        }
        match answer {
            Ok(info) => Ok(Answer::Accepted(info.map_or_else(Vec::new, |info| rejections(request, &info)))),
            Err(Refusal::Invalid(error)) => Ok(Answer::Invalid(error)),
            Err(refusal) => {
                self.noticed(refusal.error());
                Err(refusal.into())
            }
        }
    }

    fn noticed(&mut self, error: &AwsError) {
        if error.concerns_credentials() {
            self.client = None;
        }
    }
}

impl CloudwatchOptions {
    async fn put(
        &self,
        client: &Client,
        request: &[Event<'_>],
    ) -> Result<Option<RejectedLogEventsInfo>, Refusal> {
        let mut events = Vec::with_capacity(request.len());
        for event in request {
            let event = InputLogEvent::builder().timestamp(event.timestamp_ms).message(event.message).build();
            events.push(event.expect("a log event has a timestamp and a message"));
        }
        let answer = client
            .put_log_events()
            .log_group_name(&self.log_group)
            .log_stream_name(&self.log_stream)
            .set_log_events(Some(events))
            .send()
            .await;
        match answer {
            Ok(accepted) => Ok(accepted.rejected_log_events_info),
            // "The event was already logged." The service returns it no more, as sequence tokens mean nothing any more:
            // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
            Err(error) if error.code() == Some("DataAlreadyAcceptedException") => Ok(None),
            Err(error) => Err(Refusal::of(aws_error(self.doing("PutLogEvents"), &error))),
        }
    }

    /// Makes the log stream, and the log group if it is missing too.
    ///
    /// The stream first, so that no permission to create groups is needed where the group is there.
    async fn create(&self, client: &Client) -> Result<(), Missing> {
        match self.create_stream(client).await {
            Err(Missing { source, .. }) if source.code.as_deref() == Some("ResourceNotFoundException") => {
                self.create_group(client).await?;
                self.create_stream(client).await
            }
            answer => answer,
        }
    }

    async fn create_stream(&self, client: &Client) -> Result<(), Missing> {
        let answer = client
            .create_log_stream()
            .log_group_name(&self.log_group)
            .log_stream_name(&self.log_stream)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceAlreadyExistsException") => Ok(()),
            Err(error) => Err(Missing {
                missing: format!(
                    "the log stream `{}` in the log group `{}`",
                    self.log_stream, self.log_group
                ),
                permission: "logs:CreateLogStream",
                source: aws_error(self.doing("CreateLogStream"), &error),
            }),
        }
    }

    async fn create_group(&self, client: &Client) -> Result<(), Missing> {
        match client.create_log_group().log_group_name(&self.log_group).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceAlreadyExistsException") => Ok(()),
            Err(error) => Err(Missing {
                missing: format!("the log group `{}`", self.log_group),
                permission: "logs:CreateLogGroup",
                source: aws_error(self.doing("CreateLogGroup"), &error),
            }),
        }
    }

    fn doing(&self, operation: &str) -> String {
        let at = self.aws.endpoint.as_ref().map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
        format!("{operation} to `{}` in `{}`{at}", self.log_stream, self.log_group)
    }
}

impl Sink for CloudwatchSink {
    /// Puts the records in as few requests as the limits allow, one after the other. What a request is refused for is
    /// looked for in halves of it.
    ///
    /// The same batch sent again goes on with the request that failed; once accepted, it is not sent again.
    fn send<'a>(&'a mut self, batch: &'a Batch) -> SendFuture<'a, Receipt> {
        Box::pin(async move {
            if self.closed {
                return Err(SinkError::Closed);
            }
            let plan = plan(batch, &LIMITS);
            self.progress.of(batch, &plan);
            let mut refusals = 0;
            while let Some(part) = self.progress.next() {
                match self.put(&plan.events[part]).await? {
                    Answer::Accepted(rejected) => self.progress.accepted(rejected),
                    Answer::Invalid(error) => {
                        self.progress.refused(&plan, error.to_string());
                        refusals += 1;
                        let left = self.progress.left();
                        if refusals == REFUSALS_PER_SEND && left > 0 {
                            return Err(SinkError::retryable(format!(
                                "{error}; {refusals} requests were refused while the records that are not taken were \
                                 looked for, and {left} of {} records are still to be sent; the next attempt goes on \
                                 from there",
                                batch.records.len()
                            )));
                        }
                    }
                }
            }
            Ok(Receipt::rejecting(self.progress.rejected()))
        })
    }

    /// Puts a log event of the year 1970, which the service rejects for its age after it has looked at the credentials,
    /// the permission to put and the names.
    ///
    /// A log group or stream that is missing is no error, because the first batch creates it; it is said in a `tracing`
    /// event of level `INFO`.
    fn check(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            let client = self.client().await?;
            let event = Event { sequence_number: 0, timestamp_ms: 0, message: "audit-log check" };
            let CloudwatchOptions { log_group, log_stream, .. } = &self.options;
            match self.options.put(&client, &[event]).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => {
                    tracing::warn!(
                        log_group,
                        log_stream,
                        "this server keeps log events of 1970: it has one now"
                    );
                    Ok(())
                }
                Err(Refusal::NotFound(error)) => {
                    tracing::info!(log_group, log_stream, %error, "missing; the first batch creates it");
                    Ok(())
                }
                Err(refusal) => {
                    self.noticed(refusal.error());
                    Err(refusal.into())
                }
            }
        })
    }

    fn close(&mut self) -> SendFuture<'_, ()> {
        Box::pin(async move {
            if std::mem::replace(&mut self.closed, true) {
                return Err(SinkError::Closed);
            }
            self.client = None;
            Ok(())
        })
    }
}
