use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use audit_integrity::EventDigest;

use crate::completion::Ticket;
use crate::queue::{Caller, Refusal};
use crate::shared::Shared;
use crate::{EmitError, Receipt};

/// What [`Pipeline::emit`](crate::Pipeline::emit) returns: resolves when the event is as durable as was asked for.
#[must_use = "the answer says whether the event was recorded"]
pub struct Emit {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    pub(crate) state: EmitState,
}

pub(crate) enum EmitState {
    Known(Result<Receipt, EmitError>),
    InLine(Ticket),
    NoRoom(Vec<u8>, Option<EventDigest>),
}

impl Emit {
    /// Whether the event is on its way, or what became of it known: then dropping this loses the answer alone. While it
    /// waits for room in memory it is not, and is lost with this.
    #[must_use]
    pub fn is_on_its_way(&self) -> bool {
        !matches!(self.state, EmitState::NoRoom(..))
    }
}

impl Future for Emit {
    type Output = Result<Receipt, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, caller, state } = &mut *self;
        loop {
            match state {
                EmitState::Known(answer) => return Poll::Ready(answer.clone()),
                EmitState::InLine(ticket) => return ticket.poll(context.waker()),
                EmitState::NoRoom(bytes, digest) => match shared.queue.push(bytes, *digest, *caller, true) {
                    Ok(ticket) if caller.waits() => *state = EmitState::InLine(ticket),
                    Ok(_) => *state = EmitState::Known(Ok(Receipt::Queued)),
                    Err(Refusal::Closed) => *state = EmitState::Known(Err(EmitError::Closed)),
                    Err(Refusal::Full { .. }) => {
                        if shared.queue.wait_for_room(bytes.len(), caller.waits(), context.waker()) {
                            return Poll::Pending;
                        }
                    }
                },
            }
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
