//! Rules about trackers. What a user says of one is a JSON object, which only `fleet` understands.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    statements::{returned_id, statements},
};
use domain::{AccountId, RuleId, TrackerId};
use serde_json::{Map, Value};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as, query_scalar};

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: RuleId,
    pub account: AccountId,
    /// Its type, such as `speedup`.
    pub kind: String,
    /// By ascending id.
    pub trackers: Vec<TrackerId>,
    pub fields: Map<String, Value>,
}

struct TrackerOf(RuleId, TrackerId);

statements! {
    CREATE = "INSERT INTO rules (account_id, kind, fields) VALUES ($1, $2, $3) RETURNING id";
    UPDATE = "UPDATE rules SET kind = $3, fields = $4 WHERE id = $1 AND account_id = $2";
    DELETE = "DELETE FROM rules WHERE id = $1 AND account_id = $2";
    OF_ACCOUNT = "SELECT id, account_id, kind, fields FROM rules WHERE account_id = $1 ORDER BY id";
    READ = "SELECT id, account_id, kind, fields FROM rules WHERE id = $1 AND account_id = $2";
    TRACKERS_OF_ONE = "SELECT rule_id, tracker_id FROM rule_trackers \
        JOIN trackers ON trackers.id = rule_trackers.tracker_id WHERE rule_id = $1 AND deleted = 0 ORDER BY tracker_id";
    TRACKERS_OF = "SELECT rule_id, tracker_id FROM rule_trackers JOIN rules ON rules.id = rule_trackers.rule_id \
        JOIN trackers ON trackers.id = rule_trackers.tracker_id WHERE rules.account_id = $1 AND deleted = 0 \
        ORDER BY rule_id, tracker_id";
    CLEAR = "DELETE FROM rule_trackers WHERE rule_id = $1";
    BIND = "INSERT INTO rule_trackers (rule_id, tracker_id) SELECT rules.id, trackers.id FROM rules \
        JOIN trackers ON trackers.account_id = rules.account_id WHERE rules.id = $1 AND rules.account_id = $2 \
        AND trackers.id = $3 AND deleted = 0 ON CONFLICT (rule_id, tracker_id) DO NOTHING";
    OF_TRACKER = "SELECT rule_id FROM rule_trackers WHERE tracker_id = $1 ORDER BY rule_id";
    UNBIND = "DELETE FROM rule_trackers WHERE rule_id = $1 AND tracker_id = $3 \
        AND rule_id IN (SELECT id FROM rules WHERE account_id = $2)";
}

impl Catalog {
    /// Answers with its number. Trackers that the account does not have are passed over.
    ///
    /// # Errors
    /// `ReferenceNotFound` for an unknown account.
    pub async fn create_rule(
        &self,
        account: AccountId,
        kind: &str,
        fields: &Map<String, Value>,
        trackers: &[TrackerId],
    ) -> Result<RuleId, CatalogError> {
        let mut transaction = self.write().await?;
        let create = query(CREATE).bind(account.0).bind(kind).bind(json(fields)?);
        let id = RuleId(returned_id(&mut transaction, create).await?);
        each(&mut transaction, BIND, account, id, trackers).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`, also for another account's rule.
    pub async fn update_rule(&self, rule: &Rule) -> Result<(), CatalogError> {
        let Rule { id, account, kind, trackers, fields } = rule;
        let mut transaction = self.write().await?;
        let update = query(UPDATE).bind(id.0).bind(account.0).bind(kind).bind(json(fields)?);
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        query(CLEAR).bind(id.0).execute(&mut *transaction).await?;
        each(&mut transaction, BIND, *account, *id, trackers).await?;
        Ok(transaction.commit().await?)
    }

    /// # Errors
    /// `NotFound`, also for another account's rule.
    pub async fn delete_rule(&self, account: AccountId, id: RuleId) -> Result<(), CatalogError> {
        self.change_one(query(DELETE).bind(id.0).bind(account.0)).await
    }

    /// Lets the rule hold for these trackers too. Those that the account does not have are passed over.
    pub async fn bind_rule(
        &self,
        account: AccountId,
        id: RuleId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        each(&mut transaction, BIND, account, id, trackers).await?;
        Ok(transaction.commit().await?)
    }

    /// Lets the rule hold for these trackers no more.
    pub async fn unbind_rule(
        &self,
        account: AccountId,
        id: RuleId,
        trackers: &[TrackerId],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        each(&mut transaction, UNBIND, account, id, trackers).await?;
        Ok(transaction.commit().await?)
    }

    /// Those that hold for a tracker: it cannot be deleted while there are any.
    pub async fn rules_of_tracker(&self, tracker: TrackerId) -> Result<Vec<RuleId>, CatalogError> {
        let ids: Vec<i64> = query_scalar(OF_TRACKER).bind(tracker.0).fetch_all(self.reader()).await?;
        Ok(ids.into_iter().map(RuleId).collect())
    }

    /// A rule of the account.
    pub async fn rule(&self, account: AccountId, id: RuleId) -> Result<Option<Rule>, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let mut rule: Option<Rule> =
            query_as(READ).bind(id.0).bind(account.0).fetch_optional(&mut *snapshot).await?;
        if let Some(rule) = &mut rule {
            let trackers: Vec<TrackerOf> =
                query_as(TRACKERS_OF_ONE).bind(id.0).fetch_all(&mut *snapshot).await?;
            rule.trackers.extend(trackers.into_iter().map(|TrackerOf(_, tracker)| tracker));
        }
        snapshot.rollback().await?;
        Ok(rule)
    }

    /// By ascending id.
    pub async fn rules_of(&self, account: AccountId) -> Result<Vec<Rule>, CatalogError> {
        let mut snapshot = self.snapshot().await?;
        let mut rules: Vec<Rule> = query_as(OF_ACCOUNT).bind(account.0).fetch_all(&mut *snapshot).await?;
        let trackers: Vec<TrackerOf> =
            query_as(TRACKERS_OF).bind(account.0).fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        for TrackerOf(rule, tracker) in trackers {
            if let Ok(at) = rules.binary_search_by_key(&rule, |rule| rule.id) {
                rules[at].trackers.push(tracker);
            }
        }
        Ok(rules)
    }
}

async fn each(
    transaction: &mut AnyConnection,
    statement: &'static str,
    account: AccountId,
    id: RuleId,
    trackers: &[TrackerId],
) -> Result<(), CatalogError> {
    for tracker in trackers {
        query(statement).bind(id.0).bind(account.0).bind(tracker.0).execute(&mut *transaction).await?;
    }
    Ok(())
}

impl FromRow<'_, AnyRow> for Rule {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: RuleId(row.int("id")?),
            account: AccountId(row.int("account_id")?),
            kind: row.text("kind")?,
            trackers: Vec::new(),
            fields: row.json("fields")?,
        })
    }
}

impl FromRow<'_, AnyRow> for TrackerOf {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self(RuleId(row.int("rule_id")?), TrackerId(row.int("tracker_id")?)))
    }
}
