//! From sources that run to those of another configuration.

use std::net::SocketAddr;
use std::sync::Arc;

use audit_config::{Config, SourceKind};

use crate::place::{Place, place};
use crate::running::Running;
use crate::service::{Inner, lock};
use crate::sources::Listener;
use crate::{ReloadError, ServiceError};

impl Inner {
    /// Has the sources and the listener for operations be those of `new`, and leaves alone what is the same. If that cannot be, all is as
    /// before. What can be made beside the old ones is there before they end; one that listens where an old one did goes on with its
    /// listener, so that nobody is turned away.
    pub(crate) fn change_sources(self: &Arc<Self>, old: &Config, new: &Config) -> Result<(), ReloadError> {
        let (ending, beginning) = (differing(old, new), differing(new, old));
        let operations = |config: &Config| config.operations.as_ref().map(audit_config::Operations::address);
        let (operations_before, operations_now) = (operations(old), operations(new));
        let is_told_elsewhere = operations_before != operations_now;
        let mut free = self.listeners(old, &ending);
        if is_told_elsewhere {
            free.extend(operations_before.zip(self.operations_listener()));
        }
        let mut held: Vec<Place<'_>> = ending.iter().map(|index| place(&old.sources[*index].kind)).collect();
        held.extend(operations_before.filter(|_| is_told_elsewhere).map(Place::Address));

        let (mut made, mut later) = (Vec::new(), Vec::new());
        for index in &beginning {
            self.unless_stopping()?;
            let kind = &new.sources[*index].kind;
            let listener = listener_for(kind, &mut free);
            if listener.is_none() && held.iter().any(|held| held.is_in_the_way_of(&place(kind))) {
                later.push(*index);
            } else {
                made.push(self.make(new, *index, listener)?);
            }
        }
        let is_later = operations_now.filter(|_| is_told_elsewhere).is_some_and(|address| {
            let wanted = Place::Address(address);
            !free.iter().any(|(known, _)| *known == address)
                && held.iter().any(|held| held.is_in_the_way_of(&wanted))
        });
        let mut server = match operations_now.filter(|_| is_told_elsewhere && !is_later) {
            Some(address) => Some(self.make_operations(address, take(&mut free, address))?),
            None => None,
        };
        // Whoever has a listener keeps its address.
        drop(free);

        // Those that are in the way of others end first.
        let wanted: Vec<Place<'_>> = later.iter().map(|index| place(&new.sources[*index].kind)).collect();
        let wants_operations = operations_now.filter(|_| is_later).map(Place::Address);
        let is_wanted = |held: &Place<'_>| {
            wanted.iter().chain(&wants_operations).any(|wanted| held.is_in_the_way_of(wanted))
        };
        let (first, rest): (Vec<usize>, Vec<usize>) =
            ending.iter().partition(|index| is_wanted(&place(&old.sources[**index].kind)));
        if !first.is_empty() || is_later {
            self.unless_stopping()?;
            let end_operations =
                is_told_elsewhere && operations_before.is_some_and(|it| is_wanted(&Place::Address(it)));
            self.end_some(old, &first);
            if end_operations {
                self.swap_operations(None);
            }
            let begun = later.iter().try_for_each(|index| {
                made.push(self.make(new, *index, None)?);
                Ok::<_, ServiceError>(())
            });
            let begun = begun.and_then(|()| {
                if let Some(address) = operations_now.filter(|_| is_later) {
                    server = Some(self.make_operations(address, None)?);
                }
                Ok(())
            });
            if let Err(error) = begun {
                drop((made, server));
                let operations = operations_before.filter(|_| end_operations);
                self.begin_again(old, &first, operations);
                return Err(error.into());
            }
        }

        let mut leaving = self.taken_out(old, &rest);
        // Whoever connects in between waits for the next one to accept.
        leaving.iter_mut().for_each(Running::begin_to_stop);
        made.into_iter().for_each(|made| self.launch(made));
        if is_told_elsewhere {
            self.swap_operations(server);
        }
        self.wait_for(leaving);
        Ok(())
    }

    /// The listeners of those sources, by the address that they were asked for.
    fn listeners(&self, config: &Config, which: &[usize]) -> Vec<(SocketAddr, Listener)> {
        #[cfg(feature = "http")]
        {
            let sources = lock(&self.sources);
            let of = |index: &usize| {
                let source = &config.sources[*index];
                let Place::Address(address) = place(&source.kind) else { return None };
                let (_, running) = sources.iter().find(|(name, _)| name == source.shown_name())?;
                Some((address, running.listener.clone()?))
            };
            which.iter().filter_map(of).collect()
        }
        #[cfg(not(feature = "http"))]
        {
            let _ = (config, which);
            Vec::new()
        }
    }

    fn operations_listener(&self) -> Option<Listener> {
        #[cfg(feature = "http")]
        return lock(&self.operations).as_ref().map(|running| running.listener.clone());
        #[cfg(not(feature = "http"))]
        None
    }

    /// Ends these, and waits until their places are free.
    fn end_some(&self, config: &Config, which: &[usize]) {
        let mut leaving = self.taken_out(config, which);
        // All at once: each waits for what is on its way.
        leaving.iter_mut().for_each(Running::begin_to_stop);
        self.wait_for(leaving);
    }

    /// Has those go on that were ended for others which cannot be.
    fn begin_again(self: &Arc<Self>, config: &Config, which: &[usize], operations: Option<SocketAddr>) {
        let failed = |error: ServiceError| {
            tracing::error!("it could not go on as before: {error}; restart the service");
        };
        for index in which {
            match self.make(config, *index, None) {
                Ok(made) => self.launch(made),
                Err(error) => failed(error),
            }
        }
        match operations.map(|address| self.make_operations(address, None)) {
            Some(Ok(server)) => self.launch_operations(server),
            Some(Err(error)) => failed(error),
            None => {}
        }
    }

    fn taken_out(&self, config: &Config, which: &[usize]) -> Vec<Running> {
        let names: Vec<_> = which.iter().map(|index| config.sources[*index].shown_name()).collect();
        let mut sources = lock(&self.sources);
        sources
            .extract_if(.., |(name, _)| names.contains(&name.as_str()))
            .map(|(_, running)| running)
            .collect()
    }

    /// Waits until they have ended; or until the service is to stop, which then waits for them.
    fn wait_for(&self, leaving: Vec<Running>) {
        self.runtime.block_on(async {
            for mut running in leaving {
                if self.stopping.run_until_cancelled(running.stopped()).await.is_none() {
                    lock(&self.leaving).push(running);
                }
            }
        });
    }
}

/// Which sources of a configuration are not in the other one, or not the same there.
fn differing(config: &Config, other: &Config) -> Vec<usize> {
    let is_in_other = |index: usize| {
        let name = config.sources[index].shown_name();
        let there = other.sources.iter().position(|source| source.shown_name() == name);
        there.is_some_and(|there| other.is_same_source(there, config, index))
    };
    (0..config.sources.len()).filter(|index| !is_in_other(*index)).collect()
}

fn listener_for(kind: &SourceKind, free: &mut Vec<(SocketAddr, Listener)>) -> Option<Listener> {
    match kind {
        SourceKind::Http(http) => take(free, http.address()),
        _ => None,
    }
}

fn take(free: &mut Vec<(SocketAddr, Listener)>, address: SocketAddr) -> Option<Listener> {
    let index = free.iter().position(|(known, _)| *known == address)?;
    Some(free.remove(index).1)
}
