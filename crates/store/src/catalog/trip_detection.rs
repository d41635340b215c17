//! Trip detection: when a source is moving, stopped, parked.

use super::{Catalog, CatalogError, columns::Columns, statements::statements};
use domain::{SourceId, TripDetection};
use sqlx::{FromRow, any::AnyRow, query, query_as};

statements! {
    SET = "INSERT INTO trip_detection (source_id, min_idle_duration_minutes, idle_speed_threshold, ignition_aware, \
        motion_sensor_aware) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (source_id) DO UPDATE SET min_idle_duration_minutes = excluded.min_idle_duration_minutes, \
        idle_speed_threshold = excluded.idle_speed_threshold, ignition_aware = excluded.ignition_aware, \
        motion_sensor_aware = excluded.motion_sensor_aware";
    ALL = "SELECT source_id, min_idle_duration_minutes, idle_speed_threshold, ignition_aware, motion_sensor_aware \
        FROM trip_detection ORDER BY source_id";
}

struct OfSource(SourceId, TripDetection);

impl Catalog {
    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn set_trip_detection(
        &self,
        source: SourceId,
        settings: &TripDetection,
    ) -> Result<(), CatalogError> {
        let set = query(SET)
            .bind(source.0)
            .bind(i64::from(settings.min_idle_duration_minutes))
            .bind(i64::from(settings.idle_speed_threshold))
            .bind(i64::from(settings.ignition_aware))
            .bind(i64::from(settings.motion_sensor_aware));
        set.execute(self.writer()).await?;
        Ok(())
    }

    /// Of every source that was given its own, by ascending source.
    pub async fn trip_detections(&self) -> Result<Vec<(SourceId, TripDetection)>, CatalogError> {
        let all: Vec<OfSource> = query_as(ALL).fetch_all(self.reader()).await?;
        Ok(all.into_iter().map(|OfSource(source, settings)| (source, settings)).collect())
    }
}

impl FromRow<'_, AnyRow> for OfSource {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let number = |column: &str| {
            let number = row.int(column)?;
            u16::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
        };
        let settings = TripDetection {
            min_idle_duration_minutes: number("min_idle_duration_minutes")?,
            idle_speed_threshold: number("idle_speed_threshold")?,
            ignition_aware: row.flag("ignition_aware")?,
            motion_sensor_aware: row.flag("motion_sensor_aware")?,
        };
        Ok(Self(SourceId(row.int("source_id")?), settings))
    }
}
