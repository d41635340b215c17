//! Activation codes: each registers one tracker on a plan, with free days and a bonus.

use super::{
    Catalog, CatalogError, Direction, Listed, Money, Page,
    columns::Columns,
    listing::orders,
    statements::{returned, statements},
};
use domain::{AccountId, SourceId, TariffId, Timestamp};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationCode {
    pub code: String,
    pub terms: CodeTerms,
    pub tariff_name: String,
    /// When it was used, and for which source.
    pub used: Option<(Timestamp, SourceId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeTerms {
    pub tariff: TariffId,
    /// Added to the bonus of the account that uses it.
    pub bonus: Money,
    pub free_days: i64,
}

macro_rules! select_codes {
    () => {
        "SELECT activation_codes.id AS id, code, tariff_id, bonus_amount, free_days, activated, source_id, tariffs.name AS tariff_name \
         FROM activation_codes JOIN tariffs ON tariffs.id = activation_codes.tariff_id"
    };
}

macro_rules! listed_codes {
    () => {
        " WHERE (code LIKE $1 ESCAPE '\\' OR CAST(tariff_id AS TEXT) LIKE $1 OR CAST(source_id AS TEXT) LIKE $1)"
    };
}

orders! {
    pub enum CodeOrder {
        #[default]
        Code = "code",
        Activated = "COALESCE(activated, 0)",
        TariffId = "tariff_id",
        TariffName = "tariffs.name",
        BonusAmount = "bonus_amount",
        FreeDays = "free_days",
    }
    concat!(select_codes!(), listed_codes!());
    " LIMIT $2 OFFSET $3"
}

statements! {
    CREATE = "INSERT INTO activation_codes (code, tariff_id, bonus_amount, free_days) VALUES ($1, $2, $3, $4)";
    READ = concat!(select_codes!(), " WHERE code = $1");
    COUNT_LISTED = concat!("SELECT COUNT(*) AS count FROM activation_codes", listed_codes!());
    UPDATE = "UPDATE activation_codes SET tariff_id = $2, bonus_amount = $3, free_days = $4 \
        WHERE code = $1 AND activated IS NULL";
    USE = "UPDATE activation_codes SET activated = $2, source_id = $3 WHERE code = $1 AND activated IS NULL \
        RETURNING bonus_amount";
    ADD_BONUS = "UPDATE accounts SET bonus = bonus + $2 WHERE id = $1";
}

impl Catalog {
    /// All or none.
    ///
    /// # Errors
    /// `Exists` for a code that was issued before; `ReferenceNotFound` for an unknown tariff.
    pub async fn create_activation_codes(
        &self,
        codes: &[String],
        terms: &CodeTerms,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for code in codes {
            let create = query(CREATE)
                .bind(code)
                .bind(terms.tariff.0)
                .bind(terms.bonus.ten_thousandths())
                .bind(terms.free_days);
            create.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub async fn activation_code(&self, code: &str) -> Result<Option<ActivationCode>, CatalogError> {
        Ok(query_as(READ).bind(code).fetch_optional(self.reader()).await?)
    }

    /// Changes those that were not used yet; answers how many.
    ///
    /// # Errors
    /// `ReferenceNotFound` for an unknown tariff.
    pub async fn update_activation_codes(
        &self,
        codes: &[String],
        terms: &CodeTerms,
    ) -> Result<u64, CatalogError> {
        let mut transaction = self.write().await?;
        let mut updated = 0;
        for code in codes {
            let update = query(UPDATE)
                .bind(code)
                .bind(terms.tariff.0)
                .bind(terms.bonus.ten_thousandths())
                .bind(terms.free_days);
            updated += update.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(updated)
    }

    /// The filter looks into code, plan and source.
    pub async fn list_activation_codes(
        &self,
        page: &Page,
        order: CodeOrder,
        direction: Direction,
    ) -> Result<Listed<ActivationCode>, CatalogError> {
        self.listed(page, COUNT_LISTED, order.list(direction)).await
    }
}

/// Uses a code up for a source, and credits its bonus.
///
/// # Errors
/// `CodeUnusable`.
pub(super) async fn use_up(
    transaction: &mut AnyConnection,
    code: &str,
    account: AccountId,
    source: SourceId,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let take = query(USE).bind(code).bind(at.millis()).bind(source.0);
    let used = returned(&mut *transaction, take).await.map_err(|error| match error {
        CatalogError::NotFound => CatalogError::CodeUnusable,
        other => other,
    })?;
    query(ADD_BONUS).bind(account.0).bind(used.int("bonus_amount")?).execute(transaction).await?;
    Ok(())
}

impl FromRow<'_, AnyRow> for ActivationCode {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let used = row.maybe_time("activated")?.zip(row.maybe_int("source_id")?.map(SourceId));
        Ok(Self {
            code: row.text("code")?,
            terms: CodeTerms {
                tariff: TariffId(row.int("tariff_id")?),
                bonus: Money::from_ten_thousandths(row.int("bonus_amount")?),
                free_days: row.int("free_days")?,
            },
            tariff_name: row.text("tariff_name")?,
            used,
        })
    }
}
