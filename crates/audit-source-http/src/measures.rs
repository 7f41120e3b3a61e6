use std::time::Instant;

use audit_access::Denial;
use hyper::StatusCode;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// What is counted; the handles are made once, since looking one up costs more than counting.
pub(crate) struct Measures {
    answered: Vec<(StatusCode, Counter)>,
    duration: Histogram,
    in_flight: Gauge,
    unanswered: Counter,
    unshaken: Counter,
}

/// What is answered, most of it often.
const STATUSES: [u16; 16] = [200, 207, 400, 401, 403, 404, 405, 406, 408, 413, 415, 417, 422, 429, 500, 503];

/// A request that is being answered.
pub(crate) struct Running<'a> {
    measures: &'a Measures,
    begun: Instant,
}

impl Measures {
    pub(crate) fn new() -> Self {
        let count = |status: u16| counter!("audit_log_http_requests_total", "status" => status.to_string());
        Self {
            answered: STATUSES
                .iter()
                .filter_map(|status| Some((StatusCode::from_u16(*status).ok()?, count(*status))))
                .collect(),
            duration: histogram!("audit_log_http_request_duration_seconds"),
            in_flight: gauge!("audit_log_http_in_flight"),
            unanswered: unanswered(),
            unshaken: counter!("audit_log_http_handshakes_failed_total"),
        }
    }

    pub(crate) fn begin(&self) -> Running<'_> {
        self.in_flight.increment(1.0);
        Running { measures: self, begun: Instant::now() }
    }

    /// The sender was gone before the answer was written.
    pub(crate) fn unanswered(&self) {
        self.unanswered.increment(1);
    }

    /// The same, of one that was gone before all of the request was there.
    pub(crate) fn gone() {
        unanswered().increment(1);
    }

    /// A TLS handshake failed.
    pub(crate) fn unshaken(&self) {
        self.unshaken.increment(1);
    }

    pub(crate) fn denied(denial: &Denial) {
        let reason = match denial {
            Denial::NoCredentials => "no_credentials",
            Denial::Unauthenticated { reason, .. } => reason,
            Denial::MissingRole { .. } => "missing_role",
            Denial::RateLimited { .. } => "rate_limited",
            _ => "other",
        };
        counter!("audit_log_access_denied_total", "reason" => reason).increment(1);
    }
}

impl Running<'_> {
    pub(crate) fn answered(&self, status: StatusCode) {
        self.measures.duration.record(self.begun.elapsed());
        if let Some((_, counter)) = self.measures.answered.iter().find(|(known, _)| *known == status) {
            counter.increment(1);
        }
    }
}

impl Drop for Running<'_> {
    /// Also when the one who asked is gone before there is an answer.
    fn drop(&mut self) {
        self.measures.in_flight.decrement(1.0);
    }
}

fn unanswered() -> Counter {
    counter!("audit_log_http_unanswered_total")
}
