//! Sensors of sources. Which of them may stand together is decided above; here they are kept.

use super::{
    Catalog, CatalogError,
    columns::{Columns, json},
    counter,
    statements::{returned_id, statements},
};
use domain::{
    CounterRule, MeteringInput, ModelCode, NewSensor, Sensor, SensorId, SensorKind, SensorOrigin, SourceId,
    default_sensors, sensors_after_replacement,
};
use sqlx::{AnyConnection, FromRow, any::AnyRow, query, query_as};
use std::collections::HashMap;

macro_rules! select_sensors {
    () => {
        "SELECT sensors.id AS id, source_id, registered, name, definition FROM sensors"
    };
}

statements! {
    CREATE = "INSERT INTO sensors (source_id, sensor_type, registered, name, definition) \
        VALUES ($1, $2, $3, $4, $5) RETURNING id";
    UPDATE = "UPDATE sensors SET sensor_type = $3, registered = $4, name = $5, definition = $6 \
        WHERE id = $1 AND source_id = $2";
    MOVE = "UPDATE sensors SET source_id = $2 WHERE id = $1";
    DELETE = "DELETE FROM sensors WHERE id = $1 AND source_id = $2";
    DELETE_ALL = "DELETE FROM sensors WHERE source_id = $1";
    OF_SOURCE = concat!(select_sensors!(), " WHERE source_id = $1 ORDER BY id");
    IGNITIONS = "SELECT sensors.id AS id, source_id, model, registered, name, definition \
        FROM sensors JOIN sources ON sources.id = sensors.source_id \
        WHERE registered = 0 AND sensor_type IN ('ignition', 'virtual_ignition') AND corrupted = 0 \
        ORDER BY source_id, sensors.id";
}

/// A sensor that somebody made to tell the ignition, with its source and the code of its device model.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnitionSensor {
    pub source: SourceId,
    pub model: String,
    pub sensor: Sensor,
}

impl Catalog {
    /// By ascending id.
    pub async fn sensors_of(&self, source: SourceId) -> Result<Vec<Sensor>, CatalogError> {
        let stored: Vec<Stored> = query_as(OF_SOURCE).bind(source.0).fetch_all(self.reader()).await?;
        Ok(stored.into_iter().map(|Stored(sensor)| sensor).collect())
    }

    /// Those that did not come with the device, by source; of replaced devices too.
    pub async fn ignition_sensors(&self) -> Result<Vec<IgnitionSensor>, CatalogError> {
        Ok(query_as(IGNITIONS).fetch_all(self.reader()).await?)
    }

    /// Makes a sensor, in the place of another when one gives way. If the odometer counted by that one, it goes on by the
    /// rule `by_fixes`.
    ///
    /// # Errors
    /// `ReferenceNotFound` for an unknown source.
    pub async fn create_sensor(
        &self,
        source: SourceId,
        new: &NewSensor,
        instead_of: Option<SensorId>,
        by_fixes: Option<&CounterRule>,
    ) -> Result<SensorId, CatalogError> {
        let mut transaction = self.write().await?;
        if let Some(former) = instead_of {
            query(DELETE).bind(former.0).bind(source.0).execute(&mut *transaction).await?;
            counter::sensors_went(&mut transaction, source, by_fixes).await?;
        }
        let id = create(&mut transaction, source, new).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// # Errors
    /// `NotFound`, also for another source's sensor.
    pub async fn update_sensor(&self, source: SourceId, sensor: &Sensor) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        update(&mut transaction, source, sensor).await?;
        Ok(transaction.commit().await?)
    }

    /// Deletes a sensor. `orphans` are the composite sensors that had it as a parent, as they are without it. If the
    /// odometer counted by it, it goes on by the rule `by_fixes`.
    ///
    /// # Errors
    /// `NotFound`, also for another source's sensor.
    pub async fn delete_sensor(
        &self,
        source: SourceId,
        id: SensorId,
        orphans: &[Sensor],
        by_fixes: Option<&CounterRule>,
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        if query(DELETE).bind(id.0).bind(source.0).execute(&mut *transaction).await?.rows_affected() == 0 {
            return Err(CatalogError::NotFound);
        }
        for sensor in orphans {
            update(&mut transaction, source, sensor).await?;
        }
        counter::sensors_went(&mut transaction, source, by_fixes).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives each source copies of these sensors in the place of its own. If its odometer counted by one of those, it goes
    /// on by the rule beside it.
    pub async fn copy_sensors(
        &self,
        sensors: &[Sensor],
        to: &[(SourceId, Option<CounterRule>)],
    ) -> Result<(), CatalogError> {
        let mut transaction = self.write().await?;
        for (source, by_fixes) in to {
            query(DELETE_ALL).bind(source.0).execute(&mut *transaction).await?;
            let mut copies = HashMap::new();
            // Parents first: composite sensors name them.
            let (composite, others): (Vec<_>, Vec<_>) =
                sensors.iter().cloned().partition(|sensor| sensor.parents().is_some());
            for Sensor { id, name, origin, mut kind } in others.into_iter().chain(composite) {
                if let SensorKind::Metering(metering) = &mut kind
                    && let MeteringInput::Composite { parents, .. } = &mut metering.input
                {
                    *parents = parents.iter().filter_map(|parent| copies.get(parent).copied()).collect();
                }
                let copy = create(&mut transaction, *source, &NewSensor { name, origin, kind }).await?;
                copies.insert(id, copy);
            }
            counter::sensors_went(&mut transaction, *source, by_fixes.as_ref()).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// What a source of this device model begins with. For the transaction that makes the source.
pub(super) async fn create_defaults(
    connection: &mut AnyConnection,
    source: SourceId,
    model: &str,
) -> Result<(), CatalogError> {
    let Some(model) = ModelCode::find(model) else { return Ok(()) };
    for sensor in default_sensors(model.model()) {
        create(&mut *connection, source, &sensor).await?;
    }
    Ok(())
}

/// Moves the sensors of a replaced source to the new one, as far as its device model can feed them, and adds what else a
/// device of the model begins with. What told the ignition of the old one stays with it, too: its past is read by that.
/// For the transaction that replaces the source.
pub(super) async fn take_over(
    connection: &mut AnyConnection,
    [old, new]: [SourceId; 2],
    [old_model, new_model]: [&str; 2],
) -> Result<(), CatalogError> {
    let Some((old_model, new_model)) = ModelCode::find(old_model).zip(ModelCode::find(new_model)) else {
        return Ok(());
    };
    let before: Vec<Stored> = query_as(OF_SOURCE).bind(old.0).fetch_all(&mut *connection).await?;
    let before: Vec<_> = before.into_iter().map(|Stored(sensor)| sensor).collect();
    let of_ignition = |sensor: &&Sensor| sensor.origin == SensorOrigin::User && sensor.kind.tells_ignition();
    let ignition: Vec<_> = before.iter().filter(of_ignition).cloned().collect();
    let (kept, added) = sensors_after_replacement(before, old_model.model(), new_model.model());
    for sensor in &kept {
        update(&mut *connection, old, sensor).await?;
        query(MOVE).bind(sensor.id.0).bind(new.0).execute(&mut *connection).await?;
    }
    query(DELETE_ALL).bind(old.0).execute(&mut *connection).await?;
    for Sensor { name, origin, kind, .. } in ignition {
        create(&mut *connection, old, &NewSensor { name, origin, kind }).await?;
    }
    for sensor in &added {
        create(&mut *connection, new, sensor).await?;
    }
    Ok(())
}

async fn create(
    connection: &mut AnyConnection,
    source: SourceId,
    NewSensor { name, origin, kind }: &NewSensor,
) -> Result<SensorId, CatalogError> {
    let create = query(CREATE)
        .bind(source.0)
        .bind(kind.sensor_type())
        .bind(registered(*origin))
        .bind(name)
        .bind(json(kind)?);
    returned_id(connection, create).await.map(SensorId)
}

async fn update(
    connection: &mut AnyConnection,
    source: SourceId,
    Sensor { id, name, origin, kind }: &Sensor,
) -> Result<(), CatalogError> {
    let update = query(UPDATE)
        .bind(id.0)
        .bind(source.0)
        .bind(kind.sensor_type())
        .bind(registered(*origin))
        .bind(name)
        .bind(json(kind)?);
    match update.execute(connection).await?.rows_affected() {
        0 => Err(CatalogError::NotFound),
        _ => Ok(()),
    }
}

fn registered(origin: SensorOrigin) -> i64 {
    i64::from(origin == SensorOrigin::Registration)
}

/// A row of `sensors`.
struct Stored(Sensor);

impl FromRow<'_, AnyRow> for Stored {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self(Sensor {
            id: SensorId(row.int("id")?),
            name: row.text("name")?,
            origin: if row.flag("registered")? { SensorOrigin::Registration } else { SensorOrigin::User },
            kind: row.json("definition")?,
        }))
    }
}

impl FromRow<'_, AnyRow> for IgnitionSensor {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let source = SourceId(row.int("source_id")?);
        let Stored(sensor) = Stored::from_row(row)?;
        Ok(Self { source, model: row.text("model")?, sensor })
    }
}
