use crate::canonical::{CanonicalError, ObjectWriter, WriteCanonical, field, to_value, write_json_string};
use crate::fields::Fields;
use crate::open_string::open_string;
use crate::tree::Tree;
use crate::{FieldError, Map, Value};

open_string! {
    /// What kind of actor it is.
    ActorType {
        /// A person.
        USER = "user";
        /// A program acting under an identity of its own.
        SERVICE = "service";
        /// The product itself: schedules, clean-up, the audit log's own records.
        SYSTEM = "system";
    }
}

/// Who did it.
///
/// ```
/// use audit_model::Actor;
///
/// let actor = Actor::user("alice@company.com").role("backup-operator").ip_address("10.0.0.50");
/// assert_eq!(actor.roles, ["backup-operator"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Actor {
    /// The identity, unique within the product: a user name, an address, a service account.
    pub id: Option<String>,
    /// Where the request came from, as text: an address of IPv4 or IPv6.
    pub ip_address: Option<String>,
    /// The roles that the actor had at that moment.
    pub roles: Vec<String>,
    /// A person, a service, the system, or a kind of your own.
    pub actor_type: Option<ActorType>,
    /// The program that the request came from.
    pub user_agent: Option<String>,
    /// Fields that this crate has no name for, kept as they came.
    pub extra: Map,
}

impl Actor {
    /// An actor of a kind of your own.
    #[must_use]
    pub fn new(actor_type: impl Into<ActorType>, id: impl Into<String>) -> Self {
        Self { actor_type: Some(actor_type.into()), id: Some(id.into()), ..Self::default() }
    }

    /// A person.
    #[must_use]
    pub fn user(id: impl Into<String>) -> Self {
        Self::new(ActorType::USER, id)
    }

    /// A program acting under an identity of its own.
    #[must_use]
    pub fn service(id: impl Into<String>) -> Self {
        Self::new(ActorType::SERVICE, id)
    }

    /// The product itself.
    #[must_use]
    pub fn system(id: impl Into<String>) -> Self {
        Self::new(ActorType::SYSTEM, id)
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the address that the request came from.
    #[must_use]
    pub fn ip_address(mut self, address: impl Into<String>) -> Self {
        self.ip_address = Some(address.into());
        self
    }

    /// Sets the program that the request came from.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// The actor as its JSON object; null when something in it has no canonical text, such as a number beyond
    /// ±(2^53 − 1) in a field without a name here.
    #[must_use]
    pub fn to_value(&self) -> Value {
        to_value(self)
    }

    /// Reads the actor from its JSON object.
    ///
    /// # Errors
    /// When a known field has another JSON type than it should.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        Self::from_tree(Tree::Value(value))
    }

    pub(crate) fn from_tree(tree: Tree<'_>) -> Result<Self, FieldError> {
        let mut fields = Fields::new("actor", tree)?;
        Ok(Self {
            id: fields.string("id")?,
            ip_address: fields.string("ip_address")?,
            roles: fields.strings("roles")?,
            actor_type: fields.string("type")?.map(ActorType::from),
            user_agent: fields.string("user_agent")?,
            extra: fields.rest(),
        })
    }
}

impl WriteCanonical for Actor {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
        let mut object =
            ObjectWriter::new(out, &self.extra, &["id", "ip_address", "roles", "type", "user_agent"], 1);
        if let Some(id) = &self.id {
            field!(object, "id", id);
        }
        if let Some(address) = &self.ip_address {
            field!(object, "ip_address", address);
        }
        if !self.roles.is_empty() {
            let out = object.field("roles", "\"roles\":");
            out.push(b'[');
            for (index, role) in self.roles.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json_string(role, out);
            }
            out.push(b']');
        }
        if let Some(actor_type) = &self.actor_type {
            field!(object, "type", actor_type.as_str());
        }
        if let Some(user_agent) = &self.user_agent {
            field!(object, "user_agent", user_agent);
        }
        object.end()
    }
}
