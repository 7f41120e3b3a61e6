//! Destinations that come and go while others are delivered to.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::delivery::{LONGEST, check_names, left};
use crate::place::Place;
use crate::progress::gauge_nothing;
use crate::{Delivery, DeliveryError, Destination, State, Undelivered};

impl Delivery {
    /// Begins to deliver to one more destination, from where it was if it was one before: see [`change`](Self::change).
    ///
    /// # Errors
    /// As [`change`](Self::change), and [`DeliveryError::Name`] when there is one of that name.
    pub fn add(&self, destination: Destination) -> Result<(), DeliveryError> {
        if self.progress.place(&destination.name).is_some() {
            return Err(DeliveryError::Name(destination.name));
        }
        self.change(&[], vec![destination], Duration::ZERO).map(drop)
    }

    /// Delivers to a destination no longer, and says what it lacks of the records that are durable now, if it lacks any: see
    /// [`change`](Self::change).
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn remove(&self, name: &str, patience: Duration) -> Result<Option<Undelivered>, DeliveryError> {
        Ok(self.change(&[name.to_owned()], Vec::new(), patience)?.pop())
    }

    /// Removes destinations and adds others, without disturbing the rest. Blocks until those that go have let go of their
    /// places, for `patience` and two seconds more at the longest. Returns what the removed ones lack.
    ///
    /// One that is **removed** counts no more at once: neither callers nor the log's files wait for it. Within `patience` it
    /// is sent what was durable by then, and nothing later. Its files stay: should it be added again, it goes on from there.
    ///
    /// One that is **added** begins as at the start of a delivery. Records that it lacks may have been deleted meanwhile: that
    /// is a notice. If it is required, callers wait for it with records that were not durable yet; who waits already for one
    /// that was is not affected.
    ///
    /// One that is added under the name of another **replaces** it, whether or not that is in `remove`. What is on its way is
    /// finished within `patience`, or at once sent again as the same batch by the successor if it is failing. Callers who
    /// wait for it wait for its successor.
    ///
    /// # Errors
    /// Nothing has changed if a name is wrong or unknown, the state of one that is added cannot be read, or the delivery was
    /// closed. Else it is [`DeliveryError::Partly`], and all has that could: one that cannot be replaced stays, failing, until it is
    /// replaced or removed.
    pub fn change(
        &self,
        remove: &[String],
        add: Vec<Destination>,
        patience: Duration,
    ) -> Result<Vec<Undelivered>, DeliveryError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut fresh, mut leaving) = (Vec::new(), Vec::new());
        let going = self.check(remove, &add)?;
        for destination in add {
            match self.progress.place(&destination.name) {
                Some(before) => leaving.push((before, Some(destination))),
                None => fresh.push((self.resume(&destination)?, destination)),
            }
        }
        self.let_go(&going, &leaving, Instant::now() + patience.min(LONGEST));
        leaving.extend(going.into_iter().map(|place| (place, None)));
        let mut errors = Vec::new();
        for (state, destination) in fresh {
            errors.extend(self.begin(state, destination).err());
        }
        let mut lacking = Vec::new();
        while !leaving.is_empty() {
            let places: Vec<_> = leaving.iter().map(|(place, _)| Arc::clone(place)).collect();
            self.progress.wait_for_end(&places);
            let (gone, others): (Vec<_>, Vec<_>) =
                leaving.into_iter().partition(|(place, _)| place.ending.is_over());
            leaving = others;
            for (place, successor) in gone {
                match successor {
                    Some(successor) => errors.extend(self.replace(&place, successor).err()),
                    None => {
                        gauge_nothing(&place.name);
                        lacking.extend(left(&place, self.progress.durable()));
                    }
                }
            }
        }
        match errors.into_iter().next() {
            Some(error) => Err(DeliveryError::Partly(Box::new(error))),
            None => Ok(lacking),
        }
    }

    /// The places that are to be removed, if the change can be made.
    fn check(&self, remove: &[String], add: &[Destination]) -> Result<Vec<Arc<Place>>, DeliveryError> {
        check_names(add)?;
        let mut running = self.running();
        if running.is_closed {
            return Err(DeliveryError::Closed);
        }
        running.followers.retain(|place| place.ending.end().is_none());
        let is_left = |name: &str| running.followers.iter().any(|it| it.is_removed() && it.name == name);
        if let Some(busy) = add.iter().find(|destination| is_left(&destination.name)) {
            return Err(DeliveryError::Busy(busy.name.clone()));
        }
        let places = self.progress.places();
        let known = |name: &String| {
            let place = places.iter().find(|place| place.name == *name).cloned();
            place.ok_or_else(|| DeliveryError::Unknown {
                name: name.clone(),
                known: places.iter().map(|place| place.name.clone()).collect(),
            })
        };
        let named = remove.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let stays = |place: &Arc<Place>| add.iter().any(|destination| destination.name == place.name);
        let mut going: Vec<_> = named.into_iter().filter(|place| !stays(place)).collect();
        going.dedup_by(|a, b| Arc::ptr_eq(a, b));
        Ok(going)
    }

    /// Has followers end by then, and those who wait for the removed ones go on.
    fn let_go(&self, going: &[Arc<Place>], replaced: &[(Arc<Place>, Option<Destination>)], by: Instant) {
        self.progress.places_mut().retain(|place| {
            let goes = going.iter().any(|it| Arc::ptr_eq(it, place));
            place.is_removed.fetch_or(goes, Ordering::SeqCst);
            !goes
        });
        let last = self.progress.durable();
        going.iter().for_each(|place| place.ending.close(by, last));
        for (place, _) in replaced {
            // What cannot be sent now is for the successor, and so is all that is not on its way.
            let by = if place.is_failing() { Instant::now() } else { by };
            place.ending.close(by, 0);
        }
        self.progress.wake();
        if going.iter().any(|place| place.required) {
            self.progress.release();
        }
    }

    fn begin(&self, state: State, destination: Destination) -> Result<(), DeliveryError> {
        let place = Arc::new(Place::new(&destination, &state, self.progress.durable()));
        // First, so that no record is deleted that it lacks.
        self.progress.places_mut().push(Arc::clone(&place));
        self.spawn(destination, state, Arc::clone(&place)).inspect_err(|_| {
            self.progress.places_mut().retain(|it| !Arc::ptr_eq(it, &place));
        })
    }

    /// Puts a destination in the place of one of the same name, whose follower has ended.
    fn replace(&self, before: &Place, destination: Destination) -> Result<(), DeliveryError> {
        let failed = |error: DeliveryError| {
            before.broken(&format!("it cannot be replaced: {error}"));
            error
        };
        if before.ending.end().is_none() {
            return Err(failed(DeliveryError::Busy(destination.name)));
        }
        let state = self.resume(&destination).map_err(failed)?;
        let mut place = Place::new(&destination, &state, self.progress.durable());
        place.succeed(before, destination.outages);
        let place = Arc::new(place);
        self.spawn(destination, state, Arc::clone(&place)).map_err(failed)?;
        let mut places = self.progress.places_mut();
        before.is_removed.store(true, Ordering::SeqCst);
        for known in places.iter_mut().filter(|known| std::ptr::eq(&raw const ***known, before)) {
            *known = Arc::clone(&place);
        }
        drop(places);
        if before.required && !place.required {
            self.progress.release();
        }
        Ok(())
    }
}
