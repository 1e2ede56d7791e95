// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored text of the enumerations: their stable ids.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::check::{Check, Role};
use crate::event::{Event, Support};
use crate::order::{Order, Places};
use crate::plan::{Flow, RuntimeCase};
use crate::scenario::Scenario;
use crate::verdict::Class;

macro_rules! as_id {
    ($($type:ty, $what:literal;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = String::deserialize(deserializer)?;
                Self::from_id(&id).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&id), &$what))
            }
        }
    )*};
}

as_id! {
    Check, "the id of a check";
    Class, "the id of a verdict class";
    Event, "the id of a counter event";
    Flow, "the id of a boot flow";
    Order, "the id of an order";
    Places, "how long stubs stay at one place";
    Role, "the id of a role";
    RuntimeCase, "the id of a slot case";
    Support, "the id of the support of an event";
}

impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scenario {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        id.parse()
            .map_err(|_| D::Error::invalid_value(Unexpected::Str(&id), &"the id of a scenario"))
    }
}
