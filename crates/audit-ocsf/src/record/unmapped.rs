//! What of an event has no place in OCSF, under the names that it has in the event.

use audit_model::{Action, Actor, CanonicalError, Context, Event, Resource};

use super::{Record, in_part, own_count, time};
use crate::MappingError;
use crate::target::Class;
use crate::writer::Writer;

impl Record<'_> {
    pub(super) fn unmapped(&self, w: &mut Writer<'_>) -> Result<(), MappingError> {
        w.object("\"unmapped\":", false, |w| {
            let event = self.event;
            if let Some(action) = &event.action {
                self.left_of_action(w, action).map_err(in_part("action"))?;
            }
            if let Some(actor) = &event.actor {
                self.left_of_actor(w, actor).map_err(in_part("actor"))?;
            }
            self.about_the_log(w);
            if let Some(context) = &event.context {
                self.left_of_context(w, context).map_err(in_part("context"))?;
            }
            self.left_of_details(w).map_err(in_part("details"))?;
            if self.fit(event.event_id.as_str()).is_none() {
                w.text("\"event_id\":", event.event_id.as_str());
            }
            w.object("\"extra\":", false, |w| w.entries(&event.extra, |name| is_placed_extra(event, name)))
                .map_err(in_part("the event"))?;
            if let Some(resource) = &event.resource
                && self.session.is_none()
                && !self.resource_is_placed(resource)
            {
                self.whole_resource(w, resource).map_err(in_part("resource"))?;
            }
            if self.fit(&event.version).is_none() {
                w.text("\"version\":", &event.version);
            }
            Ok(())
        })
    }

    fn left_of_action(&self, w: &mut Writer<'_>, action: &Action) -> Result<(), CanonicalError> {
        let nothing = action.operation.is_none() && action.result.is_none() && action.duration_ms.is_none();
        w.object("\"action\":", nothing && action.extra.is_empty(), |w| {
            if let Some(operation) = action.operation.as_ref().filter(|_| self.operation.is_none()) {
                w.text("\"operation\":", operation);
            }
            if let Some(result) = action.result.as_ref().filter(|result| self.fit(result.as_str()).is_none())
            {
                w.text("\"result\":", result.as_str());
            }
            w.entries(&action.extra, |_| false)
        })
    }

    fn left_of_actor(&self, w: &mut Writer<'_>, actor: &Actor) -> Result<(), CanonicalError> {
        w.object("\"actor\":", *actor == Actor::default(), |w| {
            if let Some(id) = actor.id.as_ref().filter(|id| self.fit(id).is_none()) {
                w.text("\"id\":", id);
            }
            if let Some(address) = actor.ip_address.as_ref().filter(|_| self.address().is_none()) {
                w.text("\"ip_address\":", address);
            }
            if !self.roles_fit(actor) {
                w.value("roles", &actor.roles.clone().into())?;
            }
            if let Some(of) = actor.actor_type.as_ref().filter(|of| !self.type_fits(of)) {
                w.text("\"type\":", of.as_str());
            }
            if let Some(agent) = actor.user_agent.as_ref().filter(|agent| !self.user_agent_is_placed(agent)) {
                w.text("\"user_agent\":", agent);
            }
            let has_name = self.actors_name(actor).is_some();
            w.entries(&actor.extra, |name| name == "name" && has_name)
        })
    }

    fn left_of_context(&self, w: &mut Writer<'_>, context: &Context) -> Result<(), CanonicalError> {
        w.object("\"context\":", *context == Context::default(), |w| {
            if let Some(cluster) = &context.cluster_id {
                w.text("\"cluster_id\":", cluster);
            }
            if let Some(id) = context.correlation_id.as_ref().filter(|id| self.fit(id).is_none()) {
                w.text("\"correlation_id\":", id);
            }
            if let Some(environment) = &context.environment {
                w.text("\"environment\":", environment);
            }
            let (tenant, session) = (self.tenant(context).is_some(), self.context_session().is_some());
            // Without an actor there is no place for its session in Application Lifecycle.
            let has_actor = self.target.class == Class::ApiActivity || self.event.actor.is_some();
            w.entries(&context.extra, |name| {
                (name == "tenant_id" && tenant) || (name == "session_id" && session && has_actor)
            })
        })
    }

    fn whole_resource(&self, w: &mut Writer<'_>, resource: &Resource) -> Result<(), CanonicalError> {
        w.object("\"resource\":", true, |w| {
            for (key, text) in [
                ("\"id\":", &resource.id),
                ("\"path\":", &resource.path),
                ("\"type\":", &resource.resource_type),
            ] {
                if let Some(text) = text {
                    w.text(key, text);
                }
            }
            w.entries(&resource.extra, |_| false)
        })
    }

    fn left_of_details(&self, w: &mut Writer<'_>) -> Result<(), CanonicalError> {
        w.object("\"details\":", false, |w| {
            let details = &self.event.details;
            let is_masked = |name: &str| self.masked.iter().any(|(masked, _)| *masked == name);
            w.entries(details, |name| {
                self.placed.contains(&name)
                    || (name == "http_request" && self.request.is_some())
                    || is_masked(name)
            })?;
            self.masked.iter().try_for_each(|(name, value)| w.value(name, value))?;
            let Some(request) = &self.request else { return Ok(()) };
            let is_empty = request.placed.is_empty();
            w.object("\"http_request\":", is_empty, |w| w.entries(&request.left, |_| false))
        })
    }

    /// What the log knows and OCSF has no place for.
    fn about_the_log(&self, w: &mut Writer<'_>) {
        let last = self.recorded.last_sequence_number.and_then(|number| i64::try_from(number).ok());
        let line = self.recorded.line.filter(|_| self.mapping.raw_data);
        let hidden = line.is_some() && self.hides_line();
        let long = line.filter(|_| !self.line_fits && !hidden);
        if last.is_none() && !hidden && long.is_none() {
            return;
        }
        w.open("\"audit_log\":");
        if let Some(last) = last {
            w.number("\"last_sequence\":", last);
        }
        if let Some(line) = long {
            w.text("\"raw_data\":", line);
        }
        if hidden {
            w.text("\"raw_data_omitted\":", "it holds a secret that is masked here");
        }
        w.close();
    }
}

fn is_placed_extra(event: &Event, name: &str) -> bool {
    match name {
        "count" => own_count(event).is_some(),
        "start_time" | "end_time" | "logged_time" => time(event.extra.get(name)).is_some(),
        _ => false,
    }
}
