//! Who a user is, as the panel and a master give it and as every action prints it.

use crate::parameters::{Text, choices, parameters};
use fleet::{Address, Failure, LegalType, Person, Profile};
use schemars::JsonSchema;
use serde::Serialize;

choices! {
    enum Legal {
        Individual "individual",
        Entity "legal_entity",
        SoleTrader "sole_trader",
    }
}

type Line = Option<Text<0, 255>>;

parameters! {
    /// What is not given stays as it is.
    struct PersonFields {
        first_name: Line,
        middle_name: Line,
        last_name: Line,
        legal_type: Option<Legal>,
        legal_name: Line,
        phone: Option<Text<0, 15>>,
        post_country: Line,
        post_index: Line,
        post_region: Line,
        post_city: Line,
        post_street_address: Line,
        registered_country: Line,
        registered_index: Line,
        registered_region: Line,
        registered_city: Line,
        registered_street_address: Line,
        state_reg_num: Line,
        tin: Line,
        okpo_code: Line,
        iec: Line,
    }
}

impl PersonFields {
    pub(crate) fn legal_type(&self) -> Option<LegalType> {
        self.legal_type.map(|legal_type| match legal_type {
            Legal::Individual => LegalType::Individual,
            Legal::Entity => LegalType::LegalEntity,
            Legal::SoleTrader => LegalType::SoleTrader,
        })
    }

    pub(crate) fn new_person(self) -> Person {
        self.applied_to(Person {
            first_name: String::new(),
            middle_name: String::new(),
            last_name: String::new(),
            phone: String::new(),
            legal_type: LegalType::Individual,
            profile: Profile::default(),
        })
    }

    /// As `applied_to`, for one whose legal type stays for ever: plans depend on it.
    ///
    /// # Errors
    /// `InvalidParameters` for another legal type, which the call has as `parameter`.
    pub(crate) fn applied_to_same(self, person: Person, parameter: &str) -> Result<Person, Failure> {
        match self.legal_type() {
            Some(legal_type) if legal_type != person.legal_type => {
                Err(Failure::parameter(parameter, "cannot be changed"))
            }
            _ => Ok(self.applied_to(person)),
        }
    }

    pub(crate) fn applied_to(self, person: Person) -> Person {
        let Profile { legal_name, post, registered, state_reg_num, tin, okpo_code, iec, discount } =
            person.profile;
        Person {
            legal_type: self.legal_type().unwrap_or(person.legal_type),
            first_name: line(self.first_name, person.first_name),
            middle_name: line(self.middle_name, person.middle_name),
            last_name: line(self.last_name, person.last_name),
            phone: self.phone.map_or(person.phone, |phone| phone.0),
            profile: Profile {
                legal_name: line(self.legal_name, legal_name),
                post: Address {
                    country: line(self.post_country, post.country),
                    index: line(self.post_index, post.index),
                    region: line(self.post_region, post.region),
                    city: line(self.post_city, post.city),
                    street_address: line(self.post_street_address, post.street_address),
                },
                registered: Address {
                    country: line(self.registered_country, registered.country),
                    index: line(self.registered_index, registered.index),
                    region: line(self.registered_region, registered.region),
                    city: line(self.registered_city, registered.city),
                    street_address: line(self.registered_street_address, registered.street_address),
                },
                state_reg_num: line(self.state_reg_num, state_reg_num),
                tin: line(self.tin, tin),
                okpo_code: line(self.okpo_code, okpo_code),
                iec: line(self.iec, iec),
                discount,
            },
        }
    }
}

fn line(given: Line, before: String) -> String {
    given.map_or(before, |text| text.0)
}

/// Who a user is, as both APIs print it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PersonObject {
    first_name: String,
    middle_name: String,
    last_name: String,
    phone: String,
    legal_type: &'static str,
    legal_name: String,
    post_country: String,
    post_index: String,
    post_region: String,
    post_city: String,
    post_street_address: String,
    registered_country: String,
    registered_index: String,
    registered_region: String,
    registered_city: String,
    registered_street_address: String,
    state_reg_num: String,
    tin: String,
    okpo_code: String,
    iec: String,
}

impl PersonObject {
    pub(crate) fn of(person: Person) -> Self {
        let Person { first_name, middle_name, last_name, phone, legal_type, profile } = person;
        let Profile { legal_name, post, registered, state_reg_num, tin, okpo_code, iec, discount: _ } =
            profile;
        Self {
            first_name,
            middle_name,
            last_name,
            phone,
            legal_type: legal_type.as_str(),
            legal_name,
            post_country: post.country,
            post_index: post.index,
            post_region: post.region,
            post_city: post.city,
            post_street_address: post.street_address,
            registered_country: registered.country,
            registered_index: registered.index,
            registered_region: registered.region,
            registered_city: registered.city,
            registered_street_address: registered.street_address,
            state_reg_num,
            tin,
            okpo_code,
            iec,
        }
    }
}
