//! SIM cards that are sold in bundles with devices.

use super::{Catalog, CatalogError, columns::Columns, statements::statements};
use sqlx::{FromRow, any::AnyRow, query, query_as};
use std::fmt;

#[derive(Clone, PartialEq, Eq)]
pub struct SimCard {
    /// Unique.
    pub iccid: String,
    /// Unique.
    pub phone: String,
    pub apn_name: String,
    pub apn_user: String,
    pub apn_password: String,
    pub blocked: bool,
    pub deleted: bool,
}

impl fmt::Debug for SimCard {
    /// Without the password of the access point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimCard").field("iccid", &self.iccid).finish_non_exhaustive()
    }
}

statements! {
    CREATE = "INSERT INTO sim_cards (iccid, phone, apn_name, apn_user, apn_password, blocked, deleted) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    READ = "SELECT iccid, phone, apn_name, apn_user, apn_password, blocked, deleted FROM sim_cards WHERE iccid = $1";
    BUNDLED = "SELECT bundles.id AS id FROM sim_cards JOIN bundles ON bundles.iccid = sim_cards.iccid \
        WHERE sim_cards.phone = $1";
}

impl Catalog {
    /// All or none.
    ///
    /// # Errors
    /// `Exists` for an ICCID, `PhoneTaken` for a phone that another card has.
    pub async fn import_sim_cards(&self, cards: &[SimCard]) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for card in cards {
            let create = query(CREATE)
                .bind(&card.iccid)
                .bind(&card.phone)
                .bind(&card.apn_name)
                .bind(&card.apn_user)
                .bind(&card.apn_password)
                .bind(i64::from(card.blocked))
                .bind(i64::from(card.deleted));
            create.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub async fn sim_card(&self, iccid: &str) -> Result<Option<SimCard>, CatalogError> {
        Ok(query_as(READ).bind(iccid).fetch_optional(self.reader()).await?)
    }

    /// Whether the number is that of a SIM that belongs to a bundle.
    pub async fn is_bundled_phone(&self, phone: &str) -> Result<bool, CatalogError> {
        Ok(query(BUNDLED).bind(phone).fetch_optional(self.reader()).await?.is_some())
    }
}

impl FromRow<'_, AnyRow> for SimCard {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            iccid: row.text("iccid")?,
            phone: row.text("phone")?,
            apn_name: row.text("apn_name")?,
            apn_user: row.text("apn_user")?,
            apn_password: row.text("apn_password")?,
            blocked: row.flag("blocked")?,
            deleted: row.flag("deleted")?,
        })
    }
}
