use audit_model::{ActionResult, Actor};
use http::{Extensions, StatusCode};

use crate::Decision;

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) result: ActionResult,
    /// What the status alone says of the access.
    pub(crate) denial: Option<Denial>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc_status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) decision: Option<Decision>,
    pub(crate) actor: Option<Actor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    Unauthenticated,
    Forbidden,
}

impl Denial {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
        }
    }
}

impl Outcome {
    /// Not yet one.
    pub(crate) fn attempt() -> Self {
        Self::of(ActionResult::IN_PROGRESS)
    }

    /// A response of plain HTTP.
    pub(crate) fn http(status: StatusCode) -> Self {
        let (result, denial) = match status {
            StatusCode::UNAUTHORIZED => (ActionResult::DENIED, Some(Denial::Unauthenticated)),
            StatusCode::FORBIDDEN => (ActionResult::DENIED, Some(Denial::Forbidden)),
            _ if status.is_client_error() || status.is_server_error() => (ActionResult::FAILURE, None),
            _ => (ActionResult::SUCCESS, None),
        };
        Self { denial, status: Some(status), ..Self::of(result) }
    }

    /// A call's status (the codes are in gRPC's `statuscodes.md`); without one, as a broken call has none, a failure.
    pub(crate) fn grpc(http: StatusCode, status: Option<u16>) -> Self {
        let (result, denial) = match status {
            Some(0) => (ActionResult::SUCCESS, None),
            Some(1) => (ActionResult::CANCELLED, None),
            Some(7) => (ActionResult::DENIED, Some(Denial::Forbidden)),
            Some(16) => (ActionResult::DENIED, Some(Denial::Unauthenticated)),
            _ => (ActionResult::FAILURE, None),
        };
        let error = status.is_none().then(|| "the call ended without a grpc-status".to_owned());
        Self { denial, status: Some(http), grpc_status: status, error, ..Self::of(result) }
    }

    /// gRPC-Web, whose status is in the body: how that came out, nobody here knows.
    pub(crate) fn unknown(http: StatusCode) -> Self {
        Self { status: Some(http), ..Self::of("unknown".into()) }
    }

    pub(crate) fn failed(error: String) -> Self {
        Self { error: Some(error), ..Self::of(ActionResult::FAILURE) }
    }

    pub(crate) fn cancelled(how: &str) -> Self {
        Self { error: Some(how.to_owned()), ..Self::of(ActionResult::CANCELLED) }
    }

    /// With what the service put into its response for the event.
    pub(crate) fn told_by(mut self, response: &Extensions) -> Self {
        self.decision = response.get().cloned();
        self.actor = response.get().cloned();
        self
    }

    fn of(result: ActionResult) -> Self {
        Self {
            result,
            denial: None,
            status: None,
            grpc_status: None,
            error: None,
            decision: None,
            actor: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_status() {
        let result = |code| Outcome::http(StatusCode::from_u16(code).unwrap()).result.to_string();
        assert_eq!([101, 204, 304].map(result), ["success"; 3]);
        assert_eq!([401, 403].map(result), ["denied"; 2]);
        assert_eq!([400, 404, 429, 500, 503].map(result), ["failure"; 5]);
        let result = |code| Outcome::grpc(StatusCode::OK, code).result.to_string();
        assert_eq!([7, 16].map(Some).map(result), ["denied"; 2]);
        assert_eq!([Some(2), Some(14), Some(99), None].map(result), ["failure"; 4]);
        assert_eq!([Some(0), Some(1)].map(result), ["success", "cancelled"]);
    }
}
