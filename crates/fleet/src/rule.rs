//! Rules about trackers, as users keep them. They do not fire yet.

use crate::{Failure, Fleet, UserCaller, directory::Tables};
use domain::{ErrorCode, RuleId, TrackerId};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use store::catalog::Rule;

/// Hold in one place each, which a rule must name.
const ABOUT_A_ZONE: [&str; 2] = ["inoutzone", "route"];
/// Holds everywhere.
const ABOUT_NO_ZONE: &str = "offline";

/// What a user says of a rule; `fields` are those of the form `rule`.
pub struct RuleDraft {
    pub trackers: Vec<TrackerId>,
    pub fields: Map<String, Value>,
}

impl Fleet {
    /// All that the caller sees, by ascending id: those that hold for a tracker that it sees, and those for none. Of
    /// their trackers those that the caller sees.
    pub async fn rules(&self, caller: &UserCaller) -> Result<Vec<Rule>, Failure> {
        let rules = self.catalog.rules_of(caller.account()).await?;
        let tables = self.directory.read();
        Ok(rules.into_iter().filter_map(|rule| shown(&tables, caller, rule)).collect())
    }

    /// # Errors
    /// `NotFound`.
    pub async fn rule(&self, caller: &UserCaller, id: RuleId) -> Result<Rule, Failure> {
        let rule = self.catalog.rule(caller.account(), id).await?.ok_or(ErrorCode::NotFound)?;
        shown(&self.directory.read(), caller, rule).ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// Trackers that the caller does not see are passed over.
    ///
    /// # Errors
    /// `InvalidParameters` when it needs a zone, or may have none; `EntityNotFound` for a zone.
    pub async fn create_rule(&self, caller: &UserCaller, draft: RuleDraft) -> Result<RuleId, Failure> {
        check_zones(&draft.fields)?;
        let _turn = self.turn(caller).await?;
        let trackers = seen(&self.directory.read(), caller, &draft.trackers);
        let kind = kind(&draft.fields);
        Ok(self.catalog.create_rule(caller.account(), kind, &draft.fields, &trackers).await?)
    }

    /// For trackers that the caller does not see it holds as before.
    ///
    /// # Errors
    /// As `create_rule`; `NotFound`.
    pub async fn update_rule(
        &self,
        caller: &UserCaller,
        id: RuleId,
        draft: RuleDraft,
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        let before = self.catalog.rule(caller.account(), id).await?.ok_or(ErrorCode::NotFound)?;
        let all = before.trackers.clone();
        shown(&self.directory.read(), caller, before).ok_or(ErrorCode::NotFound)?;
        check_zones(&draft.fields)?;
        let trackers = {
            let tables = self.directory.read();
            let hidden = all.into_iter().filter(|tracker| !tables.sees(caller, *tracker));
            hidden.chain(seen(&tables, caller, &draft.trackers)).collect()
        };
        let (kind, fields) = (kind(&draft.fields).to_owned(), draft.fields);
        let rule = Rule { id, account: caller.account(), kind, trackers, fields };
        Ok(self.catalog.update_rule(&rule).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn delete_rule(&self, caller: &UserCaller, id: RuleId) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.rule(caller, id).await?;
        Ok(self.catalog.delete_rule(caller.account(), id).await?)
    }

    /// Lets a rule hold for these trackers too; those that the caller does not see are passed over.
    ///
    /// # Errors
    /// `NotFound` for the rule.
    pub async fn bind_rule(
        &self,
        caller: &UserCaller,
        id: RuleId,
        trackers: &[TrackerId],
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.rule(caller, id).await?;
        let trackers = seen(&self.directory.read(), caller, trackers);
        Ok(self.catalog.bind_rule(caller.account(), id, &trackers).await?)
    }

    /// Lets a rule hold for these trackers no more.
    ///
    /// # Errors
    /// `NotFound` for the rule.
    pub async fn unbind_rule(
        &self,
        caller: &UserCaller,
        id: RuleId,
        trackers: &[TrackerId],
    ) -> Result<(), Failure> {
        let _turn = self.turn(caller).await?;
        self.rule(caller, id).await?;
        let trackers = seen(&self.directory.read(), caller, trackers);
        Ok(self.catalog.unbind_rule(caller.account(), id, &trackers).await?)
    }
}

/// A rule with those of its trackers that the caller sees; `None` when it has others only.
fn shown(tables: &Tables, caller: &UserCaller, mut rule: Rule) -> Option<Rule> {
    let is_bound = !rule.trackers.is_empty();
    rule.trackers.retain(|tracker| tables.sees(caller, *tracker));
    (!is_bound || !rule.trackers.is_empty()).then_some(rule)
}

fn kind(fields: &Map<String, Value>) -> &str {
    fields.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// There are no zones yet, so that one that is named does not exist.
fn check_zones(fields: &Map<String, Value>) -> Result<(), Failure> {
    let zones = fields.get("zone_ids").and_then(Value::as_array).map_or(0, Vec::len);
    let kind = kind(fields);
    if ABOUT_A_ZONE.contains(&kind) && zones == 0 {
        Err(Failure::parameter("zone_ids", "must name a zone, for a rule of this type"))
    } else if kind == ABOUT_NO_ZONE && zones > 0 {
        Err(Failure::parameter("zone_ids", "must be empty, for a rule of this type"))
    } else if zones > 0 {
        Err(ErrorCode::EntityNotFound.into())
    } else {
        Ok(())
    }
}

/// Each once.
fn seen(tables: &Tables, caller: &UserCaller, trackers: &[TrackerId]) -> Vec<TrackerId> {
    let own = |id: &&TrackerId| tables.tracker(caller.account(), **id).is_some() && tables.sees(caller, **id);
    trackers.iter().filter(own).copied().collect::<BTreeSet<_>>().into_iter().collect()
}
