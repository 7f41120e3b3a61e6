//! Where a destination goes on.

use std::fs;
use std::io;
use std::path::Path;

use crate::delivery::{Listener, Log};
use crate::state::StateFile;
use crate::{Beginning, Destination, State};

/// The state that a destination begins with.
pub(crate) fn resume(
    log: &Log,
    directory: &Path,
    destination: &Destination,
    listener: &dyn Listener,
) -> io::Result<State> {
    let name = &destination.name;
    let acknowledged = match destination.beginning {
        Beginning::First => 0,
        Beginning::Now => log.durable,
        Beginning::Behind(number) => number.min(log.durable),
    };
    let gets = match destination.beginning {
        Beginning::First => "all that this log holds",
        _ => "what this log gets from now on",
    };
    let anew = State { chain_id: log.chain_id.clone(), acknowledged, ..State::default() };
    let begun = |anew: State| {
        if destination.beginning == Beginning::Now {
            // Or else a crash before the first record that is for it would have it begin behind that.
            StateFile::of(directory, name).store(&anew)?;
        }
        Ok(anew)
    };
    match State::load(directory, name) {
        Ok(None) => begun(anew),
        Ok(Some(mut state)) if state.chain_id == log.chain_id && state.acknowledged <= log.durable => {
            if let Beginning::Behind(number) = destination.beginning
                && number < state.acknowledged
            {
                state.acknowledged = number;
                state.in_flight = None;
            }
            Ok(state)
        }
        Ok(Some(state)) => {
            State::set_aside(directory, name)?;
            listener.notice(format!(
                "destination `{name}` had the records of {} up to {}, which this log ({} up to {}) is not: it gets \
                 {gets}, and nothing more of the other one",
                state.chain_id, state.acknowledged, log.chain_id, log.durable
            ));
            begun(anew)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            State::set_aside(directory, name)?;
            listener.notice(format!("destination `{name}`: {error}; it gets {gets}"));
            begun(anew)
        }
        Err(error) => Err(error),
    }
}

/// Makes a directory, and those above it, for the owner alone.
///
/// # Errors
/// When that cannot be made.
pub fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
