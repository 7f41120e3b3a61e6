//! `POST /v1/events`.

use audit_access::Role;
use audit_model::Timestamp;
use audit_source::{Intake, Provenance};
use hyper::Request;
use hyper::body::{Body as _, Incoming};

use crate::admission::{Admission, Peer};
use crate::answer::{Answer, JSON, Refusal, With as _, answer};
use crate::batch::{Batch, Verdict};
use crate::body;
use crate::content::{Content, Encoding, cloud_event};
use crate::gate::Gate;
use crate::problem::{bad_request, overloaded};
use crate::{CurrentAccess, Limits, Witness};

/// How much text is read before others have their turn, in bytes: some milliseconds' work.
const STRETCH: usize = 256 << 10;

/// What taking events needs.
pub(crate) struct Events<'a> {
    pub(crate) access: &'a CurrentAccess,
    pub(crate) witness: &'a dyn Witness,
    pub(crate) intake: &'a Intake,
    pub(crate) gate: &'a Gate,
    pub(crate) limits: &'a Limits,
}

impl Events<'_> {
    /// Records what is in the request, and answers when it is durable.
    pub(crate) async fn take(&self, peer: &Peer, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let access = (self.access)();
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, ());
        let admission = Admission::new(&access, self.witness, peer, &request);
        let caller = admission.admit(Role::Ingest, Timestamp::now()).await?;
        let encoding = Encoding::of(request.headers())?;
        let content = Content::of(request.headers())?;
        let announced =
            body.size_hint().exact().map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if announced > self.limits.max_body_bytes {
            return Err(body::longer_than(self.limits.max_body_bytes));
        }
        let mut pass = self
            .gate
            .enter(announced)
            .ok_or_else(|| overloaded("too many requests at once; send the same again later"))?;
        let body = body::read(body, encoding, self.limits, &mut pass).await?;
        let texts = content.split(&body, self.limits.max_events)?;
        let now = Timestamp::now();
        admission.count(&caller, texts.len(), now)?;
        let provenance = Provenance::default().by(caller.identity).from(peer.ip().to_string());

        let mut batch = Batch::with_capacity(texts.len());
        if let Content::CloudEventData(attributes) = content {
            let event = cloud_event(attributes, &body);
            let event = event.and_then(|event| audit_source::Format::CloudEvents.read_value(event, now));
            batch.add(event, self.intake, &provenance);
        } else {
            let (format, alone) = (content.format(), texts.len() == 1);
            let mut stretch = 0;
            for text in &texts {
                let event = if text.len() > self.limits.max_event_bytes {
                    let most = self.limits.max_event_bytes;
                    Err(format!("the event has {} bytes of JSON; at most {most} are taken", text.len()))
                } else {
                    format.read(text, now)
                };
                if alone && event.is_err() && !matches!(content, Content::Lines) {
                    is_json(text)?;
                }
                batch.add(event, self.intake, &provenance);
                stretch += text.len();
                if stretch >= STRETCH {
                    stretch = 0;
                    tokio::task::yield_now().await;
                }
            }
        }
        batch.settle().await;
        let Verdict { status, body, recorded, refused } = batch.verdict();
        self.intake.count(recorded, refused);
        let answered = answer(status, JSON, body);
        Ok(if status.is_server_error() { answered.retry_after(1) } else { answered })
    }
}

/// A body of one event that is no JSON is not a bad event, but no body that can be read.
fn is_json(text: &[u8]) -> Result<(), Refusal> {
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(text);
    read.map(drop).map_err(|error| bad_request(&format!("the body is no JSON: {error}")))
}
